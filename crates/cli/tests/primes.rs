//! `horsepower primes`, tested through the built program.

#![cfg(target_os = "linux")]

mod program;

use program::{await_no_process_with, finish, horsepower, run, run_with_input, spawn, watched};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

/// The largest prime below 2^64: trial division takes seconds.
const SLOW: &str = "18446744073709551557";

/// The numbers of the Python lecture notebook that this tool answers, with the notebook's verdicts.
const NOTEBOOK: [(&str, bool); 6] = [
    ("112272535095293", true),
    ("112582705942171", true),
    ("112272535095293", true),
    ("115280095190773", true),
    ("115797848077099", true),
    ("1099726899285419", false),
];

fn line((number, prime): &(&str, bool)) -> String {
    format!("{number} is prime: {prime}")
}

/// A file with this text. Dropping the first value removes the file.
fn file(text: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("numbers.txt");
    fs::write(&path, text).unwrap();
    (directory, path)
}

#[test]
fn the_notebooks_numbers_on_every_executor() {
    let outcome = run(["primes", "--workers", "2"]).expect_success();
    assert_eq!(outcome.verdicts(), NOTEBOOK.each_ref().map(line));
    assert_eq!(
        outcome.table(),
        [["executor", "workers"], ["inline", "1"], ["threads", "2"], ["processes", "2"]]
    );
    let heading = outcome.stdout().lines().nth(7).unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(heading, ["executor", "workers", "seconds", "speed-up", "efficiency"]);
}

#[test]
fn json_is_one_object_and_nothing_else() {
    let outcome =
        run(["primes", "--json", "-w", "3", "-e", "threads,inline", "4", "5"]).expect_success();
    let object = outcome.json();
    assert_eq!(
        object["numbers"],
        json!([{"number": "4", "prime": false}, {"number": "5", "prime": true}])
    );
    assert_eq!(object["errors"], json!([]));
    assert_eq!(keys(&object), ["numbers", "runs", "errors"]);

    let runs = object["runs"].as_array().unwrap();
    let expected = ["executor", "workers", "seconds", "speedup", "efficiency"];
    assert!(runs.iter().all(|run| keys(run) == expected), "{runs:?}");
    assert_eq!((&runs[0]["executor"], &runs[0]["workers"]), (&json!("threads"), &json!(3)));
    assert_eq!((&runs[1]["executor"], &runs[1]["workers"]), (&json!("inline"), &json!(1)));

    // The inline run is the baseline at any position.
    let figure = |run: usize, name: &str| runs[run][name].as_f64().unwrap();
    assert_eq!((figure(1, "speedup"), figure(1, "efficiency")), (1.0, 1.0));
    let speedup = figure(1, "seconds") / figure(0, "seconds");
    assert!((figure(0, "speedup") - speedup).abs() <= 1e-9 * speedup);
    assert!((figure(0, "efficiency") - speedup / 3.0).abs() <= 1e-9 * speedup);
}

/// The known keys of an object, in the documented order (`Value` does not keep the order of the text).
/// Fails on an unknown key.
fn keys(object: &Value) -> Vec<&str> {
    let order = [
        "numbers",
        "runs",
        "errors",
        "executor",
        "workers",
        "seconds",
        "speedup",
        "efficiency",
        "line",
        "text",
        "message",
    ];
    let object = object.as_object().unwrap();
    let known: Vec<_> = order.into_iter().filter(|key| object.contains_key(*key)).collect();
    assert_eq!(known.len(), object.len(), "{object:?}");
    known
}

#[test]
fn without_an_inline_run_the_first_is_the_baseline() {
    let object = run(["primes", "--json", "-e", "processes,threads", "7"]).expect_success().json();
    assert_eq!(object["runs"][0]["executor"], "processes");
    assert_eq!(object["runs"][0]["speedup"], 1.0);
}

