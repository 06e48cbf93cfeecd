//! The compiled program while it runs, and what it reports.
//!
//! The reports come through a pipe of their own, a line each, so that what the user's code prints
//! cannot disturb them: `clock 2 NANOSECONDS`, what two reads of the clock in a row take; `try N
//! NANOSECONDS`, a search for the number of loops; `total N NANOSECONDS`, a timing.

use super::child::Kept;
use super::folder::Folder;
use super::signals::Signals;
use anyhow::{Context, bail};
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
pub(super) enum Ending {
    Measured(Measurement),
    /// It has said why.
    Panicked,
    /// It has not said anything.
    Other(ExitStatus),
}

/// A compiled program.
pub(super) struct Executable {
    path: PathBuf,
    /// What the path needs.
    _needed: Needed,
}

#[expect(dead_code, reason = "held for what happens when they are dropped")]
enum Needed {
    File(File),
    Folder(Folder),
}

impl Executable {
    /// Takes a program out of its folder. Where files can be run that have no name any more, the
    /// folder goes away at once, and nothing is left behind even if this process is killed.
    pub(super) fn new(program: &Path, folder: Folder) -> anyhow::Result<Executable> {
        let file = File::open(program).context("cannot open the compiled program")?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        Ok(if path.exists() {
            Executable { path, _needed: Needed::File(file) }
        } else {
            Executable { path: program.to_owned(), _needed: Needed::Folder(folder) }
        })
    }

    /// Runs it. Its reports come through the pipe; every try is told.
    ///
    /// # Errors
    /// If it cannot be started, if a signal asks for an end, or what `tried` says.
    pub(super) fn run(
        &self,
        output: Stdio,
        (reader, writer): (PipeReader, PipeWriter),
        signals: &mut Signals,
        tried: impl FnMut(u64, Duration) -> anyhow::Result<()>,
    ) -> anyhow::Result<Ending> {
        let mut reports =
            Reports { line: Vec::new(), clock: None, loops: 0, totals: Vec::new(), tried };
        // The one descriptor that the child inherits besides the standard streams.
        fcntl_setfd(&writer, FdFlags::empty())?;
        let child = Command::new(&self.path)
            .arg0("timeit")
            .stdout(output)
            .spawn()
            .context("cannot start the compiled program (TMPDIR names a folder for it)")?;
        let mut child = Kept::new(child);
        drop(writer);
        let status = child.attend(reader, signals, |bytes| reports.take(bytes))?;
        if status.signal() == Some(signal_hook::consts::SIGPIPE) {
            // Nobody reads what the code prints.
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        }
        Ok(match (status.code(), reports.measurement()) {
            (Some(0), Some(measurement)) => Ending::Measured(measurement),
            (Some(101), _) => Ending::Panicked,
            _ => Ending::Other(status),
        })
    }
}

/// What the program has reported so far.
struct Reports<T> {
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    clock: Option<Duration>,
    loops: u64,
    totals: Vec<Duration>,
    tried: T,
}

impl<T: FnMut(u64, Duration) -> anyhow::Result<()>> Reports<T> {
    fn take(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        for &byte in bytes {
            if byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.line(str::from_utf8(&line).unwrap_or_default())?;
            } else {
                self.line.push(byte);
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> anyhow::Result<()> {
        let words: Vec<_> = line.split(' ').collect();
        let (what, number, nanoseconds) = match words[..] {
            [what, number, nanoseconds] => (what, number.parse(), nanoseconds.parse()),
            _ => bail!("the code disturbs the reports about its timing: {line:?}"),
        };
        match (what, number, nanoseconds.map(Duration::from_nanos)) {
            ("clock", Ok(_), Ok(overhead)) => self.clock = Some(overhead),
            ("try", Ok(number), Ok(total)) => (self.tried)(number, total)?,
            ("total", Ok(number), Ok(total)) => {
                self.loops = number;
                self.totals.push(total);
            }
            _ => bail!("the code disturbs the reports about its timing: {line:?}"),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn reports() -> Reports<impl FnMut(u64, Duration) -> anyhow::Result<()>> {
        let tried = |number, total| {
            assert_eq!((number, total), (1, Duration::from_nanos(7)));
            Ok(())
        };
        Reports { line: Vec::new(), clock: None, loops: 0, totals: Vec::new(), tried }
    }

    #[test]
    fn reports_may_come_in_pieces() {
        let mut reports = reports();
        for piece in ["clock 2 3", "0\ntry 1 7\ntot", "al 5 500\n", "total 5 600\n"] {
            reports.take(piece.as_bytes()).unwrap();
        }
        let totals = [500, 600].map(Duration::from_nanos);
        let expected = Measurement::new(5, totals).with_clock_overhead(Duration::from_nanos(30));
        assert_eq!(reports.measurement(), Some(expected));
    }

    #[test]
    fn nonsense_is_an_error_and_nothing_is_no_measurement() {
        for line in ["\n", "total 5\n", "total 5 6 7\n", "total x 5\n", "tales 1 2\n", "\u{ff}\n"] {
            assert!(reports().take(line.as_bytes()).is_err(), "{line:?}");
        }
        assert_eq!(reports().measurement(), None);
    }
}
