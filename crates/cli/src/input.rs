//! Numbers, from the command line, a file or a pipe.
//!
//! A file has one number a line; blank lines and what follows a `#` are skipped, blanks around the
//! number do not matter, and lines may end as on Windows. Files are bytes: a line that is no text is
//! a bad line and not the end of reading, and one that never ends takes no memory.

use std::io::{self, BufRead, Read};
use std::num::IntErrorKind;

/// Longest line, in bytes; what is beyond it is skipped.
const LONGEST: u64 = 1024;

/// Most characters of a bad line that are repeated to the user.
const SHOWN: usize = 100;

/// A number in the range of `u64`; else what it is instead.
pub(crate) fn number(text: &str) -> Result<u64, &'static str> {
    text.parse::<u64>().map_err(|error| match error.kind() {
        IntErrorKind::PosOverflow => "larger than 18446744073709551615 (2^64-1)",
        _ => "not a whole number from 0 to 18446744073709551615 (2^64-1)",
    })
}

/// A line that is no number.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadLine {
    /// The first line is 1.
    pub(crate) line: u64,
    /// What stands there, at least its beginning.
    pub(crate) text: String,
    /// What it is instead of a number.
    pub(crate) message: &'static str,
}

/// Reads the numbers of a file; the bad lines go to `bad` as they are found.
///
/// # Errors
/// If reading fails.
pub(crate) fn read(
    mut reader: impl BufRead,
    numbers: &mut Vec<u64>,
    mut bad: impl FnMut(BadLine),
) -> io::Result<()> {
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        if reader.by_ref().take(LONGEST + 1).read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        let whole = bytes.ends_with(b"\n") || bytes.len() as u64 <= LONGEST;
        if !whole {
            reader.skip_until(b'\n')?;
        }
        match parse(&bytes, line == 1, whole) {
            Ok(None) => {}
            Ok(Some(number)) => numbers.push(number),
            Err(message) => bad(BadLine { line, text: shown(&bytes), message }),
        }
    }
    Ok(())
}

/// The number in a line, if there is anything in it.
fn parse(line: &[u8], first: bool, whole: bool) -> Result<Option<u64>, &'static str> {
    // Some editors on Windows begin a file with this mark.
    let line = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| first).unwrap_or(line);
    let mut parts = line.splitn(2, |&byte| byte == b'#');
    let (before, comment) = (parts.next().unwrap_or_default().trim_ascii(), parts.next());
    if !whole && comment.is_none() {
        return Err("too long for a number");
    }
    if before.is_empty() {
        return Ok(None);
    }
    // What is no text is no number either, and the replaced characters say so.
    number(&String::from_utf8_lossy(before)).map(Some)
}

fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line.trim_ascii());
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(file: &[u8]) -> (Vec<u64>, Vec<BadLine>) {
        let (mut numbers, mut bad) = (Vec::new(), Vec::new());
        // A small buffer: lines are not where the reader's blocks are.
        let reader = io::BufReader::with_capacity(3, file);
        read(reader, &mut numbers, |line| bad.push(line)).unwrap();
        (numbers, bad)
    }

    fn bad(line: u64, text: &str) -> (u64, String) {
        (line, text.to_owned())
    }

    #[test]
    fn numbers_of_the_whole_range() {
        let (numbers, bad) = all(b"0\n18446744073709551615\n007\n");
        assert_eq!((numbers, bad), (vec![0, u64::MAX, 7], vec![]));
    }

    #[test]
    fn blanks_comments_and_line_ends_do_not_matter() {
        let file = b"\xef\xbb\xbf1\r\n\r\n  \t\n# note\n   # note\n\t2 \n3 # note\n#\n4";
        assert_eq!(all(file), (vec![1, 2, 3, 4], vec![]));
        assert_eq!(all(b""), (vec![], vec![]));
    }

    #[test]
    fn bad_lines_are_told_with_their_place_and_cost_nothing_else() {
        let file = b"1\nabc\n-5\n1.5\n18446744073709551616\n2\n1 2\n\xff\xfe\n\xef\xbb\xbf3\n4\n";
        let (numbers, lines) = all(file);
        assert_eq!(numbers, [1, 2, 4]);
        let places: Vec<_> = lines.iter().map(|bad| (bad.line, bad.text.clone())).collect();
        assert_eq!(
            places,
            [
                bad(2, "abc"),
                bad(3, "-5"),
                bad(4, "1.5"),
                bad(5, "18446744073709551616"),
                bad(7, "1 2"),
                bad(8, "\u{fffd}\u{fffd}"),
                bad(9, "\u{feff}3"),
            ]
        );
        assert!(lines[3].message.contains("larger than 18446744073709551615"));
        assert!(lines[0].message.contains("not a whole number"));
    }

    #[test]
    fn a_line_without_end_is_one_bad_line() {
        let mut file = vec![b'1'; 1 << 20];
        file.extend(b"\n5\n#");
        file.extend(vec![b'x'; 5000]);
        file.extend(b"\n6\n");
        file.extend(vec![b'7'; 2000]);
        let (numbers, lines) = all(&file);
        assert_eq!(numbers, [5, 6]);
        let expected = format!("{}…", "1".repeat(SHOWN));
        assert_eq!((lines[0].line, &lines[0].text), (1, &expected));
        assert_eq!((lines[1].line, lines.len()), (5, 2));
    }

    #[test]
    fn the_longest_line_is_still_read() {
        for (length, fine) in [(LONGEST, true), (LONGEST + 1, false)] {
            let mut file = vec![b'0'; length as usize];
            assert_eq!(all(&file).0.len(), usize::from(fine), "{length} bytes at the end");
            file.extend(b"\n5\n");
            let numbers = all(&file).0;
            assert_eq!(numbers, if fine { vec![0, 5] } else { vec![5] }, "{length} bytes");
        }
    }
}