#[test]
fn bad_lines_are_reported_and_good_lines_are_tested() {
    let text = b"# primes\n7\nabc\n\n  8 \r\n-1\n18446744073709551616\n\xff\n9 # nine\n1e3\n";
    let (_directory, path) = file(text);
    let path = path.to_str().unwrap();
    let outcome = run(["primes", "-f", path, "-e", "inline"]);
    assert_eq!(outcome.code(), Some(1));
    assert_eq!(outcome.verdicts(), ["7 is prime: true", "8 is prime: false", "9 is prime: false"]);
    let range = "not a whole number from 0 to 18446744073709551615 (2^64-1)";
    assert_eq!(
        outcome.stderr().lines().collect::<Vec<_>>(),
        [
            format!("{path}:3: skipped \"abc\": {range}"),
            format!("{path}:6: skipped \"-1\": {range}"),
            format!(
                "{path}:7: skipped \"18446744073709551616\": larger than 18446744073709551615 (2^64-1)"
            ),
            format!("{path}:8: skipped \"\u{fffd}\": {range}"),
            format!("{path}:10: skipped \"1e3\": {range}"),
        ]
    );

    let outcome = run(["primes", "--json", "-f", path, "-e", "inline"]);
    assert_eq!(outcome.code(), Some(1));
    let object = outcome.json();
    assert_eq!(object["numbers"].as_array().unwrap().len(), 3);
    let errors = object["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 5);
    assert_eq!(errors[0], json!({"line": 3, "text": "abc", "message": range}));
    assert_eq!(keys(&errors[0]), ["line", "text", "message"]);
    assert_eq!(outcome.stderr().lines().count(), 5, "standard error has the same errors");
}

#[test]
fn misuse_is_exit_code_2_and_no_output() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().to_str().unwrap();
    let missing = format!("{directory}/missing");
    for arguments in [
        &["primes", "abc"][..],
        &["primes", "18446744073709551616"],
        &["primes", "--", "-1"],
        &["primes", "1.5"],
        &["primes", "--workers", "0"],
        &["primes", "--workers", "two"],
        &["primes", "--executor", "fibers"],
        &["primes", "--executor", "inline,threads,inline"],
        &["primes", "--executor", ""],
        &["primes", "--algorithm", "guess"],
        &["primes", "--no-such-flag"],
        &["primes", "--file", directory],
        &["primes", "--file", &missing],
        &["no-such-subcommand"],
        &[],
    ] {
        let outcome = run(arguments);
        assert_eq!(outcome.code(), Some(2), "{arguments:?}: {outcome:?}");
        assert_eq!(outcome.stdout(), "", "{arguments:?}");
        assert_ne!(outcome.stderr(), "", "{arguments:?}");
    }
    let outcome = run(["primes", "--json", "--file", &missing]);
    assert_eq!((outcome.code(), outcome.stdout()), (Some(2), ""));
    assert!(outcome.stderr().contains(&missing), "{outcome:?}");
}

#[test]
fn non_utf8_arguments_are_misuse_or_paths() {
    let bytes = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    let outcome = run(["primes".as_ref(), bytes]);
    assert_eq!(outcome.code(), Some(2), "{outcome:?}");

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(bytes);
    let outcome = run(["primes".as_ref(), "-f".as_ref(), path.as_os_str()]);
    assert_eq!(outcome.code(), Some(2), "{outcome:?}");
    fs::write(&path, "3\nx\n").unwrap();
    let outcome = run(["primes".as_ref(), "-f".as_ref(), path.as_os_str()]);
    assert_eq!(outcome.code(), Some(1), "{outcome:?}");
    assert_eq!(outcome.verdicts(), ["3 is prime: true"]);
    assert!(outcome.stderr().contains(":2: skipped \"x\": "), "{outcome:?}");
}

#[test]
fn a_dash_is_standard_input() {
    let input = b"\n# both ends of the range\n0\n18446744073709551615\nzero\n".to_vec();
    let outcome = run_with_input(&["primes", "-f", "-"], input);
    assert_eq!(outcome.code(), Some(1));
    assert_eq!(outcome.verdicts(), ["0 is prime: false", "18446744073709551615 is prime: false"]);
    assert!(outcome.stderr().starts_with("<stdin>:5: skipped \"zero\": not"), "{outcome:?}");
}

#[test]
fn arguments_come_before_the_file() {
    let outcome = run_with_input(&["primes", "2", "4", "--file=-", "-e", "threads"], b"5".to_vec());
    assert_eq!(
        outcome.expect_success().verdicts(),
        ["2 is prime: true", "4 is prime: false", "5 is prime: true"]
    );
}

#[test]
fn a_file_without_numbers_is_no_error() {
    let outcome =
        run_with_input(&["primes", "-f", "-", "--json"], b"# none\n".to_vec()).expect_success();
    assert_eq!(outcome.json()["numbers"], json!([]));
    assert_eq!(outcome.json()["runs"].as_array().unwrap().len(), 3);
    let outcome = run_with_input(&["primes", "-f", "-"], Vec::new()).expect_success();
    assert_eq!(outcome.verdicts(), [""; 0]);
}

