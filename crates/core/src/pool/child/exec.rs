//! Executing the program once more, and the first messages to the new process.
//!
//! Used by [`start`](super::start), for a worker, and by [`fork_server`](super::fork_server). What is sent
//! here is read by [`crate::worker`] in the new process.

use crate::launch::{Launch, Stream};
use crate::pool::config::Initializer;
use crate::sys::control;
use crate::sys::lifeline::Lifeline;
use crate::sys::memory::Memory;
use crate::sys::notes::{self, NoteReader};
use crate::wire::handshake::{self, Handshake, Note};
use crate::wire::identity::identity;
use crate::worker::init::Reentry;
use rustix::process::{Pid, PidfdFlags};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

/// The pipes between this process and a worker.
#[derive(Debug)]
pub(crate) struct Pipes {
    pub(crate) notes: NoteReader,
    /// The worker's end. Once it was sent, the worker alone may have it.
    their_notes: OwnedFd,
    pub(crate) lifeline: Lifeline,
}

impl Pipes {
    pub(crate) fn new() -> io::Result<Pipes> {
        let (notes, their_notes) = notes::pipe()?;
        Ok(Pipes { notes, their_notes, lifeline: Lifeline::new()? })
    }
}

/// Executes the program once more, with `control` as its standard input.
pub(crate) fn exec(
    reentry: &Reentry,
    launch: &Launch,
    control: OwnedFd,
) -> io::Result<(u32, OwnedFd)> {
    let mut child = spawn(reentry, launch, control)?;
    or_kill(&mut child, |child| {
        // Nobody has waited for the child yet, so the process id is still its own.
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(io::ErrorKind::NotFound)?;
        Ok((child.id(), rustix::process::pidfd_open(pid, PidfdFlags::empty())?))
    })
}

/// Puts the first message into the worker's standard input before it runs, so that the worker never waits
/// for it.
pub(crate) fn greet(
    control: &OwnedFd,
    pipes: &Pipes,
    lane: Option<BorrowedFd<'_>>,
    reentry: &Reentry,
    launch: &Launch,
    flags: u8,
) -> io::Result<()> {
    // A forked worker has the streams of its fork server, its nice value and its CPUs.
    let forked = flags & handshake::FORKED != 0;
    let stdin = match launch.stdin {
        Stream::Null => None,
        _ => Some(launch.stdin.open(rustix::stdio::stdin())?),
    };
    let stdout = (reentry.silent && !forked).then(|| launch.stdout.open(rustix::stdio::stdout()));
    let stdout = stdout.transpose()?;
    let streams = [(stdin.is_some(), handshake::STDIN), (stdout.is_some(), handshake::STDOUT)];
    let streams: u8 = streams.into_iter().filter(|flag| flag.0).map(|flag| flag.1).sum();
    let role = crate::worker::role::role();
    let handshake = Handshake {
        parent: std::process::id(),
        flags: flags | streams,
        depth: role.map_or(0, |role| role.depth).saturating_add(1),
        nice: if forked { 0 } else { launch.nice },
        cpus: if forked { Vec::new() } else { launch.cpu_bits() },
        name: launch.name.clone(),
        parent_name: role.map_or(String::new(), |role| role.name.clone()),
        identity: identity().map_err(io::Error::other)?.clone(),
    };
    let streams = [&stdin, &stdout].into_iter().flatten().map(|stream| stream.as_fd());
    let ends = [&pipes.their_notes, &pipes.lifeline.workers_end].map(|end| end.as_fd());
    let descriptors: Vec<_> = ends.into_iter().chain(lane).chain(streams).collect();
    control::send(control, &handshake.encode(), &descriptors)
}

/// Sends a call that the process is to make before it says that it is ready.
pub(crate) fn send_call(control: &OwnedFd, initializer: &Initializer) -> io::Result<()> {
    let argument = initializer.argument.bytes();
    let (memory, file) = Memory::create("horsepower-initializer", argument.len().max(1))?;
    memory.write(0, argument);
    let note = Note::Initialize { entry: initializer.entry.offset(), len: argument.len() as u64 };
    control::send(control, &note.encode(), &[file.as_fd()])
}

/// Runs this very file, even if it has been replaced or deleted since. Without anything that needs
/// code between fork and exec, the standard library uses posix_spawn, whose cost does not grow
/// with this process; the rest is done by the worker in `init`.
fn spawn(reentry: &Reentry, launch: &Launch, control: OwnedFd) -> io::Result<Child> {
    let mut command = Command::new("/proc/self/exe");
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    if launch.clear_environment {
        command.env_clear();
    }
    for (name, value) in &launch.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Some(directory) = &launch.directory {
        command.current_dir(directory);
    }
    command.args(&reentry.arguments).stdin(Stdio::from(control));
    if reentry.silent {
        command.stdout(Stdio::null());
    } else if !matches!(launch.stdout, Stream::Inherit) {
        command.stdout(launch.stdout.open(rustix::stdio::stdout())?);
    }
    if !matches!(launch.stderr, Stream::Inherit) {
        command.stderr(launch.stderr.open(rustix::stdio::stderr())?);
    }
    // A process group of its own: Ctrl-C on the terminal reaches the parent alone, and what a worker has
    // started can be killed with it. But a process that reads from the terminal must be in the group that
    // the terminal belongs to.
    if !matches!(launch.stdin, Stream::Inherit) {
        command.process_group(0);
    }
    command.spawn().map_err(|error| match &launch.directory {
        Some(directory) if !directory.is_dir() => io::Error::new(
            error.kind(),
            format!("its working directory {} cannot be used: {error}", directory.display()),
        ),
        _ => error,
    })
}

/// Returns what `next` returns; if that is an error, kills the child.
fn or_kill<T>(child: &mut Child, next: impl Fn(&Child) -> io::Result<T>) -> io::Result<T> {
    let result = next(child);
    if result.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    result
}
