//! The fork server: a process that has come to `init`, has loaded what its workers are to share, and
//! then does nothing but fork them.
//!
//! Reached from [`crate::worker`]. The workers are not its children but its siblings: their parent is
//! the parent of the server, as if it had started them itself, so nothing is different for whoever
//! supervises them, and they do not end with the server.

use crate::sys::control::{self, Receive, Send};
use crate::sys::fork::{Side, fork_sibling};
use crate::wire::handshake::{Hello, Note};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

/// Serves until the parent lets it go. Returns in each worker, with that worker's control socket.
pub(crate) fn serve(
    control: &OwnedFd,
    hello: &Hello,
    preload: impl FnOnce() -> Result<(), String>,
) -> Result<OwnedFd, String> {
    let before = threads()?;
    // The harness of a test has a thread of its own, which sleeps until the test has ended.
    if before.len() > 1 && !hello.has(crate::wire::handshake::STDOUT) {
        return Err(
            "the program has started threads before it came to `init`; a process with threads \
             cannot be forked"
                .to_owned(),
        );
    }
    preload()?;
    if threads()? != before {
        return Err(
            "preload has started threads, or ended some; a process with threads cannot be \
             forked, and they would not be in the workers"
                .to_owned(),
        );
    }
    control::send(control, &Note::Ready.encode(), &[], Send::Wait).map_err(|e| e.to_string())?;
    loop {
        let message = control::receive(control, Receive::Wait).ok().flatten();
        // The parent has ended the pool, or itself.
        let Some(message) = message else { std::process::exit(0) };
        let Some(Note::Fork) = Note::decode(message.bytes()) else { continue };
        let Some(theirs) = message.descriptors.into_iter().next() else { continue };
        let _ = io::stdout().flush();
        let answer = match at_rest(&before).and_then(|()| fork()) {
            Ok(Side::New) => {
                // A group of its own, as every worker has.
                let _ = rustix::process::setpgid(None, None);
                return Ok(theirs);
            }
            Ok(Side::Old(pid)) => Note::Forked { pid },
            Err(error) => Note::Refused(error.to_string()),
        };
        if control::send(control, &answer.encode(), &[], Send::Wait).is_err() {
            std::process::exit(1);
        }
    }
}

#[allow(unsafe_code)]
fn fork() -> io::Result<Side> {
    // SAFETY: `serve` has seen that there is no thread but this one; or, in a test, one that came before
    // this, which `at_rest` has seen asleep in the harness, where it waits for the end of the test, which
    // never comes.
    unsafe { fork_sibling() }
}

/// How long the harness of a test may take until its thread sleeps.
const REST: Duration = Duration::from_secs(10);

/// Waits until every one of `threads` sleeps but the caller. That of a harness has something to do for a
/// moment after it has started the test, and may hold a lock of the loader or of the allocator meanwhile.
fn at_rest(threads: &[OsString]) -> io::Result<()> {
    let own = rustix::thread::gettid().as_raw_nonzero().to_string();
    let sleeps = |thread: &OsString| -> io::Result<bool> {
        let stat = fs::read_to_string(Path::new("/proc/self/task").join(thread).join("stat"))?;
        // The state stands after the name, which stands in parentheses.
        Ok(stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S")))
    };
    let started = Instant::now();
    for thread in threads.iter().filter(|thread| **thread != *own) {
        while !sleeps(thread)? {
            if started.elapsed() > REST {
                return Err(io::Error::other(
                    "another thread of the program does not come to rest",
                ));
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