#[test]
fn both_algorithms_agree() {
    let mut numbers: Vec<u64> = (0..3000).collect();
    // Squares of primes and products of two close primes: the square root must be exact.
    for (a, b) in [(65_521, 65_521), (65_519, 65_521), (999_983, 999_983), (999_979, 999_983)] {
        numbers.extend([a * b - 2, a * b, a * b + 2]);
    }
    let text = numbers.iter().map(u64::to_string).collect::<Vec<_>>().join("\n");
    let verdicts = |algorithm| {
        let arguments = ["primes", "-f", "-", "--algorithm", algorithm];
        let outcome = run_with_input(&arguments, text.clone().into_bytes()).expect_success();
        outcome.verdicts().join("\n")
    };
    let trial = verdicts("trial");
    assert_eq!(trial.lines().count(), numbers.len());
    assert_eq!(trial, verdicts("miller-rabin"));
}

#[test]
fn miller_rabin_is_exact_up_to_2_64() {
    let numbers = [
        ("18446744030759878681", false), // (2^32-5)^2
        ("18446744073709551521", true),  // 2^64-95
        (SLOW, true),
        ("18446744073709551615", false),
        ("3825123056546413051", false), // strong pseudoprime to the first nine primes
    ];
    let arguments = ["primes", "--algorithm", "miller-rabin"];
    let outcome = run(arguments.into_iter().chain(numbers.iter().map(|(number, _)| *number)))
        .expect_success();
    assert_eq!(outcome.verdicts(), numbers.each_ref().map(line));
}

#[test]
fn a_long_input_keeps_its_order() {
    const COUNT: usize = 200_000;
    let input = (0..COUNT).map(|number| format!("{number}\n")).collect::<String>();
    let arguments = ["primes", "-f", "-", "--algorithm", "miller-rabin"];
    let outcome = run_with_input(&arguments, input.into_bytes()).expect_success();
    let verdicts = outcome.verdicts();
    assert_eq!(verdicts.len(), COUNT);
    let in_order = |(number, line): (usize, &&str)| line.starts_with(&format!("{number} is prime"));
    assert!(verdicts.iter().enumerate().all(in_order));
    let primes = verdicts.iter().filter(|line| line.ends_with("true")).count();
    assert_eq!(primes, 17_984);
}

