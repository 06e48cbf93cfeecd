//! The `Name: value` lines of `/proc/self/status` and `/proc/meminfo`.
//!
//! They are parsed line by line, not by a parser of the whole file: a missing or unknown line
//! (other kernels, emulated ones, file systems mounted over `/proc`) must not affect the other
//! lines.

use std::path::Path;

/// The file's text, or nothing if it cannot be read.
pub(super) fn read(path: impl AsRef<Path>) -> Vec<u8> {
    std::fs::read(path).unwrap_or_default()
}

/// The text after `name:`, without surrounding blanks.
pub(super) fn text<'a>(file: &'a [u8], name: &str) -> Option<&'a str> {
    file.split(|&byte| byte == b'\n').find_map(|line| {
        let value = line.strip_prefix(name.as_bytes())?.strip_prefix(b":")?;
        Some(str::from_utf8(value).ok()?.trim())
    })
}

/// The number after `name:`.
pub(super) fn number(file: &[u8], name: &str) -> Option<u64> {
    text(file, name)?.parse().ok()
}

/// The amount after `name:` in bytes. The file states it in units of 1024 bytes, which it calls kB.
pub(super) fn bytes(file: &[u8], name: &str) -> Option<u64> {
    let (amount, unit) = text(file, name)?.split_once(' ')?;
    if unit.trim() != "kB" {
        return None;
    }
    amount.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let file = b"Name:\t\xff\xed\x95\nVmRSSx:\t1 kB\nVmRSS:\t    1612 kB\nThreads:\t3\n";
        assert_eq!(number(file, "Threads"), Some(3));
        assert_eq!(bytes(file, "VmRSS"), Some(1612 * 1024));
        assert_eq!(text(file, "Vm"), None);
        assert_eq!(text(file, "Name"), None, "not UTF-8, which does not affect the others");
    }

    #[test]
    fn nonsense_is_no_value() {
        let file = b"A: -1 kB\nB: 18446744073709551615 kB\nC: 5 MB\nD:\nE: 5";
        for name in ["A", "B", "C", "D", "E"] {
            assert_eq!(bytes(file, name), None, "{name}");
        }
        assert_eq!(number(&read("/proc/there/is/no/such/file"), "A"), None);
    }
}
