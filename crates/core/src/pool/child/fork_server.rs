//! The parent's side of a fork server ([`crate::worker::forkserver`]): a process that forks workers.
//!
//! Owned by [`crate::pool::supervise`], which starts it, watches it and replaces it.

use super::exec::{Pipes, exec, greet, send_call};
use super::handle::Line;
use super::process::ChildProcess;
use crate::launch::Launch;
use crate::pool::config::Initializer;
use crate::sys::control;
use crate::sys::notes::Read;
use crate::wire::handshake::{self, Note};
use crate::worker::init::Reentry;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

/// How long a fork server, which does nothing else, may take to fork.
const FORK_TIMEOUT: Duration = Duration::from_secs(5);

/// How often to look meanwhile whether it was stopped.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A process that forks workers.
#[derive(Debug)]
pub(crate) struct ForkServer {
    pub(crate) serial: u64,
    pub(crate) process: ChildProcess,
    pub(crate) line: Line,
    /// It has made the call that it was started with, and forks workers.
    pub(crate) ready: bool,
    /// When it has to have come to `init`.
    pub(crate) start_by: Option<Instant>,
    /// Why it refuses to fork workers, if it does.
    pub(crate) refused: Option<String>,
}

impl ForkServer {
    /// Starts a fork server. The kernel ends it with this thread.
    pub(crate) fn start(
        reentry: &Reentry,
        launch: &Launch,
        preload: Option<&Initializer>,
        serial: u64,
    ) -> io::Result<ForkServer> {
        let (ours, theirs) = control::pair()?;
        let pipes = Pipes::new()?;
        let flags = handshake::SERVER | if preload.is_some() { handshake::INITIALIZE } else { 0 };
        greet(&ours, &pipes, None, reentry, launch, flags)?;
        if let Some(preload) = preload {
            send_call(&ours, preload)?;
        }
        let (pid, pidfd) = exec(reentry, launch, theirs)?;
        Ok(ForkServer {
            serial,
            process: ChildProcess::new(pid, pidfd, pipes.lifeline),
            line: Line { control: ours, notes: pipes.notes },
            ready: false,
            start_by: Instant::now().checked_add(launch.start_timeout),
            refused: None,
        })
    }

    /// Reads what it has said.
    pub(crate) fn read_notes(&mut self) {
        while let Read::Note(note) = self.line.notes.next() {
            match Note::decode(&note) {
                Some(Note::Arrived) => self.start_by = None,
                Some(Note::Ready) => (self.ready, self.start_by) = (true, None),
                Some(Note::Refused(why)) => self.refused = Some(why),
                _ => {}
            }
        }
    }

    /// Makes it fork a worker that has this control socket.
    pub(crate) fn fork(&mut self, theirs: &OwnedFd) -> io::Result<(u32, OwnedFd)> {
        control::send(&self.line.control, &Note::Fork.encode(), &[theirs.as_fd()])?;
        let started = Instant::now();
        let note = loop {
            let mut readable = [PollFd::new(&self.line.notes, PollFlags::IN)];
            match poll(&mut readable, Timespec::try_from(LOOK_EVERY).ok().as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            match self.line.notes.next() {
                Read::Note(note) => break note,
                Read::Nothing if self.process.is_stopped() => {
                    return Err(io::Error::other("the fork server was stopped"));
                }
                Read::Nothing if started.elapsed() < FORK_TIMEOUT => {}
                _ => return Err(io::Error::other("the fork server does not answer")),
            }
        };
        match Note::decode(&note) {
            Some(Note::Forked { pid }) => {
                let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
                let raw = raw.ok_or(io::ErrorKind::InvalidData)?;
                // Only a child that nobody has waited for is sure to keep its process id till the next line.
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
                rustix::process::waitid(WaitId::Pid(raw), options)?;
                let pidfd = rustix::process::pidfd_open(raw, PidfdFlags::empty());
                if pidfd.is_err() {
                    // Nobody can watch it, so it must not run.
                    let _ = rustix::process::kill_process(raw, Signal::KILL);
                    let _ = rustix::process::waitid(WaitId::Pid(raw), WaitIdOptions::EXITED);
                }
                Ok((pid, pidfd?))
            }
            Some(Note::Refused(why)) => Err(io::Error::other(why)),
            Some(Note::ForkFailed { errno }) => Err(io::Error::from_raw_os_error(errno)),
            _ => Err(io::Error::other("the fork server answers something else")),
        }
    }
}

impl Drop for ForkServer {
    fn drop(&mut self) {
        self.process.kill();
        self.process.reap();
    }
}
