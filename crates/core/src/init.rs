//! `init`: where a worker stops and serves, and how a program becomes its own worker.
//!
//! A worker is this program, executed again. It comes to the same `init` call as its parent did and
//! goes no further. So before a pool may start workers, the program must have shown that it makes
//! that call; and the way there has to be the same: the same arguments, or, under Rust's test
//! harness, the arguments that lead to the test that made the call.

use crate::sys::control;
use crate::worker;
use std::ffi::OsString;
use std::fmt;
use std::sync::OnceLock;

/// How to start this program so that it comes to its `init` call.
#[derive(Debug)]
pub(crate) struct Reentry {
    pub(crate) arguments: Vec<OsString>,
    /// Something on the way there prints to standard output.
    pub(crate) silent: bool,
}

static REENTRY: OnceLock<Reentry> = OnceLock::new();

/// No process pool can be made yet: the program has not called `init`.
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

/// Makes this program able to start worker processes; in a worker, serves and never returns.
///
/// Call it first thing in `main`, or in a `#[test]` function, before anything that should not happen
/// once more in each worker. Anywhere else than in a worker it does next to nothing: one system call.
pub fn init() {
    REENTRY.get_or_init(reentry);
    if control::begins_with(rustix::stdio::stdin(), crate::hello::MAGIC) {
        worker::serve()
    }
}

/// How workers are to be started.
///
/// # Errors
/// [`NotReady`] if the program has not called [`init`].
pub(crate) fn reentry_point() -> Result<&'static Reentry, NotReady> {
    REENTRY.get().ok_or(NotReady)
}

fn reentry() -> Reentry {
    let main = rustix::thread::gettid() == rustix::process::getpid();
    match std::thread::current().name() {
        // libtest runs each test on a thread that has the test's name.
        Some(test) if !main => Reentry {
            // One test at a time: else the harness would complain on standard output after a minute.
            arguments: [
                test,
                "--exact",
                "--include-ignored",
                "--nocapture",
                "--test-threads=1",
            ]
            .map(OsString::from)
            .to_vec(),
            silent: true,
        },
        _ => Reentry {
            arguments: std::env::args_os().skip(1).collect(),
            silent: false,
        },
    }
}
