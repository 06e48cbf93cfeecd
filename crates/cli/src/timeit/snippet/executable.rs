//! [`Executable`]: runs the compiled program, which sends its reports through a separate pipe, so that
//! output of the user's code cannot mix with them.

use super::build_dir::BuildDir;
use super::child::KillOnDrop;
use super::reports::{Event, Measured, Reports};
use super::signals::Signals;
use crate::timeit::progress::Progress;
use anyhow::Context;
use rustix::io::{FdFlags, fcntl_setfd};
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// How the program ended.
pub(super) enum Outcome {
    Measured(Measured),
    /// The program has printed the reason.
    Failed,
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

    /// Runs the program, which sends its reports through the pipe. Passes the runs of the code to
    /// `on_event`.
    ///
    /// # Errors
    /// If the program cannot start, if a termination signal arrives, or if `on_event` fails.
    pub(super) fn run(
        &self,
        stdout: Stdio,
        (reader, writer): (PipeReader, PipeWriter),
        signals: &mut Signals,
        progress: &Progress,
        on_event: impl FnMut(Event) -> anyhow::Result<()>,
    ) -> anyhow::Result<Outcome> {
        let mut reports = Reports::new(on_event);
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
        let status = child.wait(reader, signals, progress, |bytes| reports.push(bytes))?;
        if status.signal() == Some(signal_hook::consts::SIGPIPE) {
            // The reader of the code's output has closed the pipe.
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        }
        if reports.told() && !status.success() {
            return Ok(Outcome::Failed);
        }
        Ok(match reports.measured() {
            Some(measured) if status.success() => Outcome::Measured(measured),
            _ => Outcome::Exited(status),
        })
    }
}
