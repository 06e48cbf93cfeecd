//! `init`: where a worker stops and serves, and how a program becomes its own worker.
//!
//! A worker is this program, executed again. It reaches the same `init` call as its parent and goes
//! no further. So before a pool may start workers, the program must have shown that it makes that
//! call. The way there must also be the same: the same arguments or, under Rust's test harness, the
//! arguments that select the test that made the call.

use crate::sys::control;
use crate::worker;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::OnceLock;

/// How to start this program so that it reaches its `init` call.
#[derive(Debug)]
pub(crate) struct Reentry {
    pub(crate) arguments: Vec<OsString>,
    /// The test harness prints to standard output before `init` is reached.
    pub(crate) silent: bool,
}

/// The thread that called `init`.
#[derive(Debug)]
enum Caller {
    Main,
    /// Another one, and its name.
    Thread(Option<String>),
}

static INIT_THREAD: OnceLock<Caller> = OnceLock::new();

/// The program has not called `init` as it should, so it cannot make a process pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotReady {
    /// It has not called `init`.
    NoInit,
    /// A test has called it on a thread of its own, from which nobody can tell which test it is.
    NotOnTheTestsThread,
    /// The program was started by the dynamic loader, so executing it again would execute the loader.
    StartedByLoader,
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            NotReady::NoInit => NO_INIT,
            NotReady::NotOnTheTestsThread => {
                "this test has called `horsepower::init()` on a thread that it has started. A worker runs the \
                 same test up to that call, and libtest gives its name to the test's own thread alone. Call it \
                 there, as the first line of the #[test] function."
            }
            NotReady::StartedByLoader => {
                "this program was started by the dynamic loader (`ld.so PROGRAM`), so it cannot start itself \
                 again as a worker. Start it directly."
            }
        };
        f.write_str(text)
    }
}

const NO_INIT: &str = "this program has not called `horsepower::init()`, so it cannot start worker processes.\n\
     Add it as the first line of `main` (in a test: as the first line of the #[test] \
     function):\n\n    fn main() {\n        horsepower::init();\n        …\n    }\n";

impl std::error::Error for NotReady {}

/// Enables this program to start worker processes. In a worker, it serves tasks and never returns.
///
/// Call it first in `main` or in a `#[test]` function, before anything that must not happen again
/// in each worker. Outside of a worker it does almost nothing: one system call.
pub fn init() {
    INIT_THREAD.get_or_init(|| {
        if rustix::thread::gettid() == rustix::process::getpid() {
            return Caller::Main;
        }
        Caller::Thread(std::thread::current().name().map(str::to_owned))
    });
    if control::begins_with(rustix::stdio::stdin(), crate::wire::handshake::MAGIC) {
        worker::serve()
    }
}

/// How to start workers.
///
/// # Errors
/// [`NotReady`] if the program has not called [`init`].
pub(crate) fn reentry_point() -> Result<&'static Reentry, NotReady> {
    static REENTRY: OnceLock<Result<Reentry, NotReady>> = OnceLock::new();
    let caller = INIT_THREAD.get().ok_or(NotReady::NoInit)?;
    REENTRY.get_or_init(|| reentry(caller)).as_ref().map_err(|why| *why)
}

fn reentry(caller: &Caller) -> Result<Reentry, NotReady> {
    if is_started_by_loader() {
        return Err(NotReady::StartedByLoader);
    }
    Ok(match caller {
        // libtest runs each test on a thread with the name of the test. One test at a time:
        // otherwise the harness prints a warning to standard output after a minute.
        Caller::Thread(None) if is_test_program() => return Err(NotReady::NotOnTheTestsThread),
        Caller::Thread(Some(test)) if is_test_program() => Reentry {
            arguments: [test, "--exact", "--include-ignored", "--nocapture", "--test-threads=1"]
                .map(OsString::from)
                .to_vec(),
            silent: true,
        },
        _ => Reentry { arguments: std::env::args_os().skip(1).collect(), silent: false },
    })
}

/// True if the dynamic loader was executed, and has loaded this program: the system takes the loader for the
/// program then.
fn is_started_by_loader() -> bool {
    // `ld-linux-x86-64.so.2`, `ld-musl-aarch64.so.1`, `ld.so`. Inodes do not tell: some file systems show
    // another one in `/proc/self/maps`.
    let exe = std::fs::read_link("/proc/self/exe").unwrap_or_default();
    let name = exe.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    (name.starts_with("ld-") || name.starts_with("ld.")) && name.contains(".so")
}

/// True if this program is a Rust test harness. Cargo puts those into `deps`; elsewhere, the file
/// contains the name of a variable that only the harness reads.
fn is_test_program() -> bool {
    let path = std::env::current_exe().unwrap_or_default();
    path.parent().and_then(Path::file_name).is_some_and(|folder| folder == "deps")
        || File::open("/proc/self/exe").is_ok_and(|file| {
            // Joined at run time: as one literal it would be in the file of every program.
            let name = ["RUST", "TEST", "THREADS"].join("_");
            contains(file, name.as_bytes())
        })
}

/// True if the file contains `needle`.
fn contains(mut file: File, needle: &[u8]) -> bool {
    let mut window = Vec::new();
    let mut chunk = vec![0; 1 << 20];
    while let Ok(len @ 1..) = file.read(&mut chunk) {
        window.extend_from_slice(&chunk[..len]);
        if window.windows(needle.len()).any(|bytes| bytes == needle) {
            return true;
        }
        // Keep what may be the beginning of a needle that continues in the next chunk.
        window.drain(..window.len().saturating_sub(needle.len() - 1));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_is_a_test_program() {
        assert!(is_test_program());
        let file = || File::open("/proc/self/exe").unwrap();
        assert!(contains(file(), ["RUST", "TEST", "THREADS"].join("_").as_bytes()));
        assert!(!contains(file(), ["NO", "SUCH", "TEXT", "AT", "ALL"].join("~").as_bytes()));
    }
}
