//! A child process that does not outlive this one's interest in it.

use super::signals::Signals;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::process::{Child, ExitStatus};

/// A child that is killed when this is dropped, if it has not ended before.
pub(super) struct Kept {
    child: Child,
    /// It leads a process group of its own; what it has started is in there and is killed too.
    group: bool,
}

impl Kept {
    pub(super) fn new(child: Child) -> Kept {
        Kept { child, group: false }
    }

    pub(super) fn group(child: Child) -> Kept {
        Kept { child, group: true }
    }

    /// Waits for the child's end; hands on what comes through the pipe, as it comes.
    ///
    /// # Errors
    /// If there is a signal that asks for an end, if the pipe cannot be read, or what `take` says.
    pub(super) fn attend<R: Read + AsFd>(
        &mut self,
        mut pipe: R,
        signals: &mut Signals,
        mut take: impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<ExitStatus> {
        ioctl_fionbio(&pipe, true)?;
        let mut open = true;
        let mut block = [0; 4096];
        loop {
            // The order matters. Signals first: a child that ends after this look makes `poll` return.
            // Then the end: what the child has written before it is in the pipe when that is read.
            // That others may still hold the pipe does not matter.
            signals.look()?;
            let ended = self.child.try_wait()?;
            while open {
                match pipe.read(&mut block) {
                    Ok(0) => open = false,
                    Ok(length) => take(&block[..length])?,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if let Some(status) = ended {
                return Ok(status);
            }
            let from_signals = PollFd::new(signals, PollFlags::IN);
            let from_pipe = PollFd::new(&pipe, PollFlags::IN);
            let polled = if open {
                poll(&mut [from_signals, from_pipe], None)
            } else {
                poll(&mut [from_signals], None)
            };
            match polled {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Not waited for yet, so the ids are its own. That it ends in this moment is no failure.
            if self.group {
                let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            } else {
                let _ = self.child.kill();
            }
            let _ = self.child.wait();
        }
    }
}
