//! However `horsepower timeit` ends, it leaves no process and no file.

#![cfg(target_os = "linux")]

mod program;

use program::{
    assert_empty, await_no_process_with, compiler, default_interrupts, finish, processes_with,
    spawn, timeit, until, watched,
};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdout, Command};
use tempfile::TempDir;

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Kills the measuring process, whose command line has the temporary directory.
fn kill_measuring(temporary: &Path) {
    let [pid] = &processes_with(temporary)[..] else { panic!("there is one measuring process") };
    kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap(), Signal::KILL).unwrap();
}

/// Code that starts a background process in a group of its own, and then never ends.
struct Endless {
    temporary: TempDir,
    /// Every process has this path in its command line, but not the one that runs the code.
    marker: TempDir,
    child: Option<Child>,
    output: BufReader<ChildStdout>,
}

impl Endless {
    fn start() -> Endless {
        let (temporary, marker) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(marker.path().join("file"), "").unwrap();
        let code = format!(
            "std::os::unix::process::CommandExt::process_group(
                 std::process::Command::new(\"sh\")
                     .args([\"-c\", \"tail -f {}/file & echo begun\"]), 0)
                 .status().unwrap();
             loop {{ black_box(()); }}",
            marker.path().display()
        );
        let mut command = timeit(temporary.path());
        // A group, so that a test can kill all of it.
        let mut child = spawn(command.args(["-n1", &code]).process_group(0));
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        watched(child.id(), || output.read_line(&mut text).unwrap());
        assert_eq!(text, "begun\n");
        Endless { temporary, marker, child: Some(child), output }
    }

    fn child(&self) -> &Child {
        self.child.as_ref().expect("it has not ended")
    }

    /// Waits for the end of all processes. Returns the signal that ended the command.
    fn end(mut self) -> Option<i32> {
        // The pipe ends when no process holds it, so the process that runs the code is gone, too.
        let child = self.child.take().expect("it has not ended");
        watched(child.id(), || self.output.read_to_string(&mut String::new()).unwrap());
        let outcome = finish(child);
        await_no_process_with(self.marker.path());
        await_no_process_with(self.temporary.path());
        assert_empty(self.temporary.path());
        outcome.0.status.signal()
    }
}

impl Drop for Endless {
    /// Ends the processes of a test that fails.
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    let temporary = tempfile::tempdir().unwrap();
    let mut child = spawn(timeit(temporary.path()).args(["-n", "1000000000", "println!(\"on\")"]));
    let mut output = BufReader::new(child.stdout.take().unwrap());
    watched(child.id(), || output.fill_buf().unwrap().len());
    drop(output);
    finish(child).expect_success();
    assert_empty(temporary.path());
}

#[test]
fn a_signal_during_the_run_leaves_nothing() {
    default_interrupts();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::KILL] {
        let endless = Endless::start();
        send(endless.child(), signal);
        assert_eq!(endless.end(), Some(signal.as_raw()));
    }
}

#[test]
fn a_killed_group_leaves_nothing() {
    let endless = Endless::start();
    kill_process_group(Pid::from_child(endless.child()), Signal::KILL).unwrap();
    assert_eq!(endless.end(), Some(Signal::KILL.as_raw()));
}

#[test]
fn a_killed_measuring_process_leaves_nothing() {
    let endless = Endless::start();
    kill_measuring(endless.temporary.path());
    assert_eq!(endless.end(), None);
}

#[test]
fn the_end_of_the_timing_ends_what_the_code_has_started() {
    let (temporary, marker) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(marker.path().join("file"), "").unwrap();
    let script = format!("tail -f {}/file &", marker.path().display());
    let code =
        format!("std::process::Command::new(\"sh\").args([\"-c\", {script:?}]).status().unwrap()");
    // `finish` waits until no process holds the standard output.
    finish(spawn(timeit(temporary.path()).args(["-n2", "-r2", &code])));
    await_no_process_with(marker.path());
    assert_empty(temporary.path());
}

#[test]
fn control_z_stops_the_code_too() {
    let endless = Endless::start();
    // The command lines of the two processes of the command have this path, too.
    let path = endless.marker.path().join("file");
    until("the shell has ended", || processes_with(&path).len() == 3);
    let processes = processes_with(&path);
    let states = || processes.iter().filter_map(|pid| state(pid)).collect::<Vec<_>>();
    let stopped = || states().iter().filter(|state| *state == "T").count();
    send(endless.child(), Signal::TSTP);
    until("all are stopped", || stopped() == 3);
    send(endless.child(), Signal::CONT);
    until("all continue", || stopped() == 0);
    send(endless.child(), Signal::TERM);
    assert_eq!(endless.end(), Some(Signal::TERM.as_raw()));
}

/// The state of a process, as in `/proc/PID/stat`.
fn state(pid: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').next().map(str::to_owned)
}

#[test]
fn a_signal_ignored_from_the_start_stays_ignored() {
    let temporary = tempfile::tempdir().unwrap();
    // The code waits for a file, which the test creates after the signal.
    let signalled = tempfile::tempdir().unwrap();
    let file = signalled.path().join("file");
    let code = format!(
        "println!(\"begun\"); while !std::path::Path::new({file:?}).exists() {{ std::thread::yield_now() }}"
    );
    let command = timeit(temporary.path());
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' INT; exec \"$@\"", "sh"]).arg(command.get_program());
    shell.args(command.get_args()).args(["-n1", "-r1", &code]);
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = spawn(&mut shell);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    watched(child.id(), || output.read_line(&mut text).unwrap());
    send(&child, Signal::INT);
    fs::write(&file, "").unwrap();
    watched(child.id(), || output.read_to_string(&mut text).unwrap());
    finish(child).expect_success();
    assert!(text.contains("1 loop, best of 1"), "{text}");
}

/// Starts a compilation that creates a file and never ends, with a child process.
fn endless_compilation(temporary: &Path, scripts: &Path) -> Child {
    let script = ": > \"$TMPDIR/object\"\ntail -f \"$TMPDIR/object\" & wait";
    let compiler = compiler(scripts, script);
    let child = spawn(timeit(temporary).arg("()").env("RUSTC", &compiler).process_group(0));
    let has_object = |entry: fs::DirEntry| entry.path().join("object").exists();
    until("the compiler has begun", || fs::read_dir(temporary).unwrap().flatten().any(has_object));
    child
}

#[test]
fn a_signal_during_compilation_leaves_nothing() {
    default_interrupts();
    let leaves_nothing = |what: &str, end: &dyn Fn(&Child, &Path)| {
        let (temporary, scripts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let child = endless_compilation(temporary.path(), scripts.path());
        end(&child, temporary.path());
        let outcome = finish(child);
        await_no_process_with(temporary.path());
        until(what, || fs::read_dir(temporary.path()).unwrap().count() == 0);
        outcome.0.status.signal()
    };
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::KILL] {
        let ended = leaves_nothing("the folder is removed", &|child, _| send(child, signal));
        assert_eq!(ended, Some(signal.as_raw()));
    }
    leaves_nothing("the folder is removed after the group was killed", &|child, _| {
        kill_process_group(Pid::from_child(child), Signal::KILL).unwrap();
    });
}

#[test]
fn a_killed_measuring_process_leaves_no_folder() {
    let (temporary, scripts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // The command line of the compiler has no temporary path here.
    let script = "exec 9> \"$TMPDIR/object\"; exec sleep 1000000";
    let compiler = compiler(scripts.path(), script);
    let child = spawn(timeit(temporary.path()).arg("()").env("RUSTC", &compiler));
    let has_object = |entry: fs::DirEntry| entry.path().join("object").exists();
    until("the compiler has begun", || {
        fs::read_dir(temporary.path()).unwrap().flatten().any(has_object)
    });
    until("only the measuring process has the path", || {
        processes_with(temporary.path()).len() == 1
    });
    kill_measuring(temporary.path());
    let outcome = finish(child);
    assert_eq!((outcome.code(), outcome.stdout()), (Some(1), ""), "{outcome:?}");
    assert!(outcome.stderr().contains("signal 9 ended the measuring process"), "{outcome:?}");
    assert_empty(temporary.path());
}

#[test]
fn the_temporary_directory_is_private_whatever_the_umask() {
    for umask in ["000", "022", "077"] {
        let (temporary, scripts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let compiler = compiler(scripts.path(), "stat -c 'mode %a' \"$TMPDIR\" >&2; exit 1");
        let command = timeit(temporary.path());
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"]);
        shell.arg(command.get_program()).args(command.get_args()).arg("()");
        shell.env("TMPDIR", temporary.path()).env("RUSTC", &compiler);
        let outcome = finish(spawn(&mut shell));
        assert_eq!(outcome.stderr(), "mode 700\n", "umask {umask}: {outcome:?}");
        assert_empty(temporary.path());
    }
}

#[test]
fn the_code_has_no_input_to_wait_for() {
    let temporary = tempfile::tempdir().unwrap();
    let code = "std::io::stdin().read_line(&mut String::new()).unwrap()";
    // The other end of this pipe stays open.
    let (input, _open) = std::io::pipe().unwrap();
    let outcome = finish(spawn(timeit(temporary.path()).args(["-n1", code]).stdin(input)));
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
}
