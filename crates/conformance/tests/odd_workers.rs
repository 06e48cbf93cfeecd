//! Workers that do odd things without meaning harm: they close descriptors, change their user, fork, are
//! stopped, start other programs. The pool goes on, and nothing is left.

#![allow(clippy::print_stdout)] // a role speaks by it

use horsepower::prelude::*;
use horsepower::{Process, StartMethod};
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{guarded, is_alive, is_child, until};
use horsepower_conformance::pools::{end, hang, pid_of, pool};
use horsepower_conformance::rows::{lines, write_line};
use horsepower_conformance::subprocess::{another, role, signal};
use rustix::process::Signal;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Task: closes every descriptor above standard error, as daemons and sandboxes do.
fn close_all(n: u64) -> (u64, u32) {
    for number in 3..2000 {
        // SAFETY: that a program closes what it does not own is what the test is about. Only the
        // library's own code has opened any of these, and it has to live with that.
        unsafe { libc::close(number) };
    }
    pid_of(n)
}

/// A task that closes descriptors: its own result arrives, whoever waits and however, the worker is
/// replaced, and large arguments and results work before and after.
#[test]
fn a_task_closes_descriptors_that_it_does_not_know() {
    horsepower::init();
    guarded("closes", || {
        let sum = |numbers: Vec<u8>| numbers.iter().map(|&n| u64::from(n)).sum::<u64>();
        let large = || vec![1_u8; 1 << 20];
        for warm in [false, true] {
            let pool = pool(2);
            if warm {
                assert_eq!(pool.submit(sum, large()).result().unwrap(), 1 << 20);
            }
            let (n, pid) = pool.submit(close_all, 3).result().unwrap();
            assert_eq!(n, 3);
            let (tell, told) = std::sync::mpsc::channel();
            pool.submit(close_all, 4).add_done_callback(move |outcome| {
                tell.send(outcome.as_ref().map(|ended| ended.0).ok()).unwrap();
            });
            assert_eq!(told.recv().unwrap(), Some(4));
            let many: Vec<_> = (0..20).map(|_| pool.submit(sum, large())).collect();
            for future in many {
                assert_eq!(future.result().unwrap(), 1 << 20);
            }
            let back = pool.submit(|n| vec![7_u8; n], 3 << 20).result().unwrap();
            assert_eq!(back.len(), 3 << 20);
            until(|| !is_alive(pid));
            for n in 0..20 {
                assert_eq!(pool.submit(close_all, n).result().unwrap().0, n);
                assert_eq!(pool.submit(pid_of, n).result().unwrap().0, n);
            }
            end(pool);
        }
    });
}

/// What a task writes into a file that it opens after it has closed all descriptors stays its own.
#[test]
fn a_task_that_has_closed_descriptors_keeps_its_own_files() {
    horsepower::init();
    guarded("own_files", || {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine");
        let task = |path: PathBuf| {
            close_all(0);
            std::mem::forget(std::fs::File::create(&path).unwrap());
            std::process::id()
        };
        let pool = pool(1);
        let pid = pool.submit(task, path.clone()).result().unwrap();
        until(|| !is_alive(pid));
        assert_eq!(std::fs::read(path).unwrap(), b"");
        end(pool);
    });
}

/// Task: becomes nobody, if it is root.
fn become_nobody((): ()) {
    // SAFETY: the call changes the ids of this process and touches no memory.
    assert_eq!(unsafe { libc::setuid(65534) }, 0);
}

/// Starts a role, kills it, and checks that none of the processes that it names is left.
fn kill_and_look(test: &str, role: &str) {
    let mut parent = another(test, role).stdout(Stdio::piped()).spawn().unwrap();
    let output = BufReader::new(parent.stdout.take().unwrap()).lines();
    let pids = output.map_while(Result::ok).find(|line| line.starts_with("pids")).unwrap();
    let pids: Vec<u32> =
        pids.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    assert!(pids.len() > 1 && pids.iter().all(|&pid| is_alive(pid)), "{role}: {pids:?}");
    parent.kill().unwrap();
    parent.wait().unwrap();
    until(|| !pids.iter().any(|&pid| is_alive(pid)));
}

