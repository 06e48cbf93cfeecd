//! The parent's side of a fork server ([`crate::worker::forkserver`]).

use super::Initializer;
use super::life::ChildProcess;
use super::start::{exec, greet, send_call};
use crate::launch::Launch;
use crate::sys::control::{self, Receive, Send};
use crate::wire::handshake::{self, Note};
use crate::worker::init::Reentry;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

/// How long a server, which does nothing else, may take to fork.
const PATIENCE: Duration = Duration::from_secs(5);

/// A process that forks workers.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) serial: u64,
    pub(super) life: ChildProcess,
    pub(super) control: OwnedFd,
    /// It has loaded what it is to load.
    pub(super) ready: bool,
    /// When it has to have come to `init`.
    pub(super) deadline: Option<Instant>,
    /// Why it does not serve.
    pub(super) refused: Option<String>,
}

impl Server {
    /// Starts one. The kernel ends it with this thread.
    pub(super) fn start(
        reentry: &Reentry,
        launch: &Launch,
        preload: Option<&Initializer>,
        serial: u64,
    ) -> io::Result<Server> {
        let (ours, theirs) = control::pair()?;
        let flags = handshake::SERVER | if preload.is_some() { handshake::INITIALIZE } else { 0 };
        greet(&ours, None, reentry, launch, flags)?;
        if let Some(preload) = preload {
            send_call(&ours, preload)?;
        }
        let (pid, pidfd) = exec(reentry, launch, theirs)?;
        Ok(Server {
            serial,
            life: ChildProcess::new(pid, pidfd),
            control: ours,
            ready: false,
            deadline: Instant::now().checked_add(launch.start_timeout),
            refused: None,
        })
    }

    /// Reads what it has said.
    pub(super) fn read_notes(&mut self) {
        while let Ok(Some(message)) = control::receive(&self.control, Receive::Now) {
            match Note::decode(message.bytes()) {
                Some(Note::Arrived) => self.deadline = None,
                Some(Note::Ready) => (self.ready, self.deadline) = (true, None),
                Some(Note::Refused(why)) => self.refused = Some(why),
                _ => {}
            }
        }
    }

    /// Has it fork a worker with this control socket.
    pub(super) fn fork(&self, theirs: &OwnedFd) -> io::Result<(u32, OwnedFd)> {
        control::send(&self.control, &Note::Fork.encode(), &[theirs.as_fd()], Send::Now)?;
        let mut readable = [PollFd::new(&self.control, PollFlags::IN)];
        let patience = Timespec::try_from(PATIENCE).ok();
        while let Err(error) = poll(&mut readable, patience.as_ref()) {
            if error != rustix::io::Errno::INTR {
                return Err(error.into());
            }
        }
        let message = control::receive(&self.control, Receive::Now)?;
        let message = message.ok_or_else(|| io::Error::other("the fork server does not answer"))?;
        match Note::decode(message.bytes()) {
            Some(Note::Forked { pid }) => {
                let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
                let raw = raw.ok_or(io::ErrorKind::InvalidData)?;
                // Only a child that was not waited for is sure to keep its number till the next line.
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
                rustix::process::waitid(WaitId::Pid(raw), options)?;
                let pidfd = rustix::process::pidfd_open(raw, PidfdFlags::empty());
                if pidfd.is_err() {
                    // Nobody will watch it, so it must not be.
                    let _ = rustix::process::kill_process(raw, Signal::KILL);
                    let _ = rustix::process::waitid(WaitId::Pid(raw), WaitIdOptions::EXITED);
                }
                Ok((pid, pidfd?))
            }
            Some(Note::Refused(why)) => Err(io::Error::other(why)),
            _ => Err(io::Error::other("the fork server answers something else")),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.life.kill();
        self.life.reap();
    }
}
