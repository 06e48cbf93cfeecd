//! `horsepower timeit`, tested through the built program.

#![cfg(target_os = "linux")]

mod program;

use program::{Outcome, assert_empty, compiler, finish, run_timeit as run, spawn, timeit};
use serde_json::{Value, json};

/// Parses the last line of the output: loops, timings, seconds per loop, unit.
fn last_line(outcome: &Outcome) -> (u64, u64, f64, String) {
    let line = outcome.stdout().lines().last().unwrap();
    let words: Vec<_> = line.split(' ').collect();
    let [loops, word, "best", "of", timings, time, unit, "per", "loop"] = words[..] else {
        panic!("{line:?}");
    };
    let loops = loops.parse().unwrap();
    assert_eq!(word, if loops == 1 { "loop," } else { "loops," }, "{line:?}");
    let seconds: f64 = match unit {
        "sec" => 1.0,
        "msec" => 1e-3,
        "usec" => 1e-6,
        "nsec" => 1e-9,
        _ => panic!("{line:?}"),
    };
    let timings = timings.strip_suffix(':').unwrap().parse().unwrap();
    (loops, timings, time.parse::<f64>().unwrap() * seconds, unit.to_owned())
}

/// Whether a number of loops is 1, 2 or 5 times a power of ten, as the search for it gives.
fn is_calibrated(mut loops: u64) -> bool {
    while loops > 0 && loops.is_multiple_of(10) {
        loops /= 10;
    }
    [1, 2, 5].contains(&loops)
}

fn sleep(milliseconds: u32) -> String {
    format!("std::thread::sleep(std::time::Duration::from_millis({milliseconds}))")
}

#[test]
fn ti_06_last_line() {
    let outcome = run(["(0..100).collect::<Vec<i32>>()"]);
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
    let [spread, _last] = outcome.stdout().lines().collect::<Vec<_>>()[..] else {
        panic!("{outcome:?}");
    };
    let words: Vec<_> = spread.split(' ').collect();
    let ["from", best, _, "to", worst, _, "median", median, _, "per", "loop"] = words[..] else {
        panic!("{outcome:?}");
    };
    assert!([best, worst, median].iter().all(|time| time.parse::<f64>().is_ok()), "{spread}");
    let (loops, timings, seconds, _) = last_line(&outcome);
    assert_eq!(timings, 5);
    assert!(is_calibrated(loops), "{loops}");
    assert!(seconds > 0.0);
}

#[test]
fn ti_07_the_unit_fits() {
    let outcome = run(["-n", "1", "-r", "1", &sleep(3)]).expect_success();
    let (loops, timings, seconds, unit) = last_line(&outcome);
    assert_eq!((loops, timings), (1, 1));
    assert!(seconds >= 0.003);
    assert!(["msec", "sec"].contains(&&*unit), "{outcome:?}");
}

#[test]
fn ti_08_forced_unit() {
    let outcome = run(["-n", "1", "-r", "1", "-u", "nsec", &sleep(3)]).expect_success();
    let (_, _, seconds, unit) = last_line(&outcome);
    assert_eq!(unit, "nsec");
    assert!(seconds >= 0.003);

    let outcome = run(["-u", "parsec", "()"]);
    assert_eq!((outcome.code(), outcome.stdout()), (Some(2), ""));
    let message = "Unrecognized unit. Please select nsec, usec, msec, or sec.";
    assert!(outcome.stderr().contains(message), "{outcome:?}");
}

#[test]
fn ti_09_at_least_one_timing_and_no_loops_are_a_search() {
    let outcome = run(["-n", "0", "-r", "-3", &sleep(200)]).expect_success();
    let (loops, timings, seconds, _) = last_line(&outcome);
    assert_eq!((loops, timings), (1, 1));
    assert!(seconds >= 0.2);
}

#[test]
fn ti_10_no_number_of_loops() {
    for number in ["-5", "abc"] {
        let outcome = run(["-n", number, "()"]);
        assert_eq!((outcome.code(), outcome.stdout()), (Some(2), ""), "{outcome:?}");
        assert!(outcome.stderr().contains(number), "{outcome:?}");
    }
}

