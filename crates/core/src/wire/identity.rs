//! Which program this is: the check that a parent and a worker are the same build.
//!
//! `/proc/self/maps` says from which file, and from which place of it, the code of this crate was
//! loaded. Two processes that agree on device, inode and place have the same code at the same
//! distances, because a file that is being executed cannot be written to.

use crate::wire::entry_point::anchor;
use std::ops::Range;
use std::sync::OnceLock;

/// The file that this crate's code lies in, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Device, as `maps` writes it.
    pub(crate) device: String,
    pub(crate) inode: u64,
    /// Place of the anchor in the file.
    pub(crate) place: u64,
}

#[derive(Debug)]
struct Program {
    identity: Identity,
    code: Vec<Range<usize>>,
}

/// What was found out about this program. A failure, which may pass, is not kept.
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

/// True if the code at `address` comes from the same file as this crate.
pub(crate) fn program_contains(address: usize) -> bool {
    program().is_ok_and(|program| program.code.iter().any(|code| code.contains(&address)))
}

struct Mapping<'a> {
    range: Range<usize>,
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
    let executable = fields.next()?.contains('x');
    let offset = u64::from_str_radix(fields.next()?, 16).ok()?;
    Some(Mapping {
        range,
        executable,
        offset,
        device: fields.next()?,
        inode: fields.next()?.parse().ok()?,
    })
}

fn find(maps: &str, address: usize) -> Option<Program> {
    let mappings: Vec<_> = maps.lines().filter_map(parse).filter(|m| m.executable).collect();
    let home = mappings.iter().find(|mapping| mapping.range.contains(&address))?;
    let identity = Identity {
        device: home.device.to_owned(),
        inode: home.inode,
        place: home.offset + (address - home.range.start) as u64,
    };
    let code = mappings
        .iter()
        .filter(|mapping| (mapping.device, mapping.inode) == (home.device, home.inode))
        .map(|mapping| mapping.range.clone())
        .collect();
    Some(Program { identity, code })
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
        assert_eq!(program.code, std::slice::from_ref(&(0x2000..0x5000)));
        assert!(find(MAPS, 0x1500).is_none(), "not executable");
    }

    #[test]
    fn this_very_program_has_an_identity() {
        assert_ne!(identity().unwrap().inode, 0);
        assert!(program_contains(find as *const () as usize));
        assert!(!program_contains(MAPS.as_ptr() as usize), "data");
    }

    proptest! {
        #[test]
        fn no_line_panics(line in ".{0,80}") {
            let _ = parse(&line);
        }
    }
}
