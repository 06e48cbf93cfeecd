//! `horsepower tour`, tested through the built program.

#![cfg(target_os = "linux")]

mod program;

use program::{
    await_no_process_with, default_interrupts, finish, horsepower, processes_with, run, spawn,
    terminal, watched,
};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

const SECTIONS: [&str; 7] =
    ["info", "timeit", "sequential", "threads", "processes", "pools", "worth"];

/// The output of a section's code: the lines after the last indented one.
fn results(section: &str) -> Vec<String> {
    let outcome = run(["tour", section]).expect_success();
    let lines: Vec<_> = outcome.stdout().lines().collect();
    assert!(lines[0].starts_with(&format!("{section}: ")), "{outcome:?}");
    let code = lines.iter().rposition(|line| line.starts_with("    ")).expect("there is code");
    lines[code + 2..].iter().map(|line| (*line).to_owned()).collect()
}

/// The number after `before` in a line.
fn number(line: &str, before: &str) -> u32 {
    let digits = line.split_once(before).unwrap_or_else(|| panic!("{before} in {line}")).1;
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

#[test]
fn the_whole_tour_has_every_section_in_order() {
    let outcome = run(["tour"]).expect_success();
    let headings = outcome.stdout().lines().filter_map(|line| line.split_once(": "));
    let headings: Vec<_> =
        headings.map(|(name, _)| name).filter(|name| SECTIONS.contains(name)).collect();
    assert_eq!(headings, SECTIONS);
    assert!(!outcome.stdout().contains('\x1b'), "no colours into a pipe");
}

#[test]
fn the_list_names_the_sections() {
    let outcome = run(["tour", "--list"]).expect_success();
    let names: Vec<_> =
        outcome.stdout().lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, SECTIONS);
}

#[test]
fn info_is_about_this_process() {
    let child = spawn(horsepower().args(["tour", "info"]).stdin(Stdio::null()));
    let pid = child.id();
    let outcome = finish(child).expect_success();
    let directory = std::env::current_dir().unwrap();
    assert!(outcome.stdout().contains(&format!("\nprocess {pid} of user")), "{outcome:?}");
    assert!(outcome.stdout().contains(&format!("\nin {}\n", directory.display())), "{outcome:?}");
}

#[test]
fn timeit_measures() {
    let results = results("timeit");
    for (line, name) in results.iter().zip(["set:", "list:"]) {
        assert!(line.starts_with(name) && line.ends_with("sec per loop"), "{results:?}");
    }
}

#[test]
fn sequential_prints_the_notebooks_words() {
    assert_eq!(results("sequential"), ["done after submit: true", "delivery", "Retriving Dish"]);
}

#[test]
fn threads_have_states_and_stop() {
    let results = results("threads");
    assert_eq!(results[..2], ["Overwork is not started", "Overwork is running"]);
    assert!(results[2].ends_with(" times, retired.."), "{results:?}");
    assert_eq!(results[3..], ["Overwork is finished, worker is gone."]);
}

#[test]
fn processes_deliver_and_are_terminated() {
    let results = results("processes");
    assert!(results[0].starts_with("delivered to table 25 by process "), "{results:?}");
    assert!(results[0].ends_with(", exit code Some(0)"), "{results:?}");
    assert_eq!(results[1], "alive: true");
    assert!(results[2].starts_with("exit code Some(-15): "), "{results:?}");
}

#[test]
fn pools_answer_in_order_from_their_processes() {
    let results = results("pools");
    let here = number(&results[0], "this is process ");
    for (kind, lines) in ["inline:", "threads:", "processes:"].iter().zip(results[1..].chunks(6)) {
        assert_eq!(lines[0], *kind);
        for (i, line) in (1..=5).zip(&lines[1..]) {
            assert!(line.starts_with(&format!("  2 * {i} = {}, from process ", 2 * i)), "{line}");
        }
        let pids: BTreeSet<_> =
            lines[1..].iter().map(|line| number(line, "from process ")).collect();
        match *kind {
            "processes:" => assert!(pids.len() <= 2 && !pids.contains(&here), "{results:?}"),
            _ => assert_eq!(pids, BTreeSet::from([here]), "{results:?}"),
        }
    }
}

#[test]
fn worth_has_the_notebooks_verdicts_on_every_executor() {
    let results = results("worth");
    let lines = ["inline", "threads", "processes"].iter().zip(results.chunks(2));
    for (kind, lines) in lines {
        assert!(lines[0].starts_with(&format!("{kind}, ")), "{results:?}");
        assert!(
            lines[0].ends_with(" workers: [true, true, true, true, true, false]"),
            "{results:?}"
        );
        assert!(
            lines[1].contains(" s, speed-up ") && lines[1].contains("efficiency"),
            "{results:?}"
        );
    }
    assert!(results[1].ends_with("speed-up 1.00, efficiency 100%"), "{results:?}");
}