#[test]
fn ti_11_verbose() {
    let outcome = run(["-vv", "-r", "2", "-u", "sec", &sleep(25)]);
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
    let (tries, rest) = outcome.stdout().split_once("\n\n").unwrap();
    let (mut loops, mut last) = (0_u32, 0.0);
    for (line, number) in tries.lines().zip([1, 2, 5, 10]) {
        assert!(last <= 0.2, "the search stops at 0.2 seconds: {outcome:?}");
        let start =
            if number == 1 { "1 loop -> ".to_owned() } else { format!("{number} loops -> ") };
        let seconds = line.strip_prefix(&*start).and_then(|line| line.strip_suffix(" secs"));
        let seconds: f64 = seconds.unwrap_or_else(|| panic!("{outcome:?}")).parse().unwrap();
        assert!(seconds >= 0.0249 * f64::from(number), "{outcome:?}");
        (loops, last) = (number, seconds);
    }
    assert!(last >= 0.2, "the search does not stop earlier: {outcome:?}");
    assert!(tries.lines().count() <= 4, "ten loops sleep for 0.25 seconds: {outcome:?}");

    let [raw, clock, empty, "", _spread, _last] = rest.lines().collect::<Vec<_>>()[..] else {
        panic!("{outcome:?}");
    };
    let raw = raw.strip_prefix("raw times: ").unwrap();
    assert_eq!(raw.split(", ").filter(|time| time.ends_with(" sec")).count(), 2);
    assert!(
        clock.starts_with("clock overhead: ") && clock.ends_with(" per raw time"),
        "{outcome:?}"
    );
    assert!(empty.starts_with("empty loop: ") && empty.ends_with(" sec per loop"), "{outcome:?}");
    assert_eq!(last_line(&outcome).0, u64::from(loops));
}

#[test]
fn ti_12_blocks_of_lines() {
    let setup =
        ["-s", "use std::collections::BTreeMap; fn one() -> i32 { 1 }", "-s", "let a = one();"];
    let code =
        ["let mut map = BTreeMap::new();", "map.insert(a, one());", "assert_eq!(map[&1], 1);"];
    let print = ["-s", "println!(\"setup\") // a comment"];
    let outcome = run(["-n35"].into_iter().chain(setup).chain(print).chain(code));
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
    assert_eq!(outcome.stdout().matches("setup\n").count(), 5);
    assert_eq!(last_line(&outcome).0, 35);
}

#[test]
fn ti_13_failures() {
    let refused = |arguments: &[&str]| {
        let outcome = run(arguments);
        assert_eq!((outcome.code(), outcome.stdout()), (Some(1), ""), "{outcome:?}");
        outcome.stderr().to_owned()
    };
    let message = refused(&["let a = 1;", "a.nothing()"]);
    assert!(message.contains("--> <statement>:2:3\n"), "{message}");
    assert!(message.contains("\n2 | a.nothing()\n"), "{message}");
    assert!(!message.contains("horsepower"), "{message}");
    let message = refused(&["-s", "", "-s", "let b = missing;", "b"]);
    assert!(message.contains("--> <setup>:2:9\n"), "{message}");
    let message = refused(&["-s", "let v = vec![1;", "v"]);
    assert!(message.contains("--> <setup>:1:"), "{message}");
    assert!(message.contains("delimiter") && !message.contains("timing"), "{message}");

    let message = refused(&["-n1", "let none: Option<i32> = None;", "none.unwrap()"]);
    assert!(message.contains("<statement>:2:6:\n"), "{message}");
    let message = refused(&["-n1", "-s", "panic!(\"in the setup\")", "()"]);
    assert!(message.contains("in the setup"), "{message}");
    let message = refused(&["-n2", "break"]);
    assert!(message.contains("`break`"), "{message}");
    let message = refused(&["-n1", "std::process::abort()"]);
    assert!(message.contains("SIGABRT"), "{message}");
    // 101 is also the exit code after a panic.
    for code in [0, 1, 101] {
        let message = refused(&["-n1", &format!("std::process::exit({code})")]);
        assert!(message.contains(&format!("(exit status: {code})")), "{message}");
    }

    let outcome = run(["--bogus"]);
    assert_eq!((outcome.code(), outcome.stdout()), (Some(2), ""), "{outcome:?}");
    assert!(outcome.stderr().starts_with("error: unexpected argument '--bogus'"), "{outcome:?}");
    assert_eq!(outcome.stderr().lines().last(), Some("use -h/--help for command line help"));
}

