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

/// The name of the thread that called `init`, if it was not the main thread.
static INIT_THREAD: OnceLock<Option<String>> = OnceLock::new();

/// The program has not called `init`, so it cannot make a process pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotReady;

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "this program has not called `horsepower::init()`, so it cannot start worker processes.\n\
             Add it as the first line of `main` (in a test: as the first line of the #[test] \
             function):\n\n    fn main() {\n        horsepower::init();\n        …\n    }\n",
        )
    }
}

impl std::error::Error for NotReady {}

/// Enables this program to start worker processes. In a worker, it serves tasks and never returns.
///
/// Call it first in `main` or in a `#[test]` function, before anything that must not happen again
/// in each worker. Outside of a worker it does almost nothing: one system call.
pub fn init() {
    INIT_THREAD.get_or_init(|| {
        let main = rustix::thread::gettid() == rustix::process::getpid();
        let thread = std::thread::current();
        thread.name().filter(|_| !main).map(str::to_owned)
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
    static REENTRY: OnceLock<Reentry> = OnceLock::new();
    let caller = INIT_THREAD.get().ok_or(NotReady)?;
    Ok(REENTRY.get_or_init(|| reentry(caller.as_deref())))
}

fn reentry(caller: Option<&str>) -> Reentry {
    match caller {
        // libtest runs each test on a thread with the name of the test. One test at a time:
        // otherwise the harness prints a warning to standard output after a minute.
        Some(test) if is_test_program() => Reentry {
            arguments: [test, "--exact", "--include-ignored", "--nocapture", "--test-threads=1"]
                .map(OsString::from)
                .to_vec(),
            silent: true,
        },
        _ => Reentry { arguments: std::env::args_os().skip(1).collect(), silent: false },
    }
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
