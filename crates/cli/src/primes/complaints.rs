//! What was wrong: lines that are no numbers, tasks that failed, executors that disagree.

use crate::exit::say;
use crate::input::BadLine;
use serde::Serialize;
use std::process::ExitCode;

/// Something that was wrong.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Complaint {
    /// Where in the file, if it is about a line of it.
    line: Option<u64>,
    /// What it is about: what stands in the line, the number, or the executor.
    text: String,
    message: String,
}

/// Says each complaint on standard error when it is made, and keeps them for a report that has room
/// for them.
#[derive(Debug)]
pub(super) struct Complaints {
    keep: bool,
    kept: Vec<Complaint>,
    count: u64,
}

impl Complaints {
    pub(super) fn new(keep: bool) -> Complaints {
        Complaints { keep, kept: Vec::new(), count: 0 }
    }

    pub(super) fn line(&mut self, file: &str, bad: BadLine) {
        let BadLine { line, text, message } = bad;
        say(format_args!("{file}:{line}: {text:?} {message}"));
        self.add(Complaint { line: Some(line), text, message: message.to_owned() });
    }

    pub(super) fn about(&mut self, text: impl ToString, message: String) {
        let text = text.to_string();
        say(format_args!("horsepower: {text}: {message}"));
        self.add(Complaint { line: None, text, message });
    }

    pub(super) fn all(&mut self, complaints: Vec<Complaint>) {
        for complaint in complaints {
            self.about(complaint.text, complaint.message);
        }
    }

    fn add(&mut self, complaint: Complaint) {
        self.count += 1;
        if self.keep {
            self.kept.push(complaint);
        }
    }

    pub(super) fn kept(&self) -> &[Complaint] {
        &self.kept
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(if self.count == 0 { 0 } else { crate::exit::FAILED })
    }
}
