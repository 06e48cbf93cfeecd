//! The behaviours PR: one function in one process.

#![allow(clippy::print_stdout, clippy::print_stderr)] // what processes print is looked at

use horsepower::Error;
use horsepower::prelude::*;
use horsepower::process::{self, Stdio};
use horsepower::{Process, StopToken, Thread};
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{guarded, is_alive, is_child, until};
use horsepower_conformance::pools::{hang, hang_on};
use horsepower_conformance::subprocess::{another, die, role, signal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;
use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::time::Duration;

fn nothing((): ()) {}

/// Checks that nothing is left of a process.
fn gone(pid: u32) {
    assert!(!is_child(pid), "process {pid} is left");
}

#[test]
fn pr_01_a_life_from_beginning_to_end() {
    horsepower::init();
    guarded("pr_01", || {
        let mut gate = Gate::new();
        let process = Process::new(pass, gate.path());
        assert_eq!((process.pid(), process.exit_code(), process.is_alive()), (None, None, false));
        assert!(format!("{process:?}").ends_with("(pass), not started)"), "{process:?}");
        process.start().unwrap();
        let pid = process.pid().unwrap();
        assert!(process.is_alive() && process.exit_code().is_none() && is_child(pid));
        assert!(process::active().iter().any(|active| active.pid == pid));
        assert!(format!("{process:?}").contains("running, pid"), "{process:?}");
        gate.open();
        process.join().unwrap();
        assert_eq!((process.exit_code(), process.is_alive()), (Some(0), false));
        assert!(process.exit_status().unwrap().success());
        assert!(!process::active().iter().any(|active| active.pid == pid));
        assert_eq!(process.pid(), Some(pid), "it can still be read");
        assert!(format!("{process:?}").ends_with("finished, exit code 0)"), "{process:?}");
        process.join().expect("a second time, at once");
        gone(pid);
    });
}

#[test]
fn pr_02_arguments_arrive_by_value_and_the_name_is_seen() {
    horsepower::init();
    guarded("pr_02", || {
        let mine = vec![1, 2, 3];
        let change = |mut list: Vec<i32>| {
            list.push(4);
            (process::name().to_owned(), std::process::id(), list)
        };
        let process = Process::builder().name("changer").spawn(change, mine.clone()).unwrap();
        assert_eq!(process.name(), "changer");
        let pid = process.pid().unwrap();
        assert_eq!(process.result().unwrap(), ("changer".to_owned(), pid, vec![1, 2, 3, 4]));
        assert_eq!(mine, [1, 2, 3]);

        let process = Process::spawn(|(): ()| process::name().to_owned(), ()).unwrap();
        assert_eq!(process.get().unwrap(), process.name());
        assert!(process.name().starts_with("Process-"), "{}", process.name());

        // Larger than a lane's blocks, there and back.
        let large: Vec<f64> = (0..1_000_000).map(f64::from).collect();
        let process = Process::spawn(|list: Vec<f64>| list, large.clone()).unwrap();
        assert_eq!(process.result().unwrap(), large);

        let name = "n".repeat(256);
        let error = Process::builder().name(name).spawn(nothing, ()).unwrap_err();
        assert!(
            error.is_invalid() && error.to_string().contains("bytes; at most 255 are allowed"),
            "{error}"
        );
    });
}

#[test]
fn pr_03_exit_codes_tell_how_it_ended() {
    horsepower::init();
    guarded("pr_03", || {
        let process = Process::spawn(hang, ()).unwrap();
        process.terminate().unwrap();
        let error = process.join().unwrap_err();
        assert!(error.is_worker_death() && error.signal() == Some(15), "{error}");
        assert_eq!(process.exit_code(), Some(-15));
        let process = Process::spawn(hang, ()).unwrap();
        process.kill().unwrap();
        assert_eq!(process.join().unwrap_err().signal(), Some(9));
        assert_eq!(process.exit_code(), Some(-9));
        process.terminate().expect("it does nothing to a dead process");
        process.kill().expect("nor does this");
        assert_eq!(process.exit_code(), Some(-9));
        for (how, code) in [("abort", -6), ("overflow", -6), ("segfault", -11), ("9", 9), ("0", 0)]
        {
            let process = Process::spawn(die, how.to_owned()).unwrap();
            let error = process.join().unwrap_err();
            assert!(error.is_worker_death(), "{how}: {error}");
            assert_eq!(process.exit_code(), Some(code), "{how}");
            gone(process.pid().unwrap());
        }
    });
}

#[test]
fn pr_04_a_join_that_is_too_short() {
    horsepower::init();
    guarded("pr_04", || {
        let process = Process::spawn(hang, ()).unwrap();
        for timeout in [Duration::ZERO, Duration::from_millis(20)] {
            let error = process.join_timeout(timeout).unwrap_err();
            assert!(error.is_timeout(), "{error}");
            assert!(process.is_alive() && process.exit_code().is_none());
        }
        process.kill().unwrap();
        assert!(!process.join_timeout(Duration::MAX).unwrap_err().is_timeout());
        assert_eq!(process.exit_code(), Some(-9));
    });
}

/// The value of the function is the result, even an `Err`, and then the exit code is 0. The operating
/// system takes other exit codes modulo 256.
#[test]
fn pr_05_results_are_values() {
    horsepower::init();
    guarded("pr_05", || {
        let process = Process::spawn(|ok: bool| ok.then_some(8).ok_or("no".to_owned()), false);
        let process = process.unwrap();
        assert_eq!(process.get().unwrap(), &Err("no".to_owned()));
        assert_eq!(process.exit_code(), Some(0));
        for (code, seen) in [("8", 8), ("256", 0), ("-1", 255)] {
            let process = Process::spawn(die, code.to_owned()).unwrap();
            assert!(process.join().unwrap_err().is_worker_death());
            assert_eq!(process.exit_code(), Some(seen), "{code}");
        }
    });
}

#[test]
fn pr_06_a_panic_is_told_to_both_sides() {
    horsepower::init();
    guarded("pr_06", || {
        let panics = |n: u32| assert_eq!(n, 1, "oh dear");
        let builder = Process::builder().name("unlucky").stderr(Stdio::Piped);
        let mut process = builder.spawn(panics, 2).unwrap();
        let mut text = String::new();
        process.take_stderr().unwrap().read_to_string(&mut text).unwrap();
        assert!(text.contains("process unlucky: it panicked at crates/"), "{text}");
        assert!(text.contains("oh dear"), "{text}");
        let error = process.join().unwrap_err();
        assert!(error.is_panic() && error.panic_message().unwrap().contains("oh dear"), "{error}");
        assert!(error.panic_location().unwrap().contains("process.rs:"));
        assert_eq!(process.exit_code(), Some(101));
    });
}

#[test]
fn pr_07_misuse_is_one_kind_of_error() {
    horsepower::init();
    guarded("pr_07", || {
        let invalid = |error: Error, text: &str| {
            assert!(error.is_invalid() && error.process_name().is_some(), "{error}");
            assert!(error.to_string().contains(text), "{error}");
        };
        let process = Process::new(nothing, ());
        invalid(process.join().unwrap_err(), "it has not been started");
        invalid(process.join_timeout(Duration::ZERO).unwrap_err(), "it has not been started");
        invalid(process.terminate().unwrap_err(), "it has not been started");
        invalid(process.kill().unwrap_err(), "it has not been started");
        invalid(process.sentinel().unwrap_err(), "it has not been started");
        process.start().unwrap();
        invalid(process.start().unwrap_err(), "it has already been started");
        process.join().unwrap();
        invalid(process.start().unwrap_err(), "it has already been started");
        invalid(Process::new(nothing, ()).result().unwrap_err(), "it has not been started");
    });
}

/// There is no `close`: dropping the handle does what is needed.
#[test]
fn pr_08_dropping_leaves_no_zombie() {
    horsepower::init();
    guarded("pr_08", || {
        // Dropping waits.
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("done");
        let slow = |file: PathBuf| {
            std::thread::sleep(Duration::from_millis(30));
            std::fs::write(file, "").unwrap();
        };
        let process = Process::spawn(slow, file.clone()).unwrap();
        let pid = process.pid().unwrap();
        drop(process);
        assert!(file.exists(), "dropping has waited for it");
        gone(pid);

        // A daemon is ended.
        let process = Process::builder().daemon(true).spawn(hang, ()).unwrap();
        assert!(process.is_daemon());
        let pid = process.pid().unwrap();
        drop(process);
        gone(pid);

        // A process that nobody joined is no zombie either.
        let process = Process::spawn(nothing, ()).unwrap();
        until(|| !process.is_alive());
        gone(process.pid().unwrap());

        // While a panic unwinds.
        let pid = std::sync::Mutex::new(0);
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let process = Process::spawn(nothing, ()).unwrap();
            *pid.lock().unwrap() = process.pid().unwrap();
            std::panic::resume_unwind(Box::new("over"));
        }));
        assert!(unwound.is_err());
        gone(pid.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner));

        drop(Process::new(nothing, ()));
    });
}

