//! This test program as another process, in which the same test plays a role; and the ways in which
//! a process can die.
//!
//! A test that is about a whole program, its standard streams, its exit code or its end, starts its own
//! program again with [`another`] and asks [`role`] in which of the two it is.

use rustix::process::{Pid, Signal, getppid, kill_process};
use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};
use std::sync::Once;
use std::time::Duration;

/// This program as another process that runs only this test, in this role. What the environment says of
/// backtraces, or of how tests run, does not reach it.
///
/// # Panics
/// If the program's path cannot be found out.
#[must_use]
pub fn another(test: &str, role: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command.args([test, "--exact", "--nocapture"]).env("HORSEPOWER_TEST_ROLE", role);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("RUST_")) {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// The role that this process plays, if it plays one.
///
/// # Panics
/// If it is not text; see [`role_os`].
#[must_use]
pub fn role() -> Option<String> {
    role_os().map(|role| role.into_string().expect("text"))
}

/// The role that this process plays, if it plays one. The first call starts a thread that ends this
/// process when its parent, the test, has ended.
#[must_use]
pub fn role_os() -> Option<OsString> {
    let role = std::env::var_os("HORSEPOWER_TEST_ROLE")?;
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        let parent = getppid();
        std::thread::spawn(move || {
            while getppid() == parent {
                std::thread::sleep(Duration::from_millis(500));
            }
            std::process::abort();
        });
    });
    Some(role)
}

/// Sends a signal.
///
/// # Panics
/// If there is no such process.
pub fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(pid, signal).expect("a process");
}

/// Task: ends its own process in the way that `how` names; a number is an exit code.
///
/// # Panics
/// If there is no such way.
#[allow(clippy::must_use_candidate)] // it does not return
pub fn die(how: String) -> u64 {
    fn overflow(n: u64) -> u64 {
        if n == u64::MAX { 0 } else { std::hint::black_box(overflow(n + 1)) + 1 }
    }
    let myself = std::process::id();
    match &*how {
        "abort" => std::process::abort(),
        "overflow" => return overflow(0),
        // Rust's own handler checks the first one for a stack overflow and then removes itself; a real
        // fault comes again too.
        "segfault" => loop {
            signal(myself, Signal::SEGV);
            std::thread::yield_now();
        },
        "kill" => signal(myself, Signal::KILL),
        "terminate" => signal(myself, Signal::TERM),
        code => std::process::exit(code.parse().expect("an exit code")),
    }
    // A signal may take a moment.
    loop {
        std::thread::park();
    }
}
