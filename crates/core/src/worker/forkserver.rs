//! The fork server: a process that has reached `init`, has loaded what its workers share, and then
//! only forks them.
//!
//! Reached from [`crate::worker`]. The workers are not its children but its siblings: their parent
//! is the parent of the server, as if it had started them itself. So nothing changes for the
//! supervisor, and the workers outlive the server.

use crate::sys::control::{self, Receive};
use crate::sys::fork::{Side, fork_sibling};
use crate::sys::notes;
use crate::wire::handshake::{Handshake, Note};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

/// Serves until the parent closes the socket. Returns in each worker, with that worker's control
/// socket.
pub(crate) fn serve(
    control: &OwnedFd,
    said: &OwnedFd,
    handshake: &Handshake,
    preload: impl FnOnce() -> Result<(), String>,
) -> Result<OwnedFd, String> {
    let before = threads()?;
    // A test harness has one thread of its own, which sleeps until the test ends.
    if before.len() > 1 && !handshake.has(crate::wire::handshake::STDOUT) {
        return Err("the program started threads before it called `init`; a process with threads \
             cannot be forked"
            .to_owned());
    }
    preload()?;
    if threads()? != before {
        return Err("preload started or ended threads; a process with threads cannot be \
             forked, and they would not be in the workers"
            .to_owned());
    }
    notes::write(said, &Note::Ready.encode()).map_err(|error| error.to_string())?;
    loop {
        let message = control::receive(control, Receive::Wait).ok().flatten();
        // The parent has shut down the pool or has exited.
        let Some(message) = message else { std::process::exit(0) };
        let Some(Note::Fork) = Note::decode(message.bytes()) else { continue };
        let Some(theirs) = message.descriptors.into_iter().next() else { continue };
        let _ = io::stdout().flush();
        let answer = match wait_until_asleep(&before).and_then(|()| fork()) {
            Ok(Side::New) => {
                // Its own process group, as every worker has.
                let _ = rustix::process::setpgid(None, None);
                return Ok(theirs);
            }
            Ok(Side::Old(pid)) => Note::Forked { pid },
            Err(error) => match error.raw_os_error() {
                Some(errno) => Note::ForkFailed { errno },
                None => Note::Refused(error.to_string()),
            },
        };
        if notes::write(said, &answer.encode()).is_err() {
            std::process::exit(1);
        }
    }
}

#[allow(unsafe_code)]
fn fork() -> io::Result<Side> {
    // SAFETY: `serve` has checked that there is no other thread; or, in a test, only one that
    // existed before, which `wait_until_asleep` has seen asleep in the harness. It waits there for
    // the end of the test, which never comes.
    unsafe { fork_sibling() }
}

/// How long the thread of a test harness may take to fall asleep.
const ASLEEP_WITHIN: Duration = Duration::from_secs(2);

/// Waits until all of `threads` sleep, except the caller. The thread of a harness is busy for a
/// moment after it has started the test, and may hold a lock of the loader or the allocator
/// meanwhile.
fn wait_until_asleep(threads: &[OsString]) -> io::Result<()> {
    let own = rustix::thread::gettid().as_raw_nonzero().to_string();
    let sleeps = |thread: &OsString| -> io::Result<bool> {
        let stat = fs::read_to_string(Path::new("/proc/self/task").join(thread).join("stat"))?;
        // The state follows the name, which is in parentheses.
        Ok(stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S")))
    };
    let started = Instant::now();
    for thread in threads.iter().filter(|thread| **thread != *own) {
        while !sleeps(thread)? {
            if started.elapsed() > ASLEEP_WITHIN {
                return Err(io::Error::other("another thread of the program does not become idle"));
            }
            std::thread::sleep(Duration::from_micros(100));
        }
    }
    Ok(())
}

/// The ids of this process's threads.
fn threads() -> Result<Vec<OsString>, String> {
    let names = fs::read_dir("/proc/self/task").and_then(|folder| {
        folder.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()
    });
    let mut names = names.map_err(|error| format!("cannot read /proc/self/task: {error}"))?;
    names.sort();
    Ok(names)
}
