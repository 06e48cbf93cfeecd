//! The thread that shows the board while a race runs: the verdicts as they come, and the progress
//! bar. One thread does both, so neither garbles the other, and the race never waits for a reader.
//!
//! It looks at the board some times a second, writes all that is new there, and flushes: a verdict
//! that is worth waiting for is seen at once, and a million quick ones cost few system calls.

use super::board::Board;
use super::comparison::Compared;
use super::complaints::Complaint;
use super::progress::Progress;
use super::report::Report;
use crate::exit;
use anyhow::Context;
use std::io;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Between two looks at the board.
const PAUSE: Duration = Duration::from_millis(50);

/// Shows races, one after the other.
pub(super) struct Display<'a> {
    numbers: &'a [u64],
    board: &'a Board,
    report: Box<dyn Report>,
    /// How many verdicts have been written. A second race finds that all have.
    written: usize,
}

impl<'a> Display<'a> {
    pub(super) fn new(numbers: &'a [u64], board: &'a Board, report: Box<dyn Report>) -> Self {
        Display { numbers, board, report, written: 0 }
    }

    /// Shows the board until `race` has returned.
    pub(super) fn during<T>(&mut self, executor: &'static str, race: impl FnOnce() -> T) -> T {
        thread::scope(|scope| {
            let (racing, ended) = mpsc::channel::<()>();
            scope.spawn(move || {
                let progress = Progress::new(executor, self.numbers.len());
                loop {
                    let over = ended.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout);
                    if let Err(error) = self.show(&progress) {
                        progress.clear();
                        quit(error);
                    }
                    if over {
                        progress.clear();
                        return;
                    }
                }
            });
            let outcome = race();
            drop(racing);
            outcome
        })
    }

    fn show(&mut self, progress: &Progress) -> io::Result<()> {
        let passed = self.board.passed();
        if self.written < passed {
            progress.aside(|| self.write_up_to(passed))?;
        }
        progress.show(passed);
        Ok(())
    }

    fn write_up_to(&mut self, passed: usize) -> io::Result<()> {
        for index in self.written..passed {
            if let Some(prime) = self.board.verdict(index) {
                self.report.verdict(self.numbers[index], prime)?;
            }
        }
        self.written = passed;
        self.report.flush()
    }

    /// Writes what follows the verdicts.
    pub(super) fn finish(
        mut self,
        races: &[Compared],
        complaints: &[Complaint],
    ) -> anyhow::Result<()> {
        self.report.finish(races, complaints).context(CANNOT_WRITE)
    }
}

const CANNOT_WRITE: &str = "cannot write to standard output";

/// Ends the whole command in the middle of the race, because nobody can read its results. Waiting
/// for the tasks that run would keep it going for minutes for nobody; worker processes end with it.
fn quit(error: io::Error) -> ! {
    let code = exit::with(&anyhow::Error::from(error).context(CANNOT_WRITE));
    std::process::exit(if code == ExitCode::SUCCESS { 0 } else { exit::FAILED.into() })
}
