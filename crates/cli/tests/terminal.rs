//! `horsepower primes` and `horsepower timeit` on a terminal: the progress.

#![cfg(target_os = "linux")]

mod program;

use program::{
    assert_empty, await_no_process_with, default_interrupts, finish, horsepower, run_timeit, spawn,
    terminal, timeit, watched,
};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

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

/// Reads from a terminal until it shows this text, or until its end.
fn read_until(shown: &mut File, child: &Child, wanted: &str) -> String {
    let mut text = Vec::new();
    watched(child.id(), || {
        let mut block = [0; 4096];
        // The terminal fails when no process holds it.
        while let Ok(length) = shown.read(&mut block) {
            text.extend_from_slice(&block[..length]);
            if length == 0 || String::from_utf8_lossy(&text).contains(wanted) {
                return;
            }
        }
    });
    String::from_utf8(text).unwrap()
}

#[test]
fn a_long_timing_shows_its_progress_and_clears_it() {
    default_interrupts();
    for interrupt in [false, true] {
        let (temporary, signal) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = signal.path().join("file");
        let code = format!("while !std::path::Path::new({file:?}).exists() {{ black_box(()) }}");
        let (mut shown, written) = terminal();
        let mut command = timeit(temporary.path());
        command.args(["-n1", "-r1", &code]).env("TERM", "xterm").stdout(Stdio::piped());
        let mut child = command.stderr(written).spawn().unwrap();
        drop(command);
        let text = read_until(&mut shown, &child, "timing 1 of 1");
        assert!(text.contains("timing 1 of 1"), "{text:?}");
        if interrupt {
            kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        } else {
            fs::write(&file, "").unwrap();
        }
        let rest = read_until(&mut shown, &child, "no such text");
        let status = watched(child.id(), || child.wait().unwrap());
        let ended = if interrupt { Some(Signal::INT.as_raw()) } else { None };
        assert_eq!(status.signal(), ended, "{rest:?}");
        let left = rest.rsplit("\r\x1b[2K").next().unwrap();
        assert!(rest.contains("\r\x1b[2K") && !left.contains("timing"), "{rest:?}");
        await_no_process_with(temporary.path());
        assert_empty(temporary.path());
    }
}

#[test]
fn without_a_terminal_a_long_timing_shows_nothing() {
    let sleep = "std::thread::sleep(std::time::Duration::from_millis(1500))";
    run_timeit(["-n1", "-r1", sleep]).expect_success();
}

#[test]
fn a_terminal_that_stops_background_output_stops_no_timing() {
    let temporary = tempfile::tempdir().unwrap();
    let (mut shown, written) = terminal();
    let command = timeit(temporary.path());
    // `setsid --ctty` makes this the controlling terminal of the command.
    let mut session = Command::new("setsid");
    session.args(["--ctty", "--wait", "sh", "-c", "stty tostop; exec \"$@\"", "sh"]);
    session.arg(command.get_program()).args(command.get_args()).args(["-n1", "-r1", "1"]);
    session.env("TMPDIR", temporary.path()).stdin(written.try_clone().unwrap());
    session.stdout(written.try_clone().unwrap()).stderr(written);
    let mut child = session.spawn().unwrap();
    drop(session);
    let text = read_until(&mut shown, &child, "no such text");
    assert!(text.contains("1 loop, best of 1: "), "{text:?}");
    assert!(watched(child.id(), || child.wait().unwrap()).success());
    await_no_process_with(temporary.path());
    assert_empty(temporary.path());
}