#[test]
fn pr_09_a_descriptor_to_wait_on() {
    horsepower::init();
    guarded("pr_09", || {
        let ready = |processes: &[&Process<()>], timeout: Option<Duration>| -> Vec<bool> {
            let sentinels = processes.iter().map(|process| process.sentinel().unwrap());
            let mut wanted: Vec<_> =
                sentinels.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
            let timeout = timeout.map(|timeout| Timespec::try_from(timeout).unwrap());
            poll(&mut wanted, timeout.as_ref()).unwrap();
            wanted.iter().map(|fd| fd.revents().contains(PollFlags::IN)).collect()
        };
        let mut gate = Gate::new();
        let a = Process::spawn(hang, ()).unwrap();
        let b = Process::spawn(pass, gate.path()).unwrap();
        assert_eq!(ready(&[&a, &b], Some(Duration::ZERO)), [false, false]);
        assert_eq!(ready(&[&a, &b], Some(Duration::from_millis(10))), [false, false]);
        gate.open();
        assert_eq!(ready(&[&a, &b], None), [false, true]);
        a.kill().unwrap();
        assert_eq!(ready(&[&a], None), [true]);
        b.join().unwrap();
        assert!(a.join().is_err());
        assert_eq!(ready(&[&a, &b], None), [true, true], "and it stays so");
    });
}

