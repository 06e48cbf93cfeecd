//! [`Executable`]: runs the compiled program and parses its reports.
//!
//! The program sends its reports through a separate pipe, so that output of the user's code cannot mix
//! with them. Each report is a line:
//!
//! | line | meaning |
//! |---|---|
//! | `clock 2 NANOSECONDS` | the time of two consecutive clock reads |
//! | `try LOOPS NANOSECONDS` | a calibration run: the search for the number of loops |
//! | `total LOOPS NANOSECONDS` | a timing |

use super::build_dir::BuildDir;
use super::child::KillOnDrop;
use super::signals::Signals;
use anyhow::{Context, anyhow};
use horsepower::timeit::Measurement;
use rustix::io::{FdFlags, fcntl_setfd};
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

/// How the program ended.
pub(super) enum Outcome {
    Measured(Measurement),
    /// The program has printed the reason.
    Panicked,
    /// The program ended early and printed no reason.
    Exited(ExitStatus),
}

/// A compiled program.
pub(super) struct Executable {
    path: PathBuf,
    /// Keeps the path valid.
    _backing: Backing,
}

#[expect(dead_code, reason = "held until dropped")]
enum Backing {
    File(File),
    BuildDir(BuildDir),
}

impl Executable {
    /// Opens a compiled program. Where an open file can be executed by its descriptor, this removes
    /// the build directory at once, so that nothing remains even if this process is killed.
    pub(super) fn new(program: &Path, build_dir: BuildDir) -> anyhow::Result<Executable> {
        let file = File::open(program).context("cannot open the compiled program")?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        Ok(if path.exists() {
            Executable { path, _backing: Backing::File(file) }
        } else {
            Executable { path: program.to_owned(), _backing: Backing::BuildDir(build_dir) }
        })
    }

    /// Runs the program, which sends its reports through the pipe. Passes each calibration run to
    /// `on_calibration`.
    ///
    /// # Errors
    /// If the program cannot start, if a termination signal arrives, or if `on_calibration` fails.
    pub(super) fn run(
        &self,
        stdout: Stdio,
        (reader, writer): (PipeReader, PipeWriter),
        signals: &mut Signals,
        on_calibration: impl FnMut(u64, Duration) -> anyhow::Result<()>,
    ) -> anyhow::Result<Outcome> {
        let mut reports = ReportParser::new(on_calibration);
        // The child inherits this descriptor and the standard streams, nothing else.
        fcntl_setfd(&writer, FdFlags::empty())?;
        // No input: what one loop reads is missing in the next, and an open pipe blocks the first.
        let mut command = Command::new(&self.path);
        command.arg0("timeit").stdin(Stdio::null()).stdout(stdout).process_group(0);
        let child = command.spawn().context(
            "cannot start the compiled program (set TMPDIR to a directory that allows execution)",
        )?;
        let mut child = KillOnDrop::group(child);
        drop(writer);
        let status = child.wait(reader, signals, |bytes| reports.push(bytes))?;
        if status.signal() == Some(signal_hook::consts::SIGPIPE) {
            // The reader of the code's output has closed the pipe.
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        }
        Ok(match (status.code(), reports.measurement()) {
            (Some(0), Some(measurement)) => Outcome::Measured(measurement),
            (Some(101), _) => Outcome::Panicked,
            _ => Outcome::Exited(status),
        })
    }
}

/// Parses the reports as they arrive.
struct ReportParser<T> {
    /// The start of an incomplete line.
    line: Vec<u8>,
    clock: Option<Duration>,
    loops: u64,
    totals: Vec<Duration>,
    on_calibration: T,
}

impl<T: FnMut(u64, Duration) -> anyhow::Result<()>> ReportParser<T> {
    fn new(on_calibration: T) -> ReportParser<T> {
        ReportParser { line: Vec::new(), clock: None, loops: 0, totals: Vec::new(), on_calibration }
    }

    fn push(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        for &byte in bytes {
            if byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.parse(str::from_utf8(&line).unwrap_or_default())?;
            } else {
                self.line.push(byte);
            }
        }
        Ok(())
    }

    fn parse(&mut self, line: &str) -> anyhow::Result<()> {
        let words: Vec<_> = line.split(' ').collect();
        let (what, number, nanoseconds) = match words[..] {
            [what, number, nanoseconds] => (what, number.parse(), nanoseconds.parse()),
            _ => return Err(unexpected(line)),
        };
        match (what, number, nanoseconds.map(Duration::from_nanos)) {
            ("clock", Ok(_), Ok(overhead)) => self.clock = Some(overhead),
            ("try", Ok(number), Ok(total)) => (self.on_calibration)(number, total)?,
            ("total", Ok(number), Ok(total)) => {
                self.loops = number;
                self.totals.push(total);
            }
            _ => return Err(unexpected(line)),
        }
        Ok(())
    }

    fn measurement(self) -> Option<Measurement> {
        if self.loops == 0 || self.totals.is_empty() {
            return None;
        }
        let measurement = Measurement::new(self.loops, self.totals);
        Some(match self.clock {
            Some(overhead) => measurement.with_clock_overhead(overhead),
            None => measurement,
        })
    }
}

fn unexpected(line: &str) -> anyhow::Error {
    anyhow!("unexpected data in the timing pipe: {line:?}; the code must not write to it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parser() -> ReportParser<impl FnMut(u64, Duration) -> anyhow::Result<()>> {
        let on_calibration = |number, total| {
            assert_eq!((number, total), (1, Duration::from_nanos(7)));
            Ok(())
        };
        ReportParser::new(on_calibration)
    }

    #[test]
    fn reports_may_arrive_in_pieces() {
        let mut parser = parser();
        for piece in ["clock 2 3", "0\ntry 1 7\ntot", "al 5 500\n", "total 5 600\n"] {
            parser.push(piece.as_bytes()).unwrap();
        }
        let totals = [500, 600].map(Duration::from_nanos);
        let expected = Measurement::new(5, totals).with_clock_overhead(Duration::from_nanos(30));
        assert_eq!(parser.measurement(), Some(expected));
    }

    #[test]
    fn invalid_reports_are_errors_and_none_is_no_measurement() {
        for line in ["\n", "total 5\n", "total 5 6 7\n", "total x 5\n", "tales 1 2\n", "\u{ff}\n"] {
            assert!(parser().push(line.as_bytes()).is_err(), "{line:?}");
        }
        assert_eq!(parser().measurement(), None);
    }
}
