//! Starting a worker: its lane, its control socket, the first messages and its process.
//!
//! Called by [`crate::pool::supervise`], on the thread with which the kernel ends the worker.

use super::exec::{Pipes, exec, greet, send_call};
use super::fork_server::ForkServer;
use super::handle::{Kind, Line, WorkerHandle};
use super::process::ChildProcess;
use crate::lane::Lane;
use crate::launch::Launch;
use crate::pool::config::Initializer;
use crate::sys::control;
use crate::wire::handshake;
use crate::worker::init::Reentry;
use std::io;
use std::os::fd::AsFd as _;
use std::time::Instant;

/// How a worker is started, and for what.
pub(crate) enum How<'a> {
    /// The program is executed again, for as many tasks as come.
    Spawned,
    /// The program is executed again, for one task.
    Dedicated,
    /// This server forks it.
    Forked(&'a mut ForkServer),
}

/// Starts a worker. It is ready only when it says so on its control socket.
///
/// To be called on a thread that lives as long as the worker is to live: the kernel ends the worker
/// with that thread.
///
/// # Errors
/// What the kernel refused: descriptors, memory, a process.
pub(crate) fn start(
    reentry: &Reentry,
    launch: &Launch,
    initializer: Option<&Initializer>,
    how: How<'_>,
    serial: u64,
) -> io::Result<WorkerHandle> {
    let (lane, lane_file) = Lane::create()?;
    let (ours, theirs) = control::pair()?;
    let pipes = Pipes::new()?;
    let (kind, flag) = match how {
        How::Spawned => (Kind::Pool, 0),
        How::Dedicated => (Kind::Dedicated, handshake::DEDICATED),
        How::Forked(_) => (Kind::Pool, handshake::FORKED),
    };
    let flags = flag | if initializer.is_some() { handshake::INITIALIZE } else { 0 };
    greet(&ours, &pipes, Some(lane_file.as_fd()), reentry, launch, flags)?;
    if let Some(initializer) = initializer {
        send_call(&ours, initializer)?;
    }
    let (pid, pidfd) = match how {
        How::Forked(server) => server.fork(&theirs)?,
        _ => exec(reentry, launch, theirs)?,
    };
    let start_by = Instant::now().checked_add(launch.start_timeout);
    let process = ChildProcess::new(pid, pidfd, pipes.lifeline);
    let said = Line { control: ours, notes: pipes.notes };
    Ok(WorkerHandle::new(serial, launch.name.clone(), kind, process, said, lane, start_by))
}
