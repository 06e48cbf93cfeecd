//! Starting a worker process: its lane, its control socket, the hello, and the program once more.

use super::member::Member;
use crate::hello::Hello;
use crate::identity::identity;
use crate::init::Reentry;
use crate::lane::Lane;
use crate::sys::control::{self, Send};
use rustix::process::{Pid, PidfdFlags};
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Starts a worker. It is ready only when it says so on its control socket.
///
/// To be called on a thread that lives as long as the worker is to live: the kernel ends the worker
/// with that thread.
///
/// # Errors
/// What the kernel refused: descriptors, memory, a process.
pub(super) fn start(reentry: &Reentry, serial: u64, timeout: Duration) -> io::Result<Member> {
    let (lane, lane_file) = Lane::create()?;
    let (ours, theirs) = control::pair()?;
    let hello = Hello {
        parent: std::process::id(),
        silent: reentry.silent,
        identity: identity().map_err(io::Error::other)?.clone(),
    };
    // A parent without standard output gives its worker none.
    let output = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3);
    let output =
        output.or_else(|_| File::options().write(true).open("/dev/null").map(Into::into))?;
    let descriptors = [lane_file.as_fd(), output.as_fd()];
    let descriptors = if reentry.silent { &descriptors[..] } else { &descriptors[..1] };
    // The hello lies in the worker's standard input before it runs, so it is never waited for.
    control::send(&ours, &hello.encode(), descriptors, Send::Now)?;

    // This very file, even if it has been replaced or deleted since. Without anything that needs
    // code between fork and exec, the standard library uses posix_spawn, whose cost does not grow
    // with this process; the rest is done by the worker in `init`.
    let mut command = Command::new("/proc/self/exe");
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    command.args(&reentry.arguments).stdin(Stdio::from(theirs));
    if reentry.silent {
        command.stdout(Stdio::null());
    }
    // A group of its own: Ctrl-C on the terminal reaches the parent alone, and what a worker has
    // started can be ended with it.
    let mut child = command.process_group(0).spawn()?;
    let pid = child.id();
    // Nobody has waited for the child yet, so the number is still its own.
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::NotFound)?;
    match rustix::process::pidfd_open(raw, PidfdFlags::empty()) {
        Ok(pidfd) => {
            let deadline = Instant::now().checked_add(timeout);
            Ok(Member::new(serial, pid, pidfd, ours, lane, deadline))
        }
        Err(error) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(error.into())
        }
    }
}
