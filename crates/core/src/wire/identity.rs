//! Which program this is: the check that a parent and a worker are the same build.
//!
//! `/proc/self/maps` says from which file, and from which offset in it, the code of this crate was
//! loaded. Two processes that agree on device, inode and offset have the same code at the same
//! distances, because a file that is being executed cannot be written to.

use crate::wire::entry_point::anchor;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::OnceLock;
use twox_hash::XxHash3_128;

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

/// The build of the program that a process runs: 128 bits of a hash (XXH3) of the program's file.
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

    fn of(mut file: impl Read) -> io::Result<BuildId> {
        let mut hash = XxHash3_128::new();
        let mut chunk = vec![0; 1 << 18];
        loop {
            match file.read(&mut chunk) {
                Ok(0) => return Ok(BuildId(hash.finish_128().to_le_bytes())),
                Ok(len) => hash.write(&chunk[..len]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
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
        let of = |bytes: &[u8]| BuildId::of(bytes).unwrap();
        assert_eq!(of(b"one"), of(b"one"));
        assert_ne!(of(b"one"), of(b"two"));
        // The value that xxHash's own sanity test lists for an empty input, as little-endian bytes.
        assert_eq!(of(b"").to_string(), "7f498d4624c30160d8984701d306aa99");
        let ours = BuildId::of_this_program().unwrap();
        assert_eq!(BuildId::from_slice(ours.as_bytes()), Some(ours));
        assert_eq!(BuildId::from_slice(&[0; 15]), None);
    }

    proptest! {
        #[test]
        fn no_line_panics(line in ".{0,80}") {
            let _ = parse(&line);
        }
    }
}
