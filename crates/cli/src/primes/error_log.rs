//! [`ErrorLog`]: prints bad lines, failed tasks and disagreements between executors, and decides the
//! exit code.

use crate::exit::{FAILED, say};
use crate::input::BadLine;
use serde::Serialize;
use std::process::ExitCode;

/// An error of the JSON report.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct ErrorEntry {
    /// The line of the input file, for a bad line.
    pub(super) line: Option<u64>,
    /// The content of the line, the number, or the executor.
    pub(super) text: String,
    pub(super) message: String,
}

/// Prints each error to standard error at once, and keeps the errors if the report lists them.
#[derive(Debug)]
pub(super) struct ErrorLog {
    keep: bool,
    kept: Vec<ErrorEntry>,
    any: bool,
}

impl ErrorLog {
    pub(super) fn new(keep: bool) -> ErrorLog {
        ErrorLog { keep, kept: Vec::new(), any: false }
    }

    /// A line of a file is not a number.
    pub(super) fn bad_line(&mut self, file: &str, bad: BadLine) {
        let BadLine { line, text, message } = bad;
        say(format_args!("{file}:{line}: skipped {text:?}: {message}"));
        self.keep(ErrorEntry { line: Some(line), text, message: message.to_owned() });
    }

    /// A task or an executor, named by `text`, failed.
    pub(super) fn failed(&mut self, text: String, message: String) {
        self.add(ErrorEntry { line: None, text, message });
    }

    /// Prints and keeps an error that is not about a line of a file.
    pub(super) fn add(&mut self, error: ErrorEntry) {
        say(format_args!("horsepower: {}: {}", error.text, error.message));
        self.keep(error);
    }

    fn keep(&mut self, error: ErrorEntry) {
        self.any = true;
        if self.keep {
            self.kept.push(error);
        }
    }

    pub(super) fn kept(&self) -> &[ErrorEntry] {
        &self.kept
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        if self.any { ExitCode::from(FAILED) } else { ExitCode::SUCCESS }
    }
}
