//! Which program this is: the check that a parent and a worker are the same build.
//!
//! `/proc/self/maps` says from which file, and from which offset in it, the code of this crate was
//! loaded. Two processes that agree on device, inode and offset have the same code at the same
//! distances, because a file that is being executed cannot be written to.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::ops::Range;
use std::sync::OnceLock;
use twox_hash::XxHash3_128;

/// The only copy of this function in the program: distances are measured from it.
#[inline(never)]
pub(crate) fn anchor() {}

/// The file that contains this crate's code, and the offset of the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Device, as `maps` writes it.
    pub(crate) device: String,
    pub(crate) inode: u64,
    /// Offset of the anchor in the file.
    pub(crate) place: u64,
}

#[derive(Debug)]
struct Program {
    identity: Identity,
    /// Where the file's code and constants are mapped.
    mapped: Vec<Range<usize>>,
}

/// What is known about this program. A failure is not cached, because it may be temporary.
fn program() -> Result<&'static Program, String> {
    static PROGRAM: OnceLock<Program> = OnceLock::new();
    if let Some(program) = PROGRAM.get() {
        return Ok(program);
    }
    let maps = std::fs::read("/proc/self/maps")
        .map_err(|error| format!("cannot read /proc/self/maps: {error}"))?;
    let found = find(&String::from_utf8_lossy(&maps), anchor as *const () as usize)
        .ok_or_else(|| "this program's code is not in /proc/self/maps".to_owned())?;
    Ok(PROGRAM.get_or_init(|| found))
}

/// This program's identity.
pub(crate) fn identity() -> Result<&'static Identity, String> {
    program().map(|program| &program.identity)
}

/// True if the memory at `address` comes from the same file as this crate.
pub(crate) fn program_contains(address: usize) -> bool {
    program().is_ok_and(|program| program.mapped.iter().any(|range| range.contains(&address)))
}

/// The build of the program that a process runs: 128 bits of a hash (XXH3) of the loaded part of the
/// program's file.
///
/// Two processes with the same build id run the same code, on one machine or on two. It
/// distinguishes builds; it is no protection against forgery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BuildId([u8; BuildId::LEN]);

impl BuildId {
    /// Length of a build id in bytes.
    pub const LEN: usize = 16;

    /// The build id of this process. The first call reads the program's file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn of_this_program() -> Result<BuildId, String> {
        static BUILD: OnceLock<BuildId> = OnceLock::new();
        if let Some(build) = BUILD.get() {
            return Ok(*build);
        }
        // This very file, even if it has been replaced or deleted since.
        let build = File::open("/proc/self/exe").and_then(BuildId::of);
        let build = build.map_err(|error| format!("cannot read this program's file: {error}"))?;
        Ok(*BUILD.get_or_init(|| build))
    }

    /// That of the program in this file: of what is loaded of it, if it is an ELF file, for debug
    /// information may be ten times as long; else of the whole.
    fn of(mut file: impl Read + Seek) -> io::Result<BuildId> {
        let mut head = Vec::new();
        file.by_ref().take(MOST_HEADERS).read_to_end(&mut head)?;
        let whole = 0..u64::MAX;
        let loaded = loaded_segments(&head).unwrap_or_else(|| Vec::from([whole]));
        let mut hash = XxHash3_128::new();
        for segment in loaded {
            file.seek(io::SeekFrom::Start(segment.start))?;
            let mut bytes = file.by_ref().take(segment.end - segment.start);
            io::copy(&mut bytes, &mut Hashing(&mut hash))?;
        }
        Ok(BuildId(hash.finish_128().to_le_bytes()))
    }

    /// The build id in these bytes; `None` if their length is not [`LEN`](Self::LEN).
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<BuildId> {
        Some(BuildId(bytes.try_into().ok()?))
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; BuildId::LEN] {
        &self.0
    }
}

/// Bytes at the beginning of an ELF file that hold its program headers.
const MOST_HEADERS: u64 = 4096;

/// Where the segments of an ELF file for 64 bits lie in it that are loaded (elf(5)). `None`: it is none.
fn loaded_segments(file: &[u8]) -> Option<Vec<Range<u64>>> {
    const LOAD: u32 = 1;
    let (u16_at, u32_at, u64_at) = (
        |at: usize| Some(u16::from_le_bytes(file.get(at..at + 2)?.try_into().ok()?)),
        |at: usize| Some(u32::from_le_bytes(file.get(at..at + 4)?.try_into().ok()?)),
        |at: usize| Some(u64::from_le_bytes(file.get(at..at + 8)?.try_into().ok()?)),
    );
    // Magic, 64 bits, little-endian.
    if !file.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (table, size, count) = (u64_at(32)?, u16_at(54)?, u16_at(56)?);
    let mut segments = Vec::new();
    for index in 0..usize::from(count) {
        let at = usize::try_from(table).ok()?.checked_add(index * usize::from(size))?;
        // What lies that far is not in `file`; nor would the sums below be.
        let at = Some(at).filter(|&at| at < file.len())?;
        if u32_at(at)? == LOAD {
            let start = u64_at(at + 8)?;
            segments.push(start..start.checked_add(u64_at(at + 32)?)?);
        }
    }
    Some(segments).filter(|segments| !segments.is_empty())
}