fn say(pids: &[u32]) -> ! {
    println!("\npids {pids:?}");
    hang(());
    unreachable!()
}

/// FA-18: a worker that has changed its user does not survive its parent, in a task, in the initializer, or
/// idle; nor does what it has started.
#[test]
fn fa_18_nor_one_that_has_changed_its_user() {
    const NAME: &str = "fa_18_nor_one_that_has_changed_its_user";
    horsepower::init();
    if let Some(role) = role() {
        let builder = ProcessPoolExecutor::builder().workers(2);
        let builder =
            if role == "initializer" { builder.initializer(become_nobody, ()) } else { builder };
        let pool = builder.build().unwrap();
        let mut pids = vec![];
        if role == "initializer" {
            pids.push(pool.submit(pid_of, 0).result().unwrap().1);
        } else {
            pool.submit(become_nobody, ()).result().unwrap();
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("lines");
            std::fs::write(&file, "").unwrap();
            // Whoever runs the task may be nobody already.
            let all: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o777);
            for path in [folder.path(), &file] {
                std::fs::set_permissions(path, all.clone()).unwrap();
            }
            let task = |file: PathBuf| {
                write_line((file, std::process::id().into()));
                become_nobody(());
                hang(());
            };
            drop(pool.submit(task, file.clone()));
            until(|| !lines(&file).is_empty());
        }
        let _ = pool.submit(pid_of, 0).result();
        pids.extend(pool.worker_pids());
        say(&pids);
    }
    guarded(NAME, || {
        if !rustix::process::geteuid().is_root() {
            return; // only root can become somebody else
        }
        kill_and_look(NAME, "initializer");
        kill_and_look(NAME, "task");
    });
}

/// A parent that has dropped its privileges can still end its workers.
#[test]
fn a_parent_that_has_dropped_its_privileges_kills() {
    const NAME: &str = "a_parent_that_has_dropped_its_privileges_kills";
    horsepower::init();
    if role().is_some() {
        let pool = pool(1);
        let future = pool.submit(hang, ());
        until(|| future.is_running());
        let late = pool.task(hang, ()).deadline(Duration::from_millis(100)).submit();
        let process = Process::spawn(hang, ()).unwrap();
        let pids = pool.worker_pids();
        become_nobody(());
        assert!(future.kill());
        assert!(future.result().is_err());
        until(|| !pids.iter().any(|&pid| is_alive(pid)));
        assert!(late.result().unwrap_err().is_deadline());
        process.kill().unwrap();
        assert!(process.result().is_err());
        println!("all ended");
        return;
    }
    guarded(NAME, || {
        if !rustix::process::geteuid().is_root() {
            return; // only root can become somebody else
        }
        let output = another(NAME, "drops").output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("all ended"), "{output:?}");
    });
}

/// A task that forks and returns twice is one task: the copy ends, and answers nothing.
#[test]
fn a_task_forks_and_returns_in_both() {
    horsepower::init();
    guarded("forks", || {
        let fork = |n: u64| {
            // SAFETY: the worker has one thread.
            let copy = unsafe { libc::fork() };
            assert!(copy >= 0);
            (n, if copy == 0 { 0 } else { copy })
        };
        let pool = pool(1);
        let (_, pid) = pool.submit(pid_of, 0).result().unwrap();
        for n in 0..20 {
            let (back, copy) = pool.submit(fork, n).result().unwrap();
            assert!(back == n && copy > 0);
        }
        assert_eq!(pool.map(pid_of, 0..100).map(|one| one.unwrap().1).max(), Some(pid));
        end(pool);
    });
}

