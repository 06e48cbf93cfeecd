//! The built program as a user starts it, with a watchdog: a hang is a failed test.

// Each test file uses a part of this.
#![allow(dead_code)]

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::SIGINT;
use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Nothing here takes a fraction of it.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_horsepower"))
}

/// Starts the program with these arguments and nothing on its standard input.
pub(crate) fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Outcome {
    wait(program().args(arguments).stdin(Stdio::null()))
}

/// Starts the program with these arguments and this on its standard input.
pub(crate) fn run_with_input(arguments: &[&str], input: Vec<u8>) -> Outcome {
    let mut child = spawn(program().args(arguments).stdin(Stdio::piped()));
    let mut pipe = child.stdin.take().expect("it is piped");
    let writer = thread::spawn(move || {
        // A program that stops reading is seen by its output.
        let _ = pipe.write_all(&input);
    });
    let outcome = finish(child);
    writer.join().expect("the writer does not panic");
    outcome
}

/// Starts a command and waits for its end.
pub(crate) fn wait(command: &mut Command) -> Outcome {
    finish(spawn(command))
}

pub(crate) fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
}

/// Has the programs that are started from here heed Ctrl-C. A shell that starts the tests in the
/// background has them ignore it, and what they start would inherit that; a handler is not inherited.
pub(crate) fn heed_interrupts() {
    signal_hook::flag::register_conditional_default(SIGINT, Arc::new(true.into()))
        .expect("a handler");
}

/// Waits for the end of a program and gathers what it says.
pub(crate) fn finish(child: Child) -> Outcome {
    let output = watched(child.id(), || child.wait_with_output().expect("it can be waited for"));
    Outcome(output)
}

/// Does something that waits for a process; kills that process if it takes too long.
pub(crate) fn watched<T>(pid: u32, waiting: impl FnOnce() -> T) -> T {
    let (waits, over) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let pid = Pid::from_raw(pid.cast_signed()).expect("a child has a pid");
                kill_process(pid, Signal::KILL).expect("it hangs, so it lives");
            }
        });
        let result = waiting();
        drop(waits);
        result
    })
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Outcome(pub(crate) Output);

impl Outcome {
    pub(crate) fn code(&self) -> Option<i32> {
        self.0.status.code()
    }

    pub(crate) fn stdout(&self) -> &str {
        str::from_utf8(&self.0.stdout).expect("standard output is text")
    }

    pub(crate) fn stderr(&self) -> &str {
        str::from_utf8(&self.0.stderr).expect("standard error is text")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.0.stdout).expect("standard output is one JSON object")
    }

    /// Everything was done, and there was nothing to say about it.
    pub(crate) fn done(self) -> Outcome {
        assert_eq!((self.code(), self.stderr()), (Some(0), ""), "{self:?}");
        self
    }

    /// The verdict lines.
    pub(crate) fn verdicts(&self) -> Vec<&str> {
        self.stdout().lines().take_while(|line| !line.is_empty()).collect()
    }

    /// The table's first two columns.
    pub(crate) fn table(&self) -> Vec<[&str; 2]> {
        let lines = self.stdout().lines().skip_while(|line| !line.is_empty()).skip(1);
        let cells = lines.map(|line| {
            let mut words = line.split_whitespace();
            std::array::from_fn(|_| words.next().expect("the table has five columns"))
        });
        cells.collect()
    }
}

/// The processes whose command line has this file in it.
pub(crate) fn processes_with(path: &Path) -> Vec<String> {
    let path = path.as_os_str().as_encoded_bytes();
    let processes = std::fs::read_dir("/proc").expect("there is a /proc").flatten();
    let with_path = processes.filter(|process| {
        // A process may end while it is looked at; one that has ended has no command line.
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        line.windows(path.len()).any(|window| window == path)
    });
    with_path.map(|process| process.file_name().to_string_lossy().into_owned()).collect()
}

/// Waits until no process has this file in its command line.
pub(crate) fn await_no_process_with(path: &Path) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !processes_with(path).is_empty() {
        assert!(std::time::Instant::now() < deadline, "left: {:?}", processes_with(path));
        thread::sleep(Duration::from_millis(5));
    }
}
