//! `horsepower primes` on a terminal: the progress bar.

#![cfg(target_os = "linux")]

mod program;

use program::{await_no_process_with, finish, horsepower, spawn, terminal, watched};
use std::fs;
use std::io::Read;
use std::process::Stdio;

#[test]
fn the_bar_of_a_long_run_does_not_garble_the_verdicts() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("numbers.txt");
    // Enough numbers for verdicts before and after the bar appears; the test kills the program.
    fs::write(&path, "999999999999989\n".repeat(100_000)).unwrap();
    let (mut shown, written) = terminal();
    let mut command = horsepower();
    command.args(["primes", "-e", "inline", "-f"]).arg(&path);
    command.env("TERM", "xterm").env("NO_COLOR", "1").stdin(Stdio::null());
    command.stdout(written.try_clone().unwrap()).stderr(written);
    let mut child = command.spawn().unwrap();
    drop(command);

    let mut text = Vec::new();
    watched(child.id(), || {
        let mut block = [0; 4096];
        loop {
            let length = shown.read(&mut block).unwrap();
            text.extend_from_slice(&block[..length]);
            let so_far = String::from_utf8_lossy(&text);
            let after = so_far.split_once("inline [").map(|(_, after)| after);
            if after.is_some_and(|after| after.matches(" is prime: ").count() >= 3) {
                return;
            }
        }
    });
    child.kill().unwrap();
    child.wait().unwrap();
    await_no_process_with(&path);

    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains("\x1b[3"), "NO_COLOR is respected: {text:?}");
    assert!(text.contains("/100000, elapsed "), "{text:?}");
    let (lines, _incomplete) = text.rsplit_once("\r\n").unwrap();
    for line in lines.split("\r\n") {
        // The terminal shows only what follows the last erased line.
        let seen = line.rsplit("\r\x1b[2K").next().unwrap();
        assert_eq!(seen, "999999999999989 is prime: true", "{text:?}");
    }
}

#[test]
fn without_a_terminal_there_is_no_bar() {
    let mut command = horsepower();
    // More than a second of work on any machine.
    let numbers = std::iter::repeat_n("99999999999999997", 4);
    command.args(["primes", "-e", "inline"]).args(numbers).stdin(Stdio::null());
    assert_eq!(finish(spawn(&mut command)).expect_success().verdicts().len(), 4);
}
