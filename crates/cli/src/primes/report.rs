//! [`Report`]: a form in which the answer is written.

use super::comparison::Compared;
use super::complaints::Complaint;
use super::json::Json;
use super::text::Text;
use std::io::{self, BufWriter};

/// A form of the answer. Verdicts can be written one by one, as they come.
pub(super) trait Report: Send {
    fn verdict(&mut self, number: u64, prime: bool) -> io::Result<()>;

    /// Makes what was written visible.
    fn flush(&mut self) -> io::Result<()>;

    /// Writes what follows the verdicts; nothing may be written after it.
    fn finish(&mut self, races: &[Compared], complaints: &[Complaint]) -> io::Result<()>;
}

/// A report on standard output.
pub(super) fn to_stdout(json: bool) -> Box<dyn Report> {
    let output = BufWriter::with_capacity(1 << 16, io::stdout());
    if json { Box::new(Json::new(output)) } else { Box::new(Text::new(output)) }
}