/// A worker that is stopped while it has nothing to do: tasks go to another, deadlines are kept, and the
/// pool can be shut down, also by force.
#[test]
fn a_stopped_worker_keeps_nothing_waiting() {
    horsepower::init();
    guarded("stopped", || {
        for (workers, stopped) in [(1, 1), (2, 1), (2, 2), (4, 3)] {
            let pool = pool(workers);
            let mut gate = Gate::new();
            let all: Vec<_> = (0..workers).map(|_| pool.submit(pass, gate.path())).collect();
            until(|| all.iter().all(|future| future.is_running()));
            gate.open();
            all.into_iter().for_each(|future| future.result().unwrap());
            let pids = pool.worker_pids();
            pids[..stopped].iter().for_each(|&pid| signal(pid, Signal::STOP));
            let tasks: Vec<_> = (0..8)
                .map(|n| pool.task(pid_of, n).deadline(Duration::from_secs(60)).submit())
                .collect();
            for (n, task) in (0..).zip(tasks) {
                assert_eq!(task.result().unwrap().0, n);
            }
            end(pool);
        }
    });
}

/// A worker that is stopped while it runs a task is ended like any other, and one that is stopped does not
/// keep the pool from ending.
#[test]
fn a_stopped_worker_is_ended_like_any_other() {
    horsepower::init();
    guarded("stopped_running", || {
        let pool = pool(2);
        let late = pool.task(hang, ()).deadline(Duration::from_millis(300)).submit();
        let killed = pool.submit(hang, ());
        until(|| late.is_running() && killed.is_running());
        pool.worker_pids().into_iter().for_each(|pid| signal(pid, Signal::STOP));
        assert!(late.get().as_ref().unwrap_err().is_deadline());
        assert!(killed.kill());
        assert!(killed.result().is_err());
        pool.submit(pid_of, 0).result().unwrap();
        let pids = pool.worker_pids();
        pids.iter().for_each(|&pid| signal(pid, Signal::STOP));
        drop(pool.submit(pid_of, 1));
        pool.shutdown_with(ShutdownOptions::new().kill_running()).unwrap();
        assert!(!pids.into_iter().any(is_alive));
    });
}

/// A stopped fork server is replaced.
#[test]
fn a_stopped_fork_server_is_replaced() {
    const NAME: &str = "a_stopped_fork_server_is_replaced";
    horsepower::init();
    if role().is_none() {
        return guarded(NAME, || {
            let output = another(NAME, "alone").output().unwrap();
            assert!(output.status.success(), "{output:?}");
        });
    }
    let builder = ProcessPoolExecutor::builder().workers(2);
    let pool = builder.start_method(StartMethod::ForkServer).build().unwrap();
    let (_, first) = pool.submit(pid_of, 0).result().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap();
    let pids = entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let servers: Vec<u32> = pids.filter(|&pid| pid != first && is_child(pid)).collect();
    assert_eq!(servers.len(), 1);
    signal(servers[0], Signal::STOP);
    let mut gate = Gate::new();
    let waiting = pool.submit(pass, gate.path());
    until(|| waiting.is_running());
    // This one needs another worker.
    assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
    gate.open();
    waiting.result().unwrap();
    until(|| !is_alive(servers[0]));
    end(pool);
}

/// Task: starts a program that runs for long, and returns its process id.
fn start_sleep((): ()) -> u32 {
    #[allow(clippy::zombie_processes)] // that nobody waits for it is what the test is about
    Command::new("sleep").arg("1000").spawn().unwrap().id()
}

/// What a task has started ends with its worker: at the end of the pool, when the worker is replaced, and
/// with a killed parent.
#[test]
fn what_a_task_has_started_ends_with_its_worker() {
    const NAME: &str = "what_a_task_has_started_ends_with_its_worker";
    horsepower::init();
    if let Some(method) = role() {
        let builder = ProcessPoolExecutor::builder().workers(2);
        let pool = builder.start_method(method.parse().unwrap()).build().unwrap();
        let sleeps = [(), ()].map(|()| pool.submit(start_sleep, ()).result().unwrap());
        let pids = [&sleeps[..], &pool.worker_pids()].concat();
        say(&pids);
    }
    guarded(NAME, || {
        for &method in StartMethod::ALL {
            let builder = ProcessPoolExecutor::builder().workers(1).start_method(method);
            let pool = builder.build().unwrap();
            let sleep = pool.submit(start_sleep, ()).result().unwrap();
            assert!(is_alive(sleep));
            end(pool);
            until(|| !is_alive(sleep));

            let builder = ProcessPoolExecutor::builder().workers(1).start_method(method);
            let pool = builder.tasks_per_worker(1).build().unwrap();
            let sleep = pool.submit(start_sleep, ()).result().unwrap();
            until(|| !is_alive(sleep));
            end(pool);
            kill_and_look(NAME, method.name());
        }
    });
}