#[test]
fn ti_14_unreliable() {
    let setup = "use std::sync::atomic::{AtomicBool, Ordering}; static SLEPT: AtomicBool = AtomicBool::new(false);";
    // Only the first timing sleeps, so at least one of the others is four times faster.
    let code = format!("if !SLEPT.swap(true, Ordering::Relaxed) {{ {} }}", sleep(500));
    let outcome = run(["-n1", "-r9", "-s", setup, &code]);
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
    last_line(&outcome);
    let warning = outcome.stderr();
    assert!(warning.contains("worst time (") && warning.contains("best time ("), "{warning}");
    assert!(outcome.stderr().contains("likely unreliable"), "{outcome:?}");
}

#[test]
fn ti_15_cpu_time() {
    // The code prints how long its sleep took. However slow the machine is, that includes 0.2 seconds
    // in which the process used no CPU.
    let code = [
        "let start = std::time::Instant::now();",
        &format!("{};", sleep(200)),
        "println!(\"{}\", start.elapsed().as_secs_f64())",
    ];
    let outcome = run(["-p", "-n1", "-r1"].into_iter().chain(code)).expect_success();
    let wall: f64 = outcome.stdout().lines().next().unwrap().parse().unwrap();
    let (_, _, cpu, _) = last_line(&outcome);
    assert!(wall >= 0.2 && cpu < wall, "sleeping uses no CPU: {outcome:?}");
}

#[test]
fn ti_15_code_that_sleeps_needs_few_loops() {
    // Each loop uses a few microseconds of CPU time, but the user waits for the sleeps.
    let outcome = run(["-p", "-r1", &sleep(20)]);
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
    let (loops, ..) = last_line(&outcome);
    assert!(loops <= 10, "ten loops take 0.2 seconds: {outcome:?}");
}

#[test]
fn ti_16_the_statement_is_really_executed() {
    let code = "(0..black_box(1000)).fold(0_u64, |sum, i| sum ^ (i * i))";
    let outcome = run(["-n", "100000", "--json", code]);
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
    assert!(outcome.json()["per_loop_seconds"]["best"].as_f64().unwrap() > 0.0);
}

#[test]
fn ti_16_code_that_does_nothing_is_told() {
    let work = "async fn work() { std::thread::sleep(std::time::Duration::from_millis(5)) }";
    for (arguments, reason, advice) in [
        (&["1 + 1"][..], "an empty loop", "`black_box`"),
        (&["-n1", "1 + 1"], "the time of the clock", "raise --number"),
        (&["-s", work, "work()"], "futures do nothing", "`block_on(…)`"),
        (&["-s", work, "work();"], "futures do nothing", "`block_on(…)`"),
        (&["let v = vec![1];", "v.iter().map(|x| x + 1)"], "iterators are lazy", "`.for_each("),
        (&["|| 5"], "closures are lazy", "call it"),
        (&["-s", "fn f() {}", "f"], "only names something", "call it"),
    ] {
        let outcome = run(["-r3"].iter().chain(arguments));
        assert_eq!(outcome.code(), Some(0), "{outcome:?}");
        let warning = outcome.stderr();
        assert!(warning.contains(reason) && warning.contains(advice), "{arguments:?}: {warning}");
        let warnings = run(["--json", "-r3"].iter().chain(arguments)).json()["warnings"].take();
        assert!(warnings[0].as_str().unwrap().contains(reason), "{warnings}");
    }
    for arguments in [["-s", work, "block_on(work())"], ["-s", "", &sleep(5)]] {
        let outcome = run(["-n1", "-r1"].iter().chain(&arguments)).expect_success();
        assert!(last_line(&outcome).2 >= 0.005, "{outcome:?}");
    }
}

#[test]
fn a_forked_child_is_not_timed() {
    let setup = "unsafe extern \"C\" {
        fn fork() -> i32;
        fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    }";
    let code = "unsafe { let child = fork(); if child > 0 { waitpid(child, &mut 0, 0); } }";
    let outcome = run(["-n1", "-r2", "-s", setup, code]);
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
    assert_eq!(last_line(&outcome).1, 2);
    assert!(outcome.stderr().contains("the code has forked"), "{outcome:?}");
}

