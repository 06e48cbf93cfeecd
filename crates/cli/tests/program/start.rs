//! Starts the built program.

use super::outcome::{Outcome, finish};
use signal_hook::consts::SIGINT;
use std::ffi::OsStr;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

pub(crate) fn horsepower() -> Command {
    Command::new(env!("CARGO_BIN_EXE_horsepower"))
}

/// Runs the program with these arguments and an empty standard input.
pub(crate) fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Outcome {
    wait(horsepower().args(arguments).stdin(Stdio::null()))
}

/// Runs the program with these arguments and this standard input.
pub(crate) fn run_with_input(arguments: &[&str], input: Vec<u8>) -> Outcome {
    let mut child = spawn(horsepower().args(arguments).stdin(Stdio::piped()));
    let mut pipe = child.stdin.take().expect("standard input is piped");
    let writer = thread::spawn(move || {
        // Ignore a program that stops reading: its output shows that.
        let _ = pipe.write_all(&input);
    });
    let outcome = finish(child);
    writer.join().expect("the writer does not panic");
    outcome
}

/// Runs a command to its end.
pub(crate) fn wait(command: &mut Command) -> Outcome {
    finish(spawn(command))
}

/// Starts a command with piped output.
pub(crate) fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
}

/// Gives programs started later the default action of SIGINT. A shell that runs the tests in the
/// background ignores SIGINT, and children inherit that. They do not inherit a handler.
pub(crate) fn default_interrupts() {
    signal_hook::flag::register_conditional_default(SIGINT, Arc::new(true.into()))
        .expect("the handler is installed");
}