#[test]
fn the_code_shown_is_in_the_source() {
    for section in SECTIONS {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tour/sections");
        let source = std::fs::read_to_string(source.join(section).with_extension("rs")).unwrap();
        let source: Vec<_> = source.lines().map(str::trim).collect();
        let outcome = run(["tour", section]).expect_success();
        let code: Vec<_> =
            outcome.stdout().lines().filter_map(|line| line.strip_prefix("    ")).collect();
        assert!(code.len() >= 5, "{section}: {code:?}");
        assert!(code.iter().all(|line| source.contains(&line.trim())), "{section}: {code:?}");
    }
}

#[test]
fn an_unknown_section_is_misuse() {
    let outcome = run(["tour", "proceses"]);
    assert_eq!((outcome.code(), outcome.stdout()), (Some(2), ""), "{outcome:?}");
    assert!(outcome.stderr().contains(&SECTIONS.join(", ")), "{outcome:?}");
    assert!(outcome.stderr().contains("a similar value exists: 'processes'"), "{outcome:?}");
    for arguments in [&["tour", ""][..], &["tour", "info", "worth"], &["tour", "--list", "info"]] {
        let outcome = run(arguments);
        assert_eq!((outcome.code(), outcome.stdout()), (Some(2), ""), "{outcome:?}");
    }
}

/// A unique program name. Its workers have the same name.
fn unique() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("horsepower");
    (directory, path)
}

#[test]
fn a_closed_pipe_is_no_error() {
    let (_directory, name) = unique();
    for section in [None, Some("pools")] {
        let mut command = horsepower();
        command.arg0(&name).arg("tour").args(section).stdin(Stdio::null());
        let mut child = spawn(&mut command);
        let mut output = BufReader::with_capacity(16, child.stdout.take().unwrap());
        watched(child.id(), || output.fill_buf().unwrap().len());
        drop(output);
        finish(child).expect_success();
        await_no_process_with(&name);
    }
}

#[test]
fn a_full_disk_is_an_error() {
    for arguments in [&["tour"][..], &["tour", "--list"]] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = horsepower();
        command.args(arguments).stdin(Stdio::null()).stdout(full).stderr(Stdio::piped());
        let outcome = finish(command.spawn().unwrap());
        assert_eq!(outcome.code(), Some(1), "{outcome:?}");
        assert!(outcome.stderr().contains("cannot write to standard output"), "{outcome:?}");
    }
}

#[test]
fn no_process_remains() {
    let (_directory, name) = unique();
    finish(spawn(horsepower().arg0(&name).arg("tour").stdin(Stdio::null()))).expect_success();
    assert_eq!(processes_with(&name), [""; 0]);
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    default_interrupts();
    let (_directory, name) = unique();
    loop {
        let mut child =
            spawn(horsepower().arg0(&name).args(["tour", "pools"]).stdin(Stdio::null()));
        // Wait for the first worker process.
        while processes_with(&name).len() < 2 && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        if child.try_wait().unwrap().is_none() {
            let pid = Pid::from_raw(child.id().cast_signed()).unwrap();
            kill_process(pid, Signal::INT).unwrap();
        }
        let outcome = finish(child);
        await_no_process_with(&name);
        if outcome.0.status.signal() == Some(Signal::INT.as_raw()) {
            return;
        }
        // The tour ended before the test saw a worker. Try again.
        outcome.expect_success();
    }
}

/// The output of a section on a pseudo-terminal.
fn on_a_terminal(no_color: bool) -> String {
    let (mut shown, written) = terminal();
    let mut command = horsepower();
    command.args(["tour", "info"]).env("TERM", "xterm").env_remove("CLICOLOR");
    command.env_remove("NO_COLOR").stdin(Stdio::null());
    if no_color {
        command.env("NO_COLOR", "1");
    }
    let mut child = command.stdout(written.try_clone().unwrap()).stderr(written).spawn().unwrap();
    drop(command);
    let mut text = Vec::new();
    watched(child.id(), || {
        // Reading fails when no process has the other side open.
        let _ = shown.read_to_end(&mut text);
        assert!(child.wait().unwrap().success());
    });
    String::from_utf8(text).unwrap()
}

#[test]
fn colours_are_for_terminals_unless_no_color_is_set() {
    let coloured = on_a_terminal(false);
    assert!(coloured.starts_with("\x1b["), "{coloured:?}");
    let plain = on_a_terminal(true);
    assert!(plain.starts_with("info: ") && !plain.contains('\x1b'), "{plain:?}");
}
