//! [`Report`]: the trait of the output formats. `text` and `json` implement it.

use super::comparison::ComparedRun;
use super::error_log::ErrorEntry;
use std::io;

/// An output format. It can write verdicts one by one, as they arrive.
pub(super) trait Report: Send {
    /// Writes the verdict of one number.
    fn verdict(&mut self, number: u64, prime: bool) -> io::Result<()>;

    /// Flushes the output, so that the user sees what has been written.
    fn flush(&mut self) -> io::Result<()>;

    /// Writes the runs and the errors after the last verdict. Call nothing afterwards.
    fn finish(&mut self, runs: &[ComparedRun], errors: &[ErrorEntry]) -> io::Result<()>;
}
