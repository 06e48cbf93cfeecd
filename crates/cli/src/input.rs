//! Parses numbers from the command line, a file or a pipe.
//!
//! A file has one number per line. `#` starts a comment. Blank lines, spaces around a number and Windows
//! line endings are ignored. A line that is not UTF-8 is a bad line; reading continues after it. Memory
//! use is bounded even if a line never ends.

use std::io::{self, BufRead, Read};
use std::num::IntErrorKind;

/// The longest accepted line, in bytes.
const MAX_LINE: u64 = 1024;

/// How many characters of a bad line an error quotes.
const MAX_QUOTED: usize = 100;

/// Parses a `u64`. The error says why the text is not one.
pub(crate) fn number(text: &str) -> Result<u64, &'static str> {
    text.parse::<u64>().map_err(|error| match error.kind() {
        IntErrorKind::PosOverflow => "larger than 18446744073709551615 (2^64-1)",
        _ => "not a whole number from 0 to 18446744073709551615 (2^64-1)",
    })
}

/// A line that is not a number.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadLine {
    /// The line number, counted from 1.
    pub(crate) line: u64,
    /// The start of the line.
    pub(crate) text: String,
    /// Why it is not a number.
    pub(crate) message: &'static str,
}

/// The numbers of a file, one after the other. Bad lines are passed on and skipped.
pub(crate) struct Numbers<R, B> {
    reader: R,
    on_bad_line: B,
    line: u64,
    bytes: Vec<u8>,
    /// Why reading has failed, if it has: there are no more numbers then.
    error: Option<io::Error>,
}

impl<R: BufRead, B: FnMut(BadLine)> Numbers<R, B> {
    pub(crate) fn new(reader: R, on_bad_line: B) -> Numbers<R, B> {
        Numbers { reader, on_bad_line, line: 0, bytes: Vec::new(), error: None }
    }

    /// Why reading has failed, if it has.
    pub(crate) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// Reads the next line. False: there is none.
    fn read_line(&mut self) -> io::Result<bool> {
        self.bytes.clear();
        self.line += 1;
        self.reader.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut self.bytes)?;
        Ok(!self.bytes.is_empty())
    }

    /// True if `bytes` is the whole line. What is left of a longer one is skipped.
    fn skip_rest(&mut self) -> io::Result<bool> {
        let whole = self.bytes.ends_with(b"\n") || self.bytes.len() as u64 <= MAX_LINE;
        if !whole {
            self.reader.skip_until(b'\n')?;
        }
        Ok(whole)
    }

    fn next_number(&mut self) -> io::Result<Option<u64>> {
        while self.read_line()? {
            let whole = self.skip_rest()?;
            match parse(&self.bytes, self.line == 1, whole) {
                Ok(None) => {}
                Ok(Some(number)) => return Ok(Some(number)),
                Err(message) => {
                    let text = quote(&self.bytes);
                    (self.on_bad_line)(BadLine { line: self.line, text, message });
                }
            }
        }
        Ok(None)
    }
}

impl<R: BufRead, B: FnMut(BadLine)> Iterator for Numbers<R, B> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.next_number().unwrap_or_else(|error| {
            self.error = Some(error);
            None
        })
    }
}

/// Parses a line; `None` if it is blank or a comment. `whole` is false for the start of a line that is
/// too long.
fn parse(line: &[u8], first: bool, whole: bool) -> Result<Option<u64>, &'static str> {
    // Some Windows editors write a byte order mark at the start of a file.
    let line = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| first).unwrap_or(line);
    let mut parts = line.splitn(2, |&byte| byte == b'#');
    let (before, comment) = (parts.next().unwrap_or_default().trim_ascii(), parts.next());
    if !whole && comment.is_none() {
        return Err("longer than 1024 bytes");
    }
    if before.is_empty() {
        return Ok(None);
    }
    // Invalid UTF-8 becomes U+FFFD, which never parses as a number.
    number(&String::from_utf8_lossy(before)).map(Some)
}

/// The start of a line, for an error message.
fn quote(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line.trim_ascii());
    match text.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(file: &[u8]) -> (Vec<u64>, Vec<BadLine>) {
        let (mut numbers, mut bad) = (Vec::new(), Vec::new());
        // A tiny buffer, so that lines span several reads.
        let reader = io::BufReader::with_capacity(3, file);
        numbers.extend(Numbers::new(reader, |line| bad.push(line)));
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
    fn blanks_comments_and_line_endings_are_ignored() {
        let file = b"\xef\xbb\xbf1\r\n\r\n  \t\n# note\n   # note\n\t2 \n3 # note\n#\n4";
        assert_eq!(all(file), (vec![1, 2, 3, 4], vec![]));
        assert_eq!(all(b""), (vec![], vec![]));
    }

    #[test]
    fn bad_lines_are_reported_with_their_line_number_and_skipped() {
        let file = b"1\nabc\n-5\n1.5\n18446744073709551616\n2\n1 2\n\xff\xfe\n\xef\xbb\xbf3\n4\n";
        let (numbers, lines) = all(file);
        assert_eq!(numbers, [1, 2, 4]);
        let reported: Vec<_> = lines.iter().map(|bad| (bad.line, bad.text.clone())).collect();
        assert_eq!(
            reported,
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
    fn a_very_long_line_is_one_bad_line() {
        let mut file = vec![b'1'; 1 << 20];
        file.extend(b"\n5\n#");
        file.extend(vec![b'x'; 5000]);
        file.extend(b"\n6\n");
        file.extend(vec![b'7'; 2000]);
        let (numbers, lines) = all(&file);
        assert_eq!(numbers, [5, 6]);
        let expected = format!("{}…", "1".repeat(MAX_QUOTED));
        assert_eq!((lines[0].line, &lines[0].text), (1, &expected));
        assert_eq!((lines[1].line, lines.len()), (5, 2));
        assert_eq!(lines[0].message, format!("longer than {MAX_LINE} bytes"));
    }

    #[test]
    fn a_line_of_the_maximum_length_is_read() {
        for (length, fine) in [(MAX_LINE, true), (MAX_LINE + 1, false)] {
            let mut file = vec![b'0'; length as usize];
            assert_eq!(all(&file).0.len(), usize::from(fine), "{length} bytes at the end");
            file.extend(b"\n5\n");
            let numbers = all(&file).0;
            assert_eq!(numbers, if fine { vec![0, 5] } else { vec![5] }, "{length} bytes");
        }
    }
}
