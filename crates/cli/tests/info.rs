//! `horsepower info`, tested through the built program.

#![cfg(target_os = "linux")]

mod program;

use program::{finish, horsepower, run, spawn, wait};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

fn info_in(directory: &Path) -> Value {
    wait(horsepower().args(["info", "--json"]).current_dir(directory)).expect_success().json()
}

#[test]
fn json_has_every_key_and_plausible_values() {
    let info = run(["info", "--json"]).expect_success().json();
    let keys = |value: &Value| {
        value.as_object().unwrap().keys().map(String::clone).collect::<Vec<_>>().join(" ")
    };
    // `Value` sorts the keys.
    assert_eq!(
        keys(&info),
        "cpus cwd executable gid memory parent_pid pid resident_bytes threads uid"
    );
    assert_eq!(keys(&info["cpus"]), "affinity cgroup_quota online usable");
    assert_eq!(keys(&info["memory"]), "available_bytes cgroup_limit_bytes total_bytes");

    let executable = fs::canonicalize(env!("CARGO_BIN_EXE_horsepower")).unwrap();
    assert_eq!(info["executable"], executable.to_str().unwrap());
    let at_least = |value: &Value, least: u64| value.as_u64().unwrap() >= least;
    assert!(at_least(&info["threads"], 1), "{info}");
    assert!(at_least(&info["resident_bytes"], 4096), "{info}");
    assert!(at_least(&info["memory"]["total_bytes"], 1 << 20), "{info}");
    assert!(at_least(&info["cpus"]["usable"], 1), "{info}");
}

#[test]
fn pi_01_pi_02_pi_03_the_ids_are_what_the_parent_knows() {
    let child = spawn(horsepower().args(["info", "--json"]).stdin(Stdio::null()));
    let pid = child.id();
    let info = finish(child).expect_success().json();
    assert_eq!(info["pid"], pid);
    assert_eq!(info["parent_pid"], std::process::id());
    assert_eq!(info["uid"], rustix::process::getuid().as_raw());
    assert_eq!(info["gid"], rustix::process::getgid().as_raw());
}

#[test]
fn the_list_has_every_row() {
    let outcome = run(["info"]).expect_success();
    for name in [
        "process",
        "pid",
        "parent pid",
        "uid",
        "gid",
        "working directory",
        "executable",
        "threads",
        "resident memory",
        "CPUs",
        "online",
        "allowed by affinity",
        "cgroup quota",
        "default pool size",
        "memory",
        "total",
        "available",
        "cgroup limit",
    ] {
        let named = |line: &str| line.trim_start().starts_with(name);
        assert!(outcome.stdout().lines().any(named), "{name}: {}", outcome.stdout());
    }
}

#[test]
fn pi_04_the_working_directory_is_the_physical_one() {
    let root = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(root.path()).unwrap();
    let (directory, link) = (root.join("directory"), root.join("link"));
    fs::create_dir(&directory).unwrap();
    std::os::unix::fs::symlink(&directory, &link).unwrap();
    let mut command = horsepower();
    command.args(["info", "--json"]).current_dir(&link).env("PWD", &link);
    assert_eq!(wait(&mut command).expect_success().json()["cwd"], directory.to_str().unwrap());
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn pi_05_a_long_working_directory_is_whole() {
    let root = tempfile::tempdir().unwrap();
    let mut directory = fs::canonicalize(root.path()).unwrap();
    directory.extend(std::iter::repeat_n("x".repeat(250), 10));
    fs::create_dir_all(&directory).unwrap();
    assert_eq!(info_in(&directory)["cwd"], directory.to_str().unwrap());
}

#[test]
fn pi_05_a_working_directory_that_is_no_text_is_shown_as_well_as_can_be() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join(OsStr::from_bytes(b"a\xffb"));
    fs::create_dir(&directory).unwrap();
    let shown = info_in(&directory)["cwd"].as_str().unwrap().to_owned();
    assert!(shown.ends_with("/a\u{fffd}b"), "{shown}");
    let outcome = wait(horsepower().arg("info").current_dir(&directory)).expect_success();
    assert!(outcome.stdout().contains("/a\u{fffd}b"), "{outcome:?}");
}

#[test]
fn pi_06_a_removed_working_directory_is_an_error_and_the_rest_is_told() {
    let root = tempfile::tempdir().unwrap();
    let in_removed = |arguments: &str| {
        let script = format!("mkdir gone && cd gone && rmdir ../gone && exec \"$0\" {arguments}");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_horsepower")]).current_dir(root.path());
        let outcome = wait(&mut shell);
        assert_eq!(outcome.code(), Some(1), "{outcome:?}");
        assert!(
            outcome.stderr().contains("cannot determine the working directory: No such file"),
            "{outcome:?}"
        );
        outcome
    };
    let info = in_removed("info --json").json();
    assert_eq!(info["cwd"], Value::Null);
    assert!(info["pid"].is_u64() && info["cpus"]["usable"].is_u64(), "{info}");
    let list = in_removed("info");
    assert!(list.stdout().contains("default pool size"), "{list:?}");
}

#[test]
fn pi_07_affinity_is_respected() {
    // A child process inherits the affinity of the thread that starts it.
    let one_cpu = thread::spawn(|| {
        let all = sched_getaffinity(None).unwrap();
        let first = (0..CpuSet::MAX_CPU).find(|&cpu| all.is_set(cpu)).unwrap();
        let mut one = CpuSet::new();
        one.set(first);
        sched_setaffinity(None, &one).unwrap();
        let cpus = run(["info", "--json"]).expect_success().json()["cpus"].clone();
        let workers = run(["primes", "3", "-e", "threads,processes"]).expect_success();
        (cpus, workers)
    });
    let (cpus, workers) = one_cpu.join().unwrap();
    assert_eq!((&cpus["affinity"], &cpus["usable"]), (&1.into(), &1.into()));
    let online = run(["info", "--json"]).expect_success().json()["cpus"]["online"].clone();
    assert_eq!(cpus["online"], online);
    assert_eq!(workers.table()[1..], [["threads", "1"], ["processes", "1"]]);
}

#[test]
fn an_unknown_flag_is_misuse() {
    let outcome = run(["info", "--nonsense"]);
    assert_eq!((outcome.code(), outcome.stdout()), (Some(2), ""));
    assert!(outcome.stderr().ends_with("\nuse -h/--help for command line help\n"), "{outcome:?}");
    let outcome = run(["info", "--help"]).expect_success();
    assert!(outcome.stdout().contains("Usage: horsepower info"), "{outcome:?}");
}
