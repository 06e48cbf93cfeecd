//! Starts `horsepower timeit`.

use super::outcome::{Outcome, finish};
use super::start::{horsepower, spawn};
use super::watchdog::LIMIT;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The command, with its own directory for temporary files.
pub(crate) fn timeit(temporary: &Path) -> Command {
    let mut command = horsepower();
    command.arg("timeit").env("TMPDIR", temporary).stdin(Stdio::null());
    command
}

/// Runs the command with these arguments, and checks that it leaves no temporary files.
pub(crate) fn run_timeit<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Outcome {
    let temporary = tempfile::tempdir().unwrap();
    let outcome = finish(spawn(timeit(temporary.path()).args(arguments)));
    assert_empty(temporary.path());
    outcome
}

/// Writes a shell script that takes the place of the compiler.
pub(crate) fn compiler(dir: &Path, script: &str) -> PathBuf {
    let path = dir.join("rustc");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

pub(crate) fn assert_empty(dir: &Path) {
    let left: Vec<_> = fs::read_dir(dir).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Waits for a condition.
pub(crate) fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