/// Whatever is written to it goes into the hash.
struct Hashing<'a>(&'a mut XxHash3_128);

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

struct Mapping<'a> {
    range: Range<usize>,
    readable: bool,
    executable: bool,
    offset: u64,
    device: &'a str,
    inode: u64,
}

/// One line of `maps`: `start-end perms offset device inode [path]`.
fn parse(line: &str) -> Option<Mapping<'_>> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
    let permissions = fields.next()?;
    let offset = u64::from_str_radix(fields.next()?, 16).ok()?;
    Some(Mapping {
        range,
        readable: permissions.contains('r'),
        executable: permissions.contains('x'),
        offset,
        device: fields.next()?,
        inode: fields.next()?.parse().ok()?,
    })
}

fn find(maps: &str, address: usize) -> Option<Program> {
    let mappings: Vec<_> = maps.lines().filter_map(parse).collect();
    let home = mappings.iter().find(|m| m.executable && m.range.contains(&address))?;
    let identity = Identity {
        device: home.device.to_owned(),
        inode: home.inode,
        place: home.offset + (address - home.range.start) as u64,
    };
    let mapped = mappings
        .iter()
        .filter(|m| m.readable && (m.device, m.inode) == (home.device, home.inode))
        .map(|mapping| mapping.range.clone())
        .collect();
    Some(Program { identity, mapped })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    const MAPS: &str = "\
1000-2000 r--p 00000000 fd:00 77 /bin/x
2000-5000 r-xp 00001000 fd:00 77 /bin/x
7000-8000 r-xp 00000000 00:00 0 [vdso]
9000-a000 r-xp 00000000 fd:00 78 /lib/y
";

    #[test]
    fn the_anchor_is_found_in_its_file() {
        let program = find(MAPS, 0x2010).unwrap();
        assert_eq!(program.identity, Identity { device: "fd:00".into(), inode: 77, place: 0x1010 });
        assert_eq!(program.mapped, [0x1000..0x2000, 0x2000..0x5000]);
        assert!(find(MAPS, 0x1500).is_none(), "not executable");
    }

    #[test]
    fn this_very_program_has_an_identity() {
        assert_ne!(identity().unwrap().inode, 0);
        assert!(program_contains(find as *const () as usize));
        assert!(program_contains(MAPS.as_ptr() as usize), "a constant of it");
        assert!(!program_contains(Box::new(1).as_ref() as *const i32 as usize), "the heap");
    }

    #[test]
    fn a_build_is_known_by_what_is_in_its_file() {
        let of = |bytes: &[u8]| BuildId::of(Cursor::new(bytes)).unwrap();
        assert_eq!(of(b"one"), of(b"one"));
        assert_ne!(of(b"one"), of(b"two"));
        // The value that xxHash's own sanity test lists for an empty input, as little-endian bytes.
        assert_eq!(of(b"").to_string(), "7f498d4624c30160d8984701d306aa99");
        let ours = BuildId::of_this_program().unwrap();
        assert_eq!(BuildId::from_slice(ours.as_bytes()), Some(ours));
        assert_eq!(BuildId::from_slice(&[0; 15]), None);
    }

    #[test]
    fn what_is_not_loaded_does_not_count() {
        let file = std::fs::read("/proc/self/exe").unwrap();
        let loaded = loaded_segments(&file).unwrap();
        let end = loaded.iter().map(|segment| segment.end).max().unwrap() as usize;
        assert!(end < file.len(), "this program has debug information");
        let of = |bytes: &[u8]| BuildId::of(Cursor::new(bytes)).unwrap();
        assert_eq!(of(&file[..end]), of(&file));
        assert_eq!(of(&file), BuildId::of_this_program().unwrap());
        let mut other = file[..end].to_vec();
        other[end - 1] ^= 1;
        assert_ne!(of(&other), of(&file));
    }

    proptest! {
        #[test]
        fn foreign_files_have_a_build(head in any::<[u8; 6]>(), rest in any::<Vec<u8>>(), elf: bool) {
            let head = if elf { b"\x7fELF\x02\x01" } else { &head };
            BuildId::of(Cursor::new([head, &rest[..]].concat())).unwrap();
        }

        #[test]
        fn no_line_panics(line in ".{0,80}") {
            let _ = parse(&line);
        }
    }
}