#[test]
fn verdicts_are_printed_during_the_run() {
    for executor in ["inline", "threads", "processes"] {
        let (_directory, path) = file(format!("7\n{}", format!("{SLOW}\n").repeat(1000)));
        let arguments = ["primes", "-e", executor, "-f"];
        let mut child = spawn(horsepower().args(arguments).arg(&path).stdin(Stdio::null()));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = watched(child.id(), || lines.next().unwrap().unwrap());
        assert_eq!(first, "7 is prime: true", "{executor}");
        assert_eq!(child.try_wait().unwrap(), None, "{executor}: the work takes hours");
        child.kill().unwrap();
        child.wait().unwrap();
        await_no_process_with(&path);
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    // The test reads some verdicts and closes the pipe. Writing the next ones fails, before the slow
    // numbers begin. Every number takes long enough to be a chunk of its own.
    let quick = "9999999999971\n".repeat(100);
    let (_directory, path) = file(format!("{quick}{}", format!("{SLOW}\n").repeat(100)));
    for executor in ["inline", "threads", "processes"] {
        for json in [&["--json"][..], &[]] {
            let arguments = ["primes", "-e", executor];
            let mut command = horsepower();
            command.args(arguments).args(json).arg("-f").arg(&path).stdin(Stdio::null());
            let mut child = spawn(&mut command);
            let mut output = BufReader::new(child.stdout.take().unwrap());
            watched(child.id(), || output.fill_buf().unwrap().len());
            drop(output);
            finish(child).expect_success();
            await_no_process_with(&path);
        }
    }
}

#[test]
fn a_killed_worker_loses_one_number() {
    let (_directory, path) = file(format!("{SLOW}\n7\n"));
    let outcome = loop {
        let mut command = horsepower();
        command.args(["primes", "--json", "-e", "processes", "-w", "1", "-f"]).arg(&path);
        let mut child = spawn(command.stdin(Stdio::null()));
        let killed = watched(child.id(), || kill_busy_worker(&mut child, &path));
        let outcome = finish(child);
        if killed {
            break outcome;
        }
        // On a machine that stalls, the run may end before the test sees its worker. Try again.
        outcome.expect_success();
    };
    assert_eq!(outcome.code(), Some(1), "{outcome:?}");
    let object = outcome.json();
    assert_eq!(object["numbers"], json!([{"number": "7", "prime": true}]));
    assert_eq!(object["runs"].as_array().unwrap().len(), 1);
    assert_eq!(object["errors"].as_array().unwrap().len(), 1);
    let error = &object["errors"][0];
    assert_eq!((&error["line"], &error["text"]), (&Value::Null, &json!(SLOW)));
    assert!(error["message"].as_str().unwrap().contains("SIGKILL"), "{error}");
    assert!(outcome.stderr().contains(SLOW) && outcome.stderr().contains("SIGKILL"), "{outcome:?}");
    assert_eq!(program::processes_with(&path), [""; 0]);
}

/// Kills the worker of `child` while it tests the slow number; false if `child` ends before.
fn kill_busy_worker(child: &mut Child, path: &Path) -> bool {
    let parent = child.id().to_string();
    while child.try_wait().unwrap().is_none() {
        let pids = program::processes_with(path);
        let worker = pids.iter().find(|&pid| *pid != parent);
        // A worker uses this much CPU time only for the slow number.
        if let Some(pid) = worker.filter(|pid| cpu_ticks(pid) >= 10) {
            let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
            return rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok();
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    false
}

/// User CPU time of a process, in clock ticks; 0 if there is no such process.
fn cpu_ticks(pid: &str) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The command name may contain spaces, the fields after it do not.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    fields.split_whitespace().nth(11).map_or(0, |ticks| ticks.parse().unwrap())
}

#[test]
fn a_full_disk_is_an_error() {
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in [&["primes", "5"][..], &["primes", "--json", "5"], &["info"]] {
        let mut command = horsepower();
        command.args(arguments).stdin(Stdio::null()).stdout(full()).stderr(Stdio::piped());
        let outcome = finish(command.spawn().unwrap());
        assert_eq!(outcome.code(), Some(1), "{outcome:?}");
        assert!(outcome.stderr().contains("cannot write to standard output"), "{outcome:?}");
    }
}

#[test]
fn no_process_remains() {
    let (_directory, path) = file("3\n5\n");
    let outcome = run(["primes".as_ref(), "-f".as_ref(), path.as_os_str()]).expect_success();
    assert_eq!(outcome.verdicts().len(), 2);
    assert_eq!(program::processes_with(&path), [""; 0]);
}

#[test]
fn help_and_version_go_to_standard_output() {
    assert!(run(["--help"]).expect_success().stdout().contains("primes"));
    assert!(
        run(["primes", "--help"])
            .expect_success()
            .stdout()
            .contains("[default: inline,threads,processes]")
    );
    assert!(run(["--version"]).expect_success().stdout().starts_with("horsepower "));
}

/// Each number of a slow pipe is answered before the next one comes, in every way of running.
#[test]
fn a_slow_pipe_is_answered_as_it_comes() {
    use std::io::{BufRead as _, BufReader, Write as _};
    for executor in ["inline", "threads", "processes", "inline,threads,processes"] {
        let mut command = horsepower();
        command.args(["primes", "-f", "-", "-e", executor]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        for (number, prime) in [(97, true), (98, false), (2, true)] {
            writeln!(input, "{number}").unwrap();
            // The pipe is open: without an answer this would wait for ever.
            let line = output.next().unwrap().unwrap();
            assert_eq!(line, format!("{number} is prime: {prime}"), "{executor}");
        }
        drop(input);
        let rest: Vec<String> = output.map(Result::unwrap).collect();
        assert!(rest.iter().any(|line| line.trim_start().starts_with("executor")), "{rest:?}");
        assert!(child.wait().unwrap().success());
    }
}

/// A pipe without end, and a reader who has seen enough.
#[test]
fn an_endless_pipe_ends_with_its_reader() {
    use std::io::{BufRead as _, BufReader};
    let mut numbers = std::process::Command::new("yes");
    let mut numbers = numbers.arg("7").stdout(Stdio::piped()).spawn().unwrap();
    let mut command = horsepower();
    command.args(["primes", "-f", "-"]).stdin(numbers.stdout.take().unwrap());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "7 is prime: true\n");
    drop(output);
    assert!(child.wait().unwrap().success());
    // The command holds the pipe, too.
    numbers.kill().unwrap();
    numbers.wait().unwrap();
}
