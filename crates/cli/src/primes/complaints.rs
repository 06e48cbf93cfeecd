//! What was wrong: lines that are no numbers, tasks that failed, executors that disagree.

use crate::exit::{FAILED, say};
use crate::input::BadLine;
use serde::Serialize;
use std::process::ExitCode;

/// Something that was wrong.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Complaint {
    /// Where in the file, if it is about a line of it.
    pub(super) line: Option<u64>,
    /// What it is about: what stands in the line, the number, or the executor.
    pub(super) text: String,
    pub(super) message: String,
}

/// Says each complaint on standard error when it is made, and keeps them if the report will have
/// room for them.
#[derive(Debug)]
pub(super) struct Complaints {
    keep: bool,
    kept: Vec<Complaint>,
    any: bool,
}

impl Complaints {
    pub(super) fn new(keep: bool) -> Complaints {
        Complaints { keep, kept: Vec::new(), any: false }
    }

    /// About a line of a file.
    pub(super) fn line(&mut self, file: &str, bad: BadLine) {
        let BadLine { line, text, message } = bad;
        say(format_args!("{file}:{line}: {text:?} is {message}"));
        self.add(Complaint { line: Some(line), text, message: message.to_owned() });
    }

    /// About a number or an executor.
    pub(super) fn about(&mut self, text: String, message: String) {
        say(format_args!("horsepower: {text}: {message}"));
        self.add(Complaint { line: None, text, message });
    }

    fn add(&mut self, complaint: Complaint) {
        self.any = true;
        if self.keep {
            self.kept.push(complaint);
        }
    }

    pub(super) fn kept(&self) -> &[Complaint] {
        &self.kept
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        if self.any { ExitCode::from(FAILED) } else { ExitCode::SUCCESS }
    }
}
