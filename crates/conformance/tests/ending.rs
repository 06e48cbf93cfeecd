//! Programs that end while their executors have work: what they print, and their exit codes. Each is this
//! test program again, in a role.

#![allow(clippy::print_stdout)] // roles in other processes speak by it

use horsepower::ShutdownOptions;
use horsepower::prelude::*;
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{ThreadEntry, guarded, is_alive, until, worker_pids};
use horsepower_conformance::place::Place;
use horsepower_conformance::subprocess::{another, role};
use std::path::PathBuf;
use std::process::Output;

const CONCURRENT: [Place; 2] = [Place::Threads, Place::Processes];

/// Prints a line in one write, so that lines of several workers do not mix.
fn say(text: &str) {
    use std::io::Write as _;
    std::io::stdout().write_all(format!("{text}\n").as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
}

/// Task: waits at the gate, then prints its number.
fn speak((gate, n): (PathBuf, u64)) {
    pass(gate);
    say(&format!("task {n}"));
}

/// Opens the gate once the calling thread sleeps, which it does at the end of the program, waiting for
/// its tasks.
fn open_later(mut gate: Gate) -> std::thread::JoinHandle<()> {
    let caller = ThreadEntry::current();
    std::thread::spawn(move || {
        caller.wait_until_asleep();
        gate.open();
        // The folder of the gate stays until the program has ended.
        std::mem::forget(gate);
    })
}

/// The executor that the role names, if this process has a role.
fn executor_of_the_role(workers: usize) -> Option<AnyExecutor> {
    let place = Place::named(role()?.split(' ').next()?).unwrap();
    Some(place.executor(workers).unwrap())
}

/// Runs the program in this role. Returns its exit code, the numbers of the tasks that have printed, and
/// its output.
fn run(test: &str, role: &str) -> (Option<i32>, Vec<u64>, Output) {
    // A program that ends by `exit` leaves the folder of its gate; it is in here.
    let folder = tempfile::tempdir().unwrap();
    let output = another(test, role).env("TMPDIR", folder.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let mut spoken: Vec<u64> =
        text.lines().filter_map(|line| line.rsplit_once("task ")?.1.parse().ok()).collect();
    spoken.sort_unstable();
    (output.status.code(), spoken, output)
}

/// SH-05: queued tasks are cancelled and the program ends: the running task finishes, and standard error
/// is empty.
#[test]
fn sh_05_cancelled_and_left() {
    const NAME: &str = "sh_05_cancelled_and_left";
    horsepower::init();
    if let Some(executor) = executor_of_the_role(1) {
        let gate = Gate::new();
        let running = executor.submit(speak, (gate.path(), 0));
        let queued: Vec<_> = (1..50).map(|n| executor.submit(speak, (gate.path(), n))).collect();
        until(|| running.is_running());
        executor.shutdown_with(ShutdownOptions::new().no_wait().cancel_queued()).unwrap();
        until(|| queued.iter().all(TaskFuture::is_cancelled));
        open_later(gate);
        return;
    }
    guarded(NAME, || {
        for place in CONCURRENT {
            let (code, spoken, output) = run(NAME, place.name());
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!((code, spoken, &*errors), (Some(0), vec![0], ""), "{place}");
        }
    });
}

/// SH-06: a program that leaves the scope of its executor without a shutdown, even by a panic, finishes
/// every task first and keeps its own exit code.
#[test]
fn sh_06_leaving_the_scope_does_all() {
    const NAME: &str = "sh_06_leaving_the_scope_does_all";
    horsepower::init();
    if let Some(executor) = executor_of_the_role(2) {
        let panics = role().unwrap().ends_with("panic");
        let gate = Gate::new();
        for n in 0..50 {
            drop(executor.submit(speak, (gate.path(), n)));
        }
        open_later(gate);
        assert!(!panics, "leaving by a panic");
        drop(executor);
        std::process::exit(4);
    }
    guarded(NAME, || {
        for place in CONCURRENT {
            let (code, spoken, output) = run(NAME, place.name());
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!((code, &*errors), (Some(4), ""), "{place}");
            assert!(spoken.into_iter().eq(0..50), "{place}");

            let (code, spoken, output) = run(NAME, &format!("{place} panic"));
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!(code, Some(101), "{place}: {errors}");
            assert!(spoken.into_iter().eq(0..50), "{place}");
        }
    });
}

/// SH-06: `process::exit` runs no `Drop` and so does not wait; the exit code is kept, no worker is left,
/// and standard error is empty.
#[test]
fn sh_06_exit_does_not_wait() {
    const NAME: &str = "sh_06_exit_does_not_wait";
    horsepower::init();
    if let Some(executor) = executor_of_the_role(2) {
        let gate = Gate::new();
        let futures: Vec<_> = (0..50).map(|n| executor.submit(speak, (gate.path(), n))).collect();
        until(|| futures.iter().filter(|future| future.is_running()).count() == 2);
        say(&format!("\npids {:?}", worker_pids(&executor)));
        std::process::exit(4);
    }
    guarded(NAME, || {
        for place in CONCURRENT {
            let (code, spoken, output) = run(NAME, place.name());
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!((code, spoken, &*errors), (Some(4), vec![], ""), "{place}");
            let text = String::from_utf8_lossy(&output.stdout);
            let line = text.lines().find(|line| line.starts_with("pids")).unwrap_or_default();
            let pids: Vec<u32> = line
                .split(|c: char| !c.is_ascii_digit())
                .filter_map(|number| number.parse().ok())
                .collect();
            assert_eq!(pids.len(), if place.has_worker_processes() { 2 } else { 0 });
            until(|| !pids.iter().any(|&pid| is_alive(pid)));
        }
    });
}

/// SH-08: a program that ends after a shutdown without waiting, while a task runs, ends cleanly, and the
/// output of the task is there.
#[test]
fn sh_08_shut_down_and_left() {
    const NAME: &str = "sh_08_shut_down_and_left";
    horsepower::init();
    if let Some(executor) = executor_of_the_role(2) {
        let gate = Gate::new();
        let running = executor.submit(speak, (gate.path(), 0));
        let queued: Vec<_> = (1..5).map(|n| executor.submit(speak, (gate.path(), n))).collect();
        until(|| running.is_running());
        executor.shutdown_with(ShutdownOptions::new().no_wait()).unwrap();
        open_later(gate);
        // The futures are dropped before the executor.
        drop((running, queued));
        return;
    }
    guarded(NAME, || {
        for place in CONCURRENT {
            let (code, spoken, output) = run(NAME, place.name());
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!((code, &*errors), (Some(0), ""), "{place}");
            assert!(spoken.into_iter().eq(0..5), "{place}");
        }
    });
}

/// SH-07: a task on a thread cannot submit to its own pool during the shutdown: that is an error at once.
#[test]
fn sh_07_a_task_submits_while_its_pool_ends() {
    guarded("sh_07_a_task_submits", || {
        let pool = std::sync::Arc::new(ThreadPoolExecutor::with_workers(1).unwrap());
        let mut gate = Gate::new();
        let (inside, path) = (std::sync::Arc::downgrade(&pool), gate.path());
        let task = pool.spawn(move || {
            pass(path);
            let pool = inside.upgrade().unwrap();
            pool.submit(|n: u64| n, 1).result().unwrap_err().is_shutdown()
        });
        until(|| task.is_running());
        pool.shutdown_with(ShutdownOptions::new().no_wait()).unwrap();
        gate.open();
        assert!(task.result().unwrap());
    });
}

/// SH-14: a program starts other processes while threads submit tasks. A Rust program does not fork and
/// go on in the child, as CPython's tests do; it executes another program at once, so no lock can be
/// inherited. Descriptors can be; the child inherits none of the pools'.
#[test]
fn sh_14_other_processes_are_started_meanwhile() {
    const NAME: &str = "sh_14_other_processes_are_started_meanwhile";
    horsepower::init();
    if role().is_some() {
        let targets: Vec<String> = std::fs::read_dir("/proc/self/fd")
            .unwrap()
            .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
            .map(|target| target.display().to_string())
            // Without the folder that is being read.
            .filter(|target| !target.ends_with("/fd"))
            .collect();
        say("");
        targets.iter().for_each(|target| say(&format!("descriptor {target}")));
        return;
    }
    let descriptors = || {
        let output = another(NAME, "child").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        let targets = text.lines().filter_map(|line| line.strip_prefix("descriptor "));
        // Without the number of a pipe or socket, which differs each time.
        let kind = |target: &str| target.split(":[").next().unwrap_or_default().to_owned();
        let mut kinds: Vec<String> = targets.map(kind).collect();
        assert!(!kinds.iter().any(|kind| kind.starts_with("/memfd:horsepower-")), "{text}");
        kinds.sort();
        kinds
    };
    guarded(NAME, || {
        // The parent of the tests may have left some open.
        let before = descriptors();
        assert!(before.len() >= 3, "{before:?}");
        let ended = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for place in CONCURRENT {
                let ended = &ended;
                scope.spawn(move || {
                    while !ended.load(std::sync::atomic::Ordering::SeqCst) {
                        // New workers all the time, and large values, which use descriptors too.
                        let executor = place.executor(2).unwrap();
                        let lens = executor.map(|bytes: Vec<u8>| bytes, vec![vec![7; 300_000]; 4]);
                        assert!(lens.map(Result::unwrap).all(|bytes| bytes.len() == 300_000));
                        for n in 0..100 {
                            drop(executor.submit(|n: u64| n + 1, n));
                        }
                    }
                });
            }
            for _ in 0..50 {
                assert_eq!(descriptors(), before);
            }
            ended.store(true, std::sync::atomic::Ordering::SeqCst);
        });
    });
}
