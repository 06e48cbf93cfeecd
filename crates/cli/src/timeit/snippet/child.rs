//! [`KillOnDrop`]: a child process that is killed when its owner drops it.

use super::signals::{Interrupted, Signals};
use crate::timeit::progress::Progress;
use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// What ends [`KillOnDrop::event`].
pub(super) enum Event {
    Exited(ExitStatus),
    Interrupted(Interrupted),
    Timeout,
}

/// A child process. Dropping it kills the child if that is still running.
pub(super) struct KillOnDrop {
    child: Child,
    /// Whether the child leads a process group; then the whole group is killed.
    group: bool,
}

impl KillOnDrop {
    /// A single process.
    pub(super) fn new(child: Child) -> KillOnDrop {
        KillOnDrop { child, group: false }
    }

    /// The leader of a process group.
    pub(super) fn group(child: Child) -> KillOnDrop {
        KillOnDrop { child, group: true }
    }

    /// Waits for the child to exit, for an interruption, or for a time limit.
    ///
    /// # Errors
    /// If the system fails to wait.
    pub(super) fn event(
        &mut self,
        signals: &mut Signals,
        limit: Option<Duration>,
    ) -> io::Result<Event> {
        let deadline = limit.map(|limit| Instant::now() + limit);
        loop {
            if let Err(interrupted) = signals.check() {
                return Ok(Event::Interrupted(interrupted));
            }
            if let Some(status) = self.child.try_wait()? {
                return Ok(Event::Exited(status));
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(Event::Timeout);
            }
            signals.wait(None, left)?;
        }
    }

    /// Waits for the child to exit. Meanwhile passes the data from `pipe` to `on_data` as it arrives,
    /// and shows the progress once it is due.
    ///
    /// # Errors
    /// If a termination signal arrives, if the supervisor is gone, if reading the pipe fails, or if `on_data` fails.
    pub(super) fn wait<R: Read + AsFd>(
        &mut self,
        mut pipe: R,
        signals: &mut Signals,
        progress: &Progress,
        mut on_data: impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<ExitStatus> {
        ioctl_fionbio(&pipe, true)?;
        let mut open = true;
        let mut block = [0; 4096];
        loop {
            // The order matters. Signals first: a child that exits after this check sends SIGCHLD, which
            // ends `Signals::wait`. Then the exit status, then the pipe: everything the child wrote before it
            // exited is in the pipe by now. A grandchild may keep the pipe open; do not wait for it.
            signals.check()?;
            let exited = self.child.try_wait()?;
            while open {
                match pipe.read(&mut block) {
                    Ok(0) => open = false,
                    Ok(length) => on_data(&block[..length])?,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if let Some(status) = exited {
                return Ok(status);
            }
            progress.show_if_due();
            signals.wait(open.then_some(pipe.as_fd()), progress.due_in())?;
        }
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // The child has not been reaped, so its ids are still its own. Errors mean that it exited just
            // now.
            if self.group {
                let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            } else {
                let _ = self.child.kill();
            }
            let _ = self.child.wait();
        }
    }
}