/// The signals that a line of `/proc/self/status` names.
fn signals(line: &str) -> Vec<u32> {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let bits = status.lines().find_map(|text| text.strip_prefix(line)).unwrap();
    let bits = u64::from_str_radix(bits.trim_start_matches(':').trim(), 16).unwrap();
    (1..=64).filter(|signal| bits >> (signal - 1) & 1 == 1).collect()
}

/// Workers start with no signal blocked, and none ignored but SIGHUP if `nohup` says so, SIGPIPE as every
/// Rust program, and those of the terminal; so a request to end reaches them.
#[test]
fn workers_start_with_clean_signals() {
    const NAME: &str = "workers_start_with_clean_signals";
    horsepower::init();
    if role().is_some() {
        for &method in StartMethod::ALL {
            let builder = ProcessPoolExecutor::builder().workers(1).start_method(method);
            let pool = builder.build().unwrap();
            let look = |()| (signals("SigBlk"), signals("SigIgn"));
            let (blocked, ignored) = pool.submit(look, ()).result().unwrap();
            assert!(blocked.is_empty());
            // The C library keeps two real-time signals to itself.
            let ignored: Vec<_> = ignored.into_iter().filter(|&signal| signal < 32).collect();
            assert_eq!(ignored, [1, 13, 21, 22]);
            let late = pool.task(hang, ()).deadline(Duration::from_millis(50));
            let late = late.grace(Duration::from_secs(3600)).submit();
            assert!(late.result().unwrap_err().is_deadline());
            end(pool);
        }
        let process = Process::spawn(hang, ()).unwrap();
        process.terminate().unwrap();
        assert!(process.result().is_err());
        println!("all clean");
        return;
    }
    guarded(NAME, || {
        let role = another(NAME, "blocked");
        let mut command = Command::new("env");
        command.args(["--block-signal=TERM,INT,USR1", "--ignore-signal=CHLD,HUP,USR2"]);
        command.arg(role.get_program()).args(role.get_args());
        for (name, value) in role.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("all clean"), "{output:?}");
    });
}

/// Task: writes a line, and says from then on that it has not begun, as a wild pointer could; ends if
/// `dies`.
fn hide((file, dies): (PathBuf, bool)) {
    write_line((file, 1));
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let lane = maps.lines().find(|line| line.contains(" /memfd:horsepower-lane")).unwrap();
    let start = u64::from_str_radix(lane.split('-').next().unwrap(), 16).unwrap();
    let mut memory = std::fs::OpenOptions::new().write(true).open("/proc/self/mem").unwrap();
    loop {
        // The state word of each slot is its first four bytes; 1 is READY in the first lap.
        for slot in 0..4 {
            memory.seek(SeekFrom::Start(start + 192 + 256 * slot)).unwrap();
            memory.write_all(&1_u32.to_le_bytes()).unwrap();
        }
        if dies {
            std::process::abort();
        }
    }
}

/// A task that hides that it has begun evades neither its deadline nor the end of its worker, and is not
/// begun again and again.
#[test]
fn a_task_cannot_hide_that_it_has_begun() {
    horsepower::init();
    guarded("hides", || {
        for dies in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("lines");
            let pool = pool(1);
            let task = pool.task(hide, (file.clone(), dies));
            let error = task.deadline(Duration::from_millis(300)).submit().result().unwrap_err();
            assert!(
                error.is_worker_death() || error.is_protocol() || error.is_deadline(),
                "{error}"
            );
            assert_eq!(lines(&file).len(), 1);
            assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
            end(pool);
        }
    });
}