#[test]
fn pr_10_kill_ends_what_terminate_does_not() {
    horsepower::init();
    guarded("pr_10", || {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ready");
        let process = Process::spawn(hang_on, file.clone()).unwrap();
        until(|| file.exists());
        process.terminate().unwrap();
        assert!(process.join_timeout(Duration::from_millis(50)).unwrap_err().is_timeout());
        assert!(process.is_alive());
        process.kill().unwrap();
        assert_eq!(process.join().unwrap_err().signal(), Some(9));
        assert_eq!(process.exit_code(), Some(-9));
    });
}

/// Leaving a scope joins processes and ends daemons. `exit` skips all scopes; then nothing survives.
#[test]
fn pr_11_the_end_of_the_parent() {
    const NAME: &str = "pr_11_the_end_of_the_parent";
    horsepower::init();
    let speak = |(pause, text): (u64, String)| {
        std::thread::sleep(Duration::from_millis(pause));
        println!("\n{text}");
    };
    let role = role();
    if let Some(how) = &role {
        let long = (1_000_000, "never".to_owned());
        let daemon = Process::builder().daemon(true).spawn(speak, long.clone()).unwrap();
        println!("\npid {}", daemon.pid().unwrap());
        if how == "exit" {
            let endless = Process::spawn(speak, long).unwrap();
            println!("\npid {}", endless.pid().unwrap());
            std::process::exit(4);
        }
        let _child = Process::spawn(speak, (30, "joined".to_owned())).unwrap();
        return;
    }
    for how in ["return", "exit"] {
        guarded(NAME, || {
            let output = another(NAME, how).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(!text.contains("never"));
            let pids = text.lines().filter_map(|line| line.strip_prefix("pid "));
            let pids: Vec<u32> = pids.map(|pid| pid.parse().unwrap()).collect();
            if how == "return" {
                assert!(output.status.success() && text.contains("joined"), "{text}");
                assert_eq!(pids.len(), 1);
            } else {
                assert_eq!((output.status.code(), pids.len()), (Some(4), 2));
            }
            until(|| !pids.iter().any(|&pid| is_alive(pid)));
        });
    }
}

/// Daemon or not, a process may have processes and pools of its own.
#[test]
fn pr_12_processes_in_processes() {
    horsepower::init();
    guarded("pr_12", || {
        let nested = |n: u32| -> u32 {
            let child = Process::spawn(|n: u32| n + 1, n).unwrap();
            let pool = ProcessPoolExecutor::with_workers(1).unwrap();
            child.result().unwrap() + pool.submit(|n: u32| n * 10, n).result().unwrap()
        };
        for daemon in [false, true] {
            let process = Process::builder().daemon(daemon).spawn(nested, 4).unwrap();
            assert_eq!(process.get().unwrap(), &45);
        }
        let pool = ProcessPoolExecutor::with_workers(1).unwrap();
        assert_eq!(pool.submit(nested, 5).result().unwrap(), 56);
    });
}

#[test]
fn pr_13_a_hundred_at_once() {
    horsepower::init();
    guarded("pr_13", || {
        let processes: Vec<_> =
            (0..100).map(|n| Process::spawn(|n: u32| n + 1, n).unwrap()).collect();
        for (n, process) in (0..).zip(&processes) {
            assert_eq!(process.get().unwrap(), &(n + 1));
            assert_eq!(process.exit_code(), Some(0));
        }
        let sleepers: Vec<_> = (0..100).map(|_| Process::spawn(hang, ()).unwrap()).collect();
        sleepers.iter().for_each(|process| process.terminate().unwrap());
        for process in &sleepers {
            assert!(process.join().is_err());
            assert_eq!(process.exit_code(), Some(-15));
        }
        let count = |gate: PathBuf| {
            let open = std::fs::read_dir("/proc/self/fd").unwrap().count();
            pass(gate);
            open
        };
        let mut gate = Gate::new();
        let processes: Vec<_> =
            (0..10).map(|_| Process::spawn(count, gate.path()).unwrap()).collect();
        gate.open();
        let counts: HashSet<_> = processes.iter().map(|process| *process.get().unwrap()).collect();
        assert_eq!(counts.len(), 1, "each has as many descriptors as the others: {counts:?}");
    });
}