#[test]
fn json_is_one_object_and_nothing_else() {
    let outcome = run(["--json", "-n3", "-r2", "-v", "-s", "let a = 1;", "println!(\"{a}\")"]);
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
    let object = outcome.json();
    assert_eq!(object["statement"], "println!(\"{a}\")");
    assert_eq!((&object["setup"], &object["clock"]), (&json!("let a = 1;"), &json!("wall")));
    assert_eq!((&object["edition"], &object["loops"]), (&json!("2024"), &json!(3)));
    assert_eq!(object["totals_seconds"].as_array().unwrap().len(), 2);
    assert!(object["clock_overhead_seconds"].is_number());
    assert!(object["empty_loop_seconds"].is_number() && object["warnings"].is_array());
    assert_eq!(outcome.stderr().matches("1\n").count(), 6);
}

#[test]
fn an_older_edition() {
    // Later editions reserve this word.
    let outcome = run(["--edition", "2015", "-p", "-n1", "let async = 1; async"]);
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
}

#[test]
fn a_full_disk_is_told() {
    let (temporary, scripts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let message = |text: &str| {
        let text = format!("linking with `cc` failed: exit status: 1\\n{text}\\n");
        format!(r#"{{"message":"linking failed","level":"error","spans":[],"rendered":"{text}"}}"#)
    };
    for script in [
        format!("echo '{}' >&2; exit 1", message("ld: final link failed: No space left on device")),
        format!(
            "echo '{}' >&2; exit 1",
            message("collect2: ld terminated with signal 7 [Bus error]")
        ),
        "kill -BUS $$".to_owned(),
    ] {
        let compiler = compiler(scripts.path(), &script);
        let outcome = finish(spawn(timeit(temporary.path()).arg("1").env("RUSTC", &compiler)));
        assert_eq!((outcome.code(), outcome.stdout()), (Some(1), ""), "{outcome:?}");
        let [line] = outcome.stderr().lines().collect::<Vec<_>>()[..] else {
            panic!("{outcome:?}")
        };
        assert!(line.contains("no space is left") && line.contains("TMPDIR"), "{line}");
        assert!(line.contains(temporary.path().to_str().unwrap()), "{line}");
        assert_empty(temporary.path());
    }
}

#[test]
fn without_code_it_prints_the_table() {
    let outcome = run(["-n", "10", "-r", "2"]);
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
    let lines: Vec<_> = outcome.stdout().lines().collect();
    let names = lines[1..9].iter().map(|line| line.split(' ').next().unwrap());
    let expected = [
        "set",
        "list",
        "tuple",
        "string",
        "set_add",
        "list_append",
        "set_comprehension",
        "list_comprehension",
    ];
    assert!(names.eq(expected), "{outcome:?}");
    assert!(outcome.stdout().contains("measured on another\nmachine"));

    let object = run(["--json", "-p", "-n", "10", "-r", "2"]).json();
    let figures = object["constructs"].as_array().unwrap();
    let python = |row: &Value| row["notebook_python_usec_per_loop"].as_f64().unwrap();
    assert_eq!(
        figures.iter().map(|row| row["name"].as_str().unwrap()).collect::<Vec<_>>(),
        expected
    );
    assert_eq!(python(&figures[0]), 1.973096914589405);
    assert_eq!(python(&figures[7]), 5.71142060495913);
    assert!(figures.iter().all(|row| row["loops"] == 10));
}

#[test]
fn the_hidden_option_removes_nothing_of_the_user() {
    let users = tempfile::tempdir().unwrap();
    std::fs::write(users.path().join("file"), "").unwrap();
    let option = format!("--supervised-in={}", users.path().display());
    let outcome = run([&*option, "1"]);
    assert_eq!((outcome.code(), outcome.stdout()), (Some(1), ""), "{outcome:?}");
    assert!(outcome.stderr().contains("not empty"), "{outcome:?}");
    assert!(users.path().join("file").exists());
}

#[test]
fn a_missing_compiler_is_an_error_with_advice() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = timeit(temporary.path());
    let outcome = finish(spawn(command.arg("()").env("RUSTC", "/no/such/rustc")));
    assert_eq!((outcome.code(), outcome.stdout()), (Some(1), ""));
    assert!(outcome.stderr().contains("`/no/such/rustc`"), "{outcome:?}");
    assert!(outcome.stderr().contains("https://rustup.rs"), "{outcome:?}");
    let outcome =
        finish(spawn(timeit(temporary.path()).arg("()").env_remove("RUSTC").env("PATH", "")));
    assert_eq!((outcome.code(), outcome.stdout()), (Some(1), ""));
    assert!(outcome.stderr().contains("`rustc`"), "{outcome:?}");
    assert_empty(temporary.path());
}
