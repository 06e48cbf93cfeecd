//! A worker's process, from its start to its end, and for whoever asks later.
//!
//! Shared by the [`WorkerHandle`](super::handle::WorkerHandle) that feeds it and, if it was started for one
//! task, by whoever holds that process. The supervisor reaps it.

use crate::copies::Maker;
use crate::death::{Cause, Death};
use crate::sys::job_control;
use crate::sys::lifeline::Lifeline;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

/// A child process. It is reaped by the supervisor, at once when it ends.
#[derive(Debug)]
pub struct ChildProcess {
    pid: u32,
    pidfd: OwnedFd,
    /// Until it is closed, the kernel keeps from killing the process and its group.
    lifeline: Mutex<Option<Lifeline>>,
    end: Mutex<Option<Cause>>,
    ended: Condvar,
    /// The process that waits for it.
    maker: Maker,
}

impl ChildProcess {
    pub(crate) fn new(pid: u32, pidfd: OwnedFd, lifeline: Lifeline) -> ChildProcess {
        job_control::add(pid);
        let lifeline = Mutex::new(Some(lifeline));
        ChildProcess {
            pid,
            pidfd,
            lifeline,
            end: Mutex::new(None),
            ended: Condvar::new(),
            maker: Maker::here(),
        }
    }

    /// Its process id. Once it has ended, another process may get the same.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How it has ended, if it has.
    #[must_use]
    pub fn end(&self) -> Option<Cause> {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True in a copy, made by a fork, of the process whose child it is.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        !self.maker.is_here()
    }

    /// Waits until it has ended and been reaped, no longer than until `deadline`. Does not wait in a copy of
    /// its parent.
    pub fn wait(&self, deadline: Option<Instant>) -> Option<Cause> {
        if self.is_copy() {
            return self.end();
        }
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        while end.is_none() {
            let Some(deadline) = deadline else {
                end = self.ended.wait(end).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            end = self.ended.wait_timeout(end, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *end
    }

    /// Asks the process to end: SIGTERM. Nothing happens if it has ended.
    pub fn terminate(&self) {
        // A pidfd never means another process.
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::TERM);
    }

    /// Kills the process, and whatever it has started in its process group: SIGKILL.
    pub fn kill(&self) {
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
        self.kill_group();
        // Also if this process has another user by now, and may not signal.
        self.cut_lifeline();
    }

    fn cut_lifeline(&self) {
        drop(self.lifeline.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Kills whatever the process has started in its process group, but only while nobody has reaped the
    /// process: until then the number of the group is its own.
    pub(crate) fn kill_group(&self) {
        // Held so that `reap` cannot give the number up meanwhile.
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        if end.is_some()
            || rustix::process::waitid(WaitId::PidFd(self.pidfd.as_fd()), options).is_err()
        {
            return;
        }
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        }
    }

    /// Removes a process that has ended from the process table, and returns why it ended.
    pub(crate) fn reap(&self) -> Death {
        // The wait comes before the lock: it is long if the process was only just told to end.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let _ = rustix::process::waitid(WaitId::PidFd(self.pidfd.as_fd()), options);
        job_control::remove(self.pid);
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let status =
            rustix::process::waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED);
        let cause = match status {
            Ok(Some(status)) => status
                .exit_status()
                .map(Cause::Exit)
                .or(status.terminating_signal().map(Cause::Signal))
                .unwrap_or(Cause::Unknown),
            _ => Cause::Unknown,
        };
        self.cut_lifeline();
        *end = Some(cause);
        self.ended.notify_all();
        Death::new(self.pid, cause)
    }

    /// True if a signal, or a debugger, has stopped the process.
    pub(crate) fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid));
        // The state follows the name, which is in parentheses.
        let stopped = |stat: String| {
            let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
            matches!(state, Some('T' | 't'))
        };
        stat.is_ok_and(stopped)
    }

    /// Bytes of memory that the process has for itself; `None` if it has ended. Pages that it shares with the
    /// fork server, or with other workers, are not its own.
    ///
    /// The kernel counts them page by page, so this takes the longer the more there are.
    pub(crate) fn own_memory(&self) -> Option<u64> {
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid)).ok()?;
        let own = rollup.lines().filter_map(|line| {
            let (name, size) = line.split_once(':')?;
            let counts = ["Private_Clean", "Private_Dirty", "Private_Hugetlb", "Swap"];
            let size = counts.contains(&name).then_some(size)?;
            size.trim().strip_suffix("kB")?.trim_end().parse::<u64>().ok()
        });
        Some(own.sum::<u64>() * 1024)
    }

    /// True if the process has more than `limit` bytes of memory for itself, and how many. `None` if it has
    /// not, or has ended.
    pub(crate) fn memory_above(&self, limit: u64) -> Option<u64> {
        // Cheap to know, and never less than its own.
        self.memory().filter(|&most| most > limit)?;
        self.own_memory().filter(|&own| own > limit)
    }

    /// Bytes of anonymous memory that the process uses, its own or shared with other processes.
    fn memory(&self) -> Option<u64> {
        // Pages: total, resident, shared, …
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.pid)).ok()?;
        let mut pages = statm.split_ascii_whitespace().skip(1).map_while(|n| n.parse::<u64>().ok());
        let own = pages.next()?.saturating_sub(pages.next()?);
        Some(own * rustix::param::page_size() as u64)
    }
}

/// The pidfd: readable from when the process has ended.
impl AsFd for ChildProcess {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}
