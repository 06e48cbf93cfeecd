//! The lifeline: a pipe whose other end the parent holds for as long as it lives.
//!
//! The kernel sends SIGKILL to the whole process group of the worker when the parent's end is closed,
//! however that happens. So nothing of the group outlives the parent, also what a task has started; the
//! parent-death signal, which is the first line, reaches the worker alone, and a change of user clears
//! it. And a parent that may not signal a worker any more can still close its end.
//!
//! The parent holds the worker's end too, so that there is still somebody to signal for if the worker is
//! the first to die. When a process ends, the kernel closes its descriptors from the highest number down
//! (tasks of `task_work_run` are run last in, first out), and the parent's end has the higher number.
//!
//! The kernel does this for whoever asked for signals about a file (`O_ASYNC`, `F_SETOWN`, `F_SETSIG`,
//! fcntl(2)): the owner is the group, and the signal SIGKILL. Nobody ever writes into the pipe, so its end
//! is the only news. One of the few files with unsafe code.
#![allow(unsafe_code)]

use rustix::fs::OFlags;
use rustix::pipe::PipeFlags;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};

/// The command that chooses the signal: from the kernel's headers, the same on all architectures, and not
/// in libc for all of them.
const F_SETSIG: libc::c_int = 10;

/// What the parent holds. The fields are dropped in their order.
#[derive(Debug)]
pub(crate) struct Lifeline {
    _parents_end: OwnedFd,
    pub(crate) workers_end: OwnedFd,
}

impl Lifeline {
    pub(crate) fn new() -> io::Result<Lifeline> {
        let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        Ok(Lifeline { _parents_end: write, workers_end: read })
    }
}

/// Worker: from now on, SIGKILL comes when the parent's end is closed: to its process group, if it leads
/// one, else to it alone.
pub(crate) fn hold(end: &OwnedFd) -> io::Result<()> {
    let own = rustix::process::getpid();
    let leads = rustix::process::getpgrp() == own;
    let own = own.as_raw_nonzero().get();
    set(end, libc::F_SETOWN, if leads { -own } else { own })?;
    set(end, F_SETSIG, libc::SIGKILL)?;
    let flags = rustix::fs::fcntl_getfl(end)?;
    rustix::fs::fcntl_setfl(end, flags | OFlags::from_bits_retain(libc::O_ASYNC as u32))?;
    Ok(())
}

fn set(end: &OwnedFd, command: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: the descriptor is open, and both commands take a number and touch no memory.
    match unsafe { libc::fcntl(end.as_raw_fd(), command, value) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
