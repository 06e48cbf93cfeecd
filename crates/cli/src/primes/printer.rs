//! [`Printer`]: the thread that prints verdicts and the progress bar during a run. One thread prints
//! both, so they never overwrite each other, and a slow reader never delays the run.
//!
//! The thread polls the shared [`Verdicts`] every [`POLL_INTERVAL`], prints the new ones, and flushes:
//! a slow verdict appears within one interval, and many quick ones share a system call.

use super::comparison::ComparedRun;
use super::error_log::ErrorEntry;
use super::progress::Progress;
use super::report::Report;
use super::verdicts::Verdicts;
use crate::exit;
use anyhow::Context;
use std::io;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Prints the verdicts of the first run, and the progress of every run.
pub(super) struct Printer<'a> {
    numbers: &'a [u64],
    verdicts: &'a Verdicts,
    report: Box<dyn Report>,
    /// How many numbers have been printed. In later runs: all.
    printed: usize,
}

impl<'a> Printer<'a> {
    pub(super) fn new(
        numbers: &'a [u64],
        verdicts: &'a Verdicts,
        report: Box<dyn Report>,
    ) -> Printer<'a> {
        Printer { numbers, verdicts, report, printed: 0 }
    }

    /// The verdicts of all numbers were printed before.
    pub(super) fn all_are_printed(&mut self) {
        self.printed = self.numbers.len();
    }

    /// Calls `run`, and prints on another thread until it returns.
    pub(super) fn print_during<T>(&mut self, executor: &'static str, run: impl FnOnce() -> T) -> T {
        thread::scope(|scope| {
            let (running, ended) = mpsc::channel::<()>();
            scope.spawn(move || {
                let progress = Progress::new(executor, self.numbers.len());
                loop {
                    // The channel disconnects at the end of the run. Print once more after that.
                    let over = ended.recv_timeout(POLL_INTERVAL) != Err(RecvTimeoutError::Timeout);
                    if let Err(error) = self.print_new(&progress) {
                        progress.clear();
                        exit_now(error);
                    }
                    if over {
                        progress.clear();
                        return;
                    }
                }
            });
            let outcome = run();
            drop(running);
            outcome
        })
    }

    fn print_new(&mut self, progress: &Progress) -> io::Result<()> {
        let completed = self.verdicts.completed();
        if self.printed < completed {
            progress.suspend(|| self.print_up_to(completed))?;
        }
        progress.set(completed);
        Ok(())
    }

    fn print_up_to(&mut self, completed: usize) -> io::Result<()> {
        for index in self.printed..completed {
            if let Some(prime) = self.verdicts.get(index) {
                self.report.verdict(self.numbers[index], prime)?;
            }
        }
        self.printed = completed;
        self.report.flush()
    }

    /// Prints the runs and the errors after the last verdict.
    pub(super) fn finish(
        mut self,
        runs: &[ComparedRun],
        errors: &[ErrorEntry],
    ) -> anyhow::Result<()> {
        self.report.finish(runs, errors).context(CANNOT_WRITE)
    }
}

const CANNOT_WRITE: &str = "cannot write to standard output";

/// Exits in the middle of a run whose results cannot be written. Waiting for the running tasks could
/// take minutes. Worker processes die with this process.
fn exit_now(error: io::Error) -> ! {
    let code = exit::on_error(&anyhow::Error::from(error).context(CANNOT_WRITE));
    std::process::exit(if code == ExitCode::SUCCESS { 0 } else { exit::FAILED.into() })
}
