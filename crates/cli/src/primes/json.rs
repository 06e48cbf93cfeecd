//! [`Json`]: the output as one JSON object, written incrementally.

use super::comparison::ComparedRun;
use super::error_log::ErrorEntry;
use super::report::Report;
use serde::Serialize;
use std::io::{self, Write};

pub(super) struct Json<W> {
    output: W,
    /// The text to write before the next number.
    before: &'static str,
}

/// The start of the object.
const BEGIN: &str = r#"{"numbers":["#;

impl<W: Write> Json<W> {
    pub(super) fn new(output: W) -> Json<W> {
        Json { output, before: BEGIN }
    }

    fn member(&mut self, name: &str, value: &impl Serialize) -> io::Result<()> {
        write!(self.output, r#","{name}":"#)?;
        Ok(serde_json::to_writer(&mut self.output, value)?)
    }
}

impl<W: Write + Send> Report for Json<W> {
    /// Writes the number as a string, because many JSON parsers lose precision above 2^53.
    fn verdict(&mut self, number: u64, prime: bool) -> io::Result<()> {
        let before = std::mem::replace(&mut self.before, ",");
        write!(self.output, r#"{before}{{"number":"{number}","prime":{prime}}}"#)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }

    fn finish(&mut self, runs: &[ComparedRun], errors: &[ErrorEntry]) -> io::Result<()> {
        if self.before == BEGIN {
            self.output.write_all(BEGIN.as_bytes())?;
        }
        self.output.write_all(b"]")?;
        self.member("runs", &runs)?;
        self.member("errors", &errors)?;
        self.output.write_all(b"}\n")?;
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Json<&mut Vec<u8>>) -> io::Result<()>) -> String {
        let mut output = Vec::new();
        write(&mut Json::new(&mut output)).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn the_object_has_the_documented_form() {
        let run = ComparedRun {
            executor: "inline".to_owned(),
            workers: 1,
            seconds: 1.5,
            speedup: 1.0,
            efficiency: 1.0,
        };
        let error =
            ErrorEntry { line: Some(3), text: "\"abc\"".to_owned(), message: "no".to_owned() };
        let text = written(|json| {
            json.verdict(u64::MAX, false)?;
            json.verdict(2, true)?;
            json.finish(&[run], &[error])
        });
        assert_eq!(
            text,
            concat!(
                r#"{"numbers":[{"number":"18446744073709551615","prime":false},"#,
                r#"{"number":"2","prime":true}],"#,
                r#""runs":[{"executor":"inline","workers":1,"seconds":1.5,"speedup":1.0,"efficiency":1.0}],"#,
                r#""errors":[{"line":3,"text":"\"abc\"","message":"no"}]}"#,
                "\n"
            )
        );
    }

    #[test]
    fn an_empty_report_is_still_an_object() {
        let text = written(|json| json.finish(&[], &[]));
        assert_eq!(text, "{\"numbers\":[],\"runs\":[],\"errors\":[]}\n");
    }
}