#[test]
fn pr_14_a_process_waits_for_its_threads_and_may_have_children() {
    horsepower::init();
    guarded("pr_14", || {
        let with_thread = |file: PathBuf| {
            let _thread = Thread::spawn(move |stop: &StopToken| {
                stop.sleep(Duration::from_millis(30));
                std::fs::write(file, "").unwrap();
            })
            .unwrap();
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("written");
        Process::spawn(with_thread, file.clone()).unwrap().get().unwrap();
        assert!(file.exists());

        fn tree((id, depth): (u32, u32)) -> Vec<u32> {
            let mut ids = vec![id];
            if depth > 0 {
                for child in [2 * id, 2 * id + 1] {
                    let child = Process::spawn(tree, (child, depth - 1)).unwrap();
                    ids.extend(child.result().unwrap());
                }
            }
            ids
        }
        let process = Process::spawn(tree, (1, 2)).unwrap();
        assert_eq!(process.get().unwrap(), &[1, 2, 4, 5, 3, 6, 7]);
    });
}

/// A process knows its parent. It cannot see that the parent has ended, because it ends with it.
#[test]
fn pr_15_the_parent_as_its_child_sees_it() {
    const NAME: &str = "pr_15_the_parent_as_its_child_sees_it";
    horsepower::init();
    let parent = |(): ()| {
        let parent = process::parent().unwrap();
        (parent.name.clone(), parent.pid, parent.is_alive())
    };
    if role().is_some() {
        let process = Process::spawn(hang, ()).unwrap();
        println!("\npid {}", process.pid().unwrap());
        return; // the drop waits
    }
    guarded(NAME, || {
        assert_eq!(process::parent(), None);
        let process = Process::spawn(parent, ()).unwrap();
        let main = ("MainProcess".to_owned(), std::process::id(), true);
        assert_eq!(process.get().unwrap(), &main);
        let nested = |(): ()| {
            let parent = |(): ()| process::parent().unwrap().name;
            Process::spawn(parent, ()).unwrap().result().unwrap()
        };
        let process = Process::builder().name("between").spawn(nested, ()).unwrap();
        assert_eq!(process.get().unwrap(), "between");

        let mut parent =
            another(NAME, "parent").stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines();
        let pid = lines.find_map(|line| line.unwrap().strip_prefix("pid ")?.parse::<u32>().ok());
        assert!(is_alive(pid.unwrap()));
        signal(parent.id(), Signal::KILL);
        parent.wait().unwrap();
        until(|| !is_alive(pid.unwrap()));
    });
}

#[test]
fn pr_16_without_init_there_is_no_process() {
    const NAME: &str = "pr_16_without_init_there_is_no_process";
    // Other tests of this process may have called `init`, so a process of its own shows it.
    if role().is_some() {
        let error = Process::spawn(nothing, ()).unwrap_err();
        assert!(error.is_not_initialized(), "{error}");
        assert!(error.to_string().contains("horsepower::init();"));
        println!("\nrefused");
        return;
    }
    let output = another(NAME, "alone").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("refused"));
}

/// A process whose output is closed, or whose parent's is.
#[test]
fn pr_18_closed_streams() {
    const NAME: &str = "pr_18_closed_streams";
    horsepower::init();
    if role().is_some() {
        rustix::stdio::dup2_stdout(std::fs::File::open("/dev/null").unwrap()).unwrap();
        let code = |(): ()| 5;
        let process = Process::spawn(code, ()).unwrap();
        let result = *process.get().unwrap();
        std::process::exit(result + process.exit_code().unwrap());
    }
    guarded(NAME, || {
        for stdio in [Stdio::Null, Stdio::Piped] {
            let builder = Process::builder().stdout(stdio.clone()).stderr(stdio);
            let mut process = builder.spawn(|n: u32| n + 1, 1).unwrap();
            drop((process.take_stdout(), process.take_stderr()));
            assert_eq!(process.get().unwrap(), &2);
            assert_eq!(process.exit_code(), Some(0));
        }
        // The parent's standard output and error are closed altogether.
        let exe = std::env::current_exe().unwrap();
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "exec \"$0\" \"$@\" >&- 2>&-"]).arg(exe).args([NAME, "--exact"]);
        let status = shell.env("HORSEPOWER_TEST_ROLE", "closed").status().unwrap();
        assert_eq!(status.code(), Some(5));
    });
}
