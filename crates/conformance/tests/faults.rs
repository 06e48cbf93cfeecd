//! Faults: real processes die, hang at the start, write garbage. Each test shows that the fault costs
//! what was promised and nothing else.

#![allow(clippy::print_stdout)] // roles in other processes speak by it

use horsepower::StartMethod;
use horsepower::prelude::*;
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{assert_gone, guarded, is_alive, is_child, parent_of, until};
use horsepower_conformance::pools::{end, pid_of, pool};
use horsepower_conformance::subprocess::{another, die, role, signal};
use rustix::process::{Pid, Signal};
use std::collections::HashSet;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// FA-02, FA-03, FA-04: every kind of death costs one task, whose error says how the worker died.
#[test]
fn fa_03_a_death_costs_one_task_and_says_how() {
    horsepower::init();
    guarded("fa_03", || {
        let pool = pool(2);
        for (how, number, text) in [
            ("abort", Some(6), "was killed by SIGABRT (abort)"),
            ("overflow", Some(6), "was killed by SIGABRT (abort)"),
            ("segfault", Some(11), "was killed by SIGSEGV (invalid memory access)"),
            ("kill", Some(9), "was killed by SIGKILL (sent explicitly"),
            ("terminate", Some(15), "was killed by SIGTERM (terminate)"),
            ("0", None, "exited with code 0"),
            ("42", None, "exited with code 42"),
        ] {
            let before: Vec<_> = (0..20).map(|n| pool.submit(pid_of, n)).collect();
            let victim = pool.submit(die, how.to_owned());
            let after: Vec<_> = (20..40).map(|n| pool.submit(pid_of, n)).collect();
            let error = victim.result().unwrap_err();
            assert!(error.is_worker_death(), "{how}: {error}");
            assert_eq!(error.signal(), number, "{how}");
            assert_eq!(error.exit_code(), how.parse().ok(), "{how}");
            assert!(error.to_string().contains(text), "{how}: {error}");
            let dead = error.worker_pid().unwrap();
            for (n, future) in before.into_iter().chain(after).enumerate() {
                assert_eq!(future.result().unwrap().0, n as u64, "{how}");
            }
            let (_, pid) = pool.submit(pid_of, 0).result().unwrap();
            assert_ne!(pid, dead);
            assert_gone(&[dead]);
        }
        end(pool);
    });
}

/// A panic is the error of its task; the worker goes on.
#[test]
fn fa_04_a_panic_leaves_the_worker() {
    horsepower::init();
    guarded("fa_04", || {
        let pool = pool(1);
        let (_, pid) = pool.submit(pid_of, 1).result().unwrap();
        for _ in 0..30 {
            let error = pool.submit(|n: u64| assert_eq!(n, 0), 1).result().unwrap_err();
            assert!(error.is_panic());
        }
        assert_eq!(pool.submit(pid_of, 1).result().unwrap().1, pid);
        end(pool);
    });
}

/// An idle worker that is killed is replaced, and no caller notices.
#[test]
fn an_idle_worker_may_be_killed() {
    horsepower::init();
    guarded("idle", || {
        let pool = pool(2);
        for round in 0..20 {
            let (_, pid) = pool.submit(pid_of, round).result().unwrap();
            signal(pid, Signal::KILL);
            // With the death seen in every second round.
            if round % 2 == 0 {
                until(|| !is_child(pid));
            }
            assert_eq!(pool.submit(pid_of, 7).result().unwrap().0, 7);
        }
        end(pool);
    });
}

/// EX-05: a worker is started only when no idle one is there, and is used again.
#[test]
fn ex_05_an_idle_worker_is_used_again() {
    horsepower::init();
    guarded("ex_05", || {
        for &method in StartMethod::ALL {
            let builder = ProcessPoolExecutor::builder().workers(4).start_method(method);
            let pool = builder.build().unwrap();
            assert!(pool.worker_pids().is_empty());
            let pids: HashSet<u32> =
                (0..3).map(|n| pool.submit(pid_of, n).result().unwrap().1).collect();
            assert_eq!(pids.len(), 1, "{method}");
            assert!(pids.into_iter().eq(pool.worker_pids()), "no other was started: {method}");
            let mut gate = Gate::new();
            let waiting: Vec<_> = (0..4).map(|_| pool.submit(pass, gate.path())).collect();
            until(|| pool.worker_pids().len() == 4 && waiting.iter().all(TaskFuture::is_running));
            // PI-01, PI-02: the worker's own view is the parent's.
            for pid in pool.worker_pids() {
                assert_eq!(parent_of(pid), Some(std::process::id()));
            }
            gate.open();
            waiting.into_iter().for_each(|future| future.result().unwrap());
            end(pool);
        }
    });
}

/// A crash in a chunk of a map costs one item: earlier items keep their results, later ones are run, and
/// nothing runs twice.
#[test]
fn a_crash_in_a_chunk_costs_one_item() {
    horsepower::init();
    guarded("chunk", || {
        let folder = tempfile::tempdir().unwrap();
        let task = |(folder, n): (PathBuf, u64)| {
            // `create_new` fails, and with it the task, if the item runs a second time.
            std::fs::File::create_new(folder.join(n.to_string())).unwrap();
            if n % 10 == 7 {
                die("segfault".to_owned());
            }
            n * 2
        };
        let pool = pool(2);
        let items: Vec<_> = (0..100).map(|n| (folder.path().to_owned(), n)).collect();
        let options = MapOptions::new().chunk_size(25).on_error(OnError::Continue);
        let results: Vec<_> = pool.tasks(task, items).options(options).map().collect();
        assert_eq!(results.len(), 100);
        for (n, result) in results.into_iter().enumerate() {
            match result {
                Ok(value) => assert_eq!(value, 2 * n as u64),
                Err(error) => assert!(n % 10 == 7 && error.signal() == Some(11), "{n}: {error}"),
            }
        }
        assert_eq!(folder.path().read_dir().unwrap().count(), 100);
        end(pool);
    });
}

/// Task: leaves a thread behind that overwrites the header and the slots of its own lane again and again,
/// as a wild pointer would.
fn scribble(byte: u8) -> (u64, u32) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let lane = maps.lines().find(|line| line.contains(" /memfd:horsepower-lane")).unwrap();
    let start = u64::from_str_radix(lane.split('-').next().unwrap(), 16).unwrap();
    let mut memory = std::fs::OpenOptions::new().write(true).open("/proc/self/mem").unwrap();
    std::thread::spawn(move || {
        loop {
            memory.seek(SeekFrom::Start(start)).unwrap();
            memory.write_all(&[byte; 32 << 10]).unwrap();
        }
    });
    (0, std::process::id())
}

/// A worker that writes garbage into its lane is detected and killed; its tasks fail, the parent goes on,
/// and every future ends.
#[test]
fn garbage_in_the_lane_is_found_and_survived() {
    horsepower::init();
    guarded("garbage", || {
        for byte in [0xff, 0x5a, 0x03, 0x02, 0x01, 0x00] {
            let pool = pool(1);
            let (_, mad) = pool.submit(pid_of, 0).result().unwrap();
            let mut futures = vec![pool.submit(scribble, byte)];
            let mut failed = 0;
            // Until the damage hits something in use.
            while failed == 0 {
                futures.extend((0..20).map(|n| pool.submit(pid_of, n)));
                for mut future in futures.drain(..) {
                    // If the damage hits a word that nobody reads, the worker looks like one that hangs,
                    // and is killed as such.
                    let outcome = match future.result_timeout(Duration::from_millis(200)) {
                        Err(error) if error.is_timeout() => {
                            if is_child(mad) {
                                signal(mad, Signal::KILL);
                            }
                            future.result()
                        }
                        outcome => outcome,
                    };
                    let Err(error) = outcome else { continue };
                    failed += 1;
                    assert!(error.is_protocol() || error.is_worker_death(), "{byte:#x}: {error}");
                    assert_eq!(error.worker_pid(), Some(mad));
                    if error.is_protocol() {
                        assert!(error.to_string().contains("corrupted its shared memory ("));
                    }
                }
            }
            until(|| !is_child(mad));
            assert_eq!(pool.submit(pid_of, 5).result().unwrap().0, 5);
            end(pool);
        }
    });
}

/// Cancelling more tasks than a lane has slots does not harm later tasks.
#[test]
fn laps_of_cancelled_tasks() {
    horsepower::init();
    guarded("laps", || {
        for warm in [false, true] {
            let pool = pool(1);
            let pid = warm.then(|| pool.submit(pid_of, 0).result().unwrap().1);
            for n in 0..2000 {
                pool.submit(pid_of, n).cancel();
            }
            let (n, worker) = pool.submit(pid_of, 7).result().unwrap();
            assert_eq!((n, pid.unwrap_or(worker)), (7, worker), "still the same worker");
            end(pool);
        }
    });
}

/// A pool whose last handle is dropped in one of its callbacks ends by itself.
#[test]
fn sh_11_a_pool_dropped_in_its_callback_ends() {
    horsepower::init();
    guarded("sh_11", || {
        let pool = std::sync::Arc::new(pool(1));
        let (_, pid) = pool.submit(pid_of, 0).result().unwrap();
        let mut gate = Gate::new();
        let last = pool.submit(pass, gate.path());
        last.add_done_callback(move |_| drop(pool));
        gate.open();
        last.result().unwrap();
        until(|| !is_child(pid));
    });
}

/// A start that fails is tried again, and the task that waits for it is not lost.
#[test]
fn a_start_that_fails_is_tried_again() {
    const NAME: &str = "a_start_that_fails_is_tried_again";
    let flag = std::env::var_os("HORSEPOWER_TEST_FLAG").map(PathBuf::from);
    if flag.as_ref().is_some_and(|flag| flag.exists()) {
        // A worker that starts while the flag is there.
        std::fs::remove_file(flag.unwrap()).unwrap();
        std::process::exit(3);
    }
    horsepower::init();
    if let Some(flag) = flag {
        let timeout = Duration::MAX;
        let pool =
            ProcessPoolExecutor::builder().workers(1).start_timeout(timeout).build().unwrap();
        for n in 0..5 {
            std::fs::File::create_new(&flag).unwrap();
            // The current worker dies in its task, and its replacement at the start.
            assert!(pool.submit(die, "abort".to_owned()).result().unwrap_err().is_worker_death());
            until(|| !flag.exists());
            assert_eq!(pool.submit(pid_of, n).result().unwrap().0, n);
        }
        end(pool);
        return;
    }
    guarded(NAME, || {
        let folder = tempfile::tempdir().unwrap();
        let mut command = another(NAME, "parent");
        let output = command.env("HORSEPOWER_TEST_FLAG", folder.path().join("flag")).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    });
}

/// EX-23: a task may have a pool of its own, whose workers end with it, however it ends.
#[test]
fn ex_23_pools_in_tasks() {
    horsepower::init();
    guarded("ex_23", || {
        let pool = pool(2);
        let nested = |depth: u32| -> Vec<u32> {
            fn tree(depth: u32) -> Vec<u32> {
                let mut pids = vec![std::process::id()];
                if depth > 0 {
                    let pool = ProcessPoolExecutor::with_workers(2).unwrap();
                    let futures = [pool.submit(tree, depth - 1), pool.submit(tree, depth - 1)];
                    pids.extend(futures.into_iter().flat_map(|future| future.result().unwrap()));
                }
                pids
            }
            tree(depth)
        };
        let pids = pool.submit(nested, 2).result().unwrap();
        assert_eq!(pids.len(), 7);
        until(|| pids[1..].iter().all(|&pid| !is_alive(pid)));

        // A task that dies with a pool inside.
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pids");
        let crash = |file: PathBuf| {
            let pool = ProcessPoolExecutor::with_workers(1).unwrap();
            let (_, pid) = pool.submit(pid_of, 1).result().unwrap();
            std::fs::write(file, pid.to_string()).unwrap();
            die("kill".into())
        };
        assert!(pool.submit(crash, file.clone()).result().unwrap_err().is_worker_death());
        let pid: u32 = std::fs::read_to_string(file).unwrap().parse().unwrap();
        until(|| !is_alive(pid));
        end(pool);
    });
}

/// Processes that a dying worker has started in its process group end with it.
#[test]
fn a_task_s_own_children_end_with_a_killed_worker() {
    horsepower::init();
    guarded("group", || {
        let pool = pool(1);
        let folder = tempfile::tempdir().unwrap();
        #[allow(clippy::zombie_processes)] // it is the point: its parent dies without waiting
        let task = |file: PathBuf| {
            let child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
            std::fs::write(file, child.id().to_string()).unwrap();
            die("kill".into())
        };
        let file = folder.path().join("pid");
        assert!(pool.submit(task, file.clone()).result().unwrap_err().is_worker_death());
        let pid: u32 = std::fs::read_to_string(file).unwrap().parse().unwrap();
        until(|| !is_alive(pid));
        end(pool);
    });
}

/// A worker inherits its lane, its control socket, two pipes and the standard streams, and no other descriptor, not
/// even one that its parent has left inheritable. Its standard input is empty.
#[test]
fn a_worker_inherits_nothing_else() {
    horsepower::init();
    guarded("inherits", || {
        let pool = pool(1);
        let leaked = std::fs::File::open("/dev/zero").unwrap();
        rustix::io::fcntl_setfd(&leaked, rustix::io::FdFlags::empty()).unwrap();
        let list = |(): ()| {
            let mut input = String::new();
            std::io::stdin().read_to_string(&mut input).unwrap();
            let mut targets: Vec<String> = std::fs::read_dir("/proc/self/fd")
                .unwrap()
                .filter_map(|entry| {
                    let entry = entry.unwrap();
                    let number: u32 = entry.file_name().to_str()?.parse().ok()?;
                    let target = std::fs::read_link(entry.path()).ok()?;
                    (number > 2).then(|| target.display().to_string())
                })
                .collect();
            targets.sort();
            (input, targets)
        };
        let (input, targets) = pool.submit(list, ()).result().unwrap();
        assert_eq!(input, "");
        // The lane is mapped and its descriptor closed; the other one is the folder that is being read.
        let kinds: Vec<_> = targets.iter().map(|t| t.split(':').next().unwrap()).collect();
        assert!(kinds[0].starts_with("/proc/"), "{targets:?}");
        assert_eq!(kinds[1..], ["pipe", "pipe", "socket"], "{targets:?}");
        end(pool);
    });
}

/// PR-16: without `init` a pool is an error at once, and no process is started.
#[test]
fn pr_16_without_init_there_is_no_pool() {
    const NAME: &str = "pr_16_without_init_there_is_no_pool";
    // Other tests of this process may have called `init`, so a process of its own shows it.
    if role().is_some() {
        let error = ProcessPoolExecutor::new().unwrap_err();
        assert!(error.is_not_initialized());
        let text = error.to_string();
        assert!(text.contains("horsepower::init();") && text.contains("first line of `main`"));
        println!("\nrefused");
        return;
    }
    let output = another(NAME, "alone").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("refused"));
}

/// FA-01: in a program whose second start does not reach `init`, every worker dies before it is ready.
/// After a bounded number of tries the pool is broken and says why.
#[test]
fn a_worker_that_never_becomes_ready_breaks_the_pool() {
    const NAME: &str = "a_worker_that_never_becomes_ready_breaks_the_pool";
    if role().is_some() {
        let again = std::env::var("HORSEPOWER_TEST_FOLDER").unwrap();
        let starts = std::fs::read_dir(&again).unwrap().count();
        if starts > 0 {
            // A worker: it exits, or hangs, before it reaches `init`.
            std::fs::File::create_new(format!("{again}/{}", std::process::id())).unwrap();
            if role().unwrap() == "leave" {
                std::process::exit(7);
            }
            loop {
                std::thread::park();
            }
        }
        std::fs::File::create_new(format!("{again}/parent")).unwrap();
        horsepower::init();
        let hangs = role().unwrap() == "hang";
        let timeout = if hangs { Duration::from_millis(100) } else { Duration::MAX };
        let pool =
            ProcessPoolExecutor::builder().workers(2).start_timeout(timeout).build().unwrap();
        let futures: Vec<_> = (0..10).map(|n| pool.submit(pid_of, n)).collect();
        for future in futures {
            let error = future.result().unwrap_err();
            assert!(error.is_broken());
            println!("\nerror: {error}");
        }
        assert!(pool.submit(pid_of, 1).result().unwrap_err().is_broken());
        end(pool);
        println!("\nended");
        return;
    }
    horsepower::init();
    for (how, why) in [
        ("leave", "exited with code 7 before it was ready"),
        ("hang", "did not report ready within 100ms and was ended. Does the program come to"),
    ] {
        guarded(NAME, || {
            let folder = tempfile::tempdir().unwrap();
            let mut command = another(NAME, how);
            command.env("HORSEPOWER_TEST_FOLDER", folder.path());
            let output = command.output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && text.contains("ended"), "{text}{errors}");
            assert_eq!(text.matches(why).count(), 10, "{text}");
            assert!(text.contains("no worker could be started in 5 tries"), "{text}");
            let starts = folder.path().read_dir().unwrap().count();
            assert!(starts <= 1 + 7, "{starts} starts are not a bounded number");
        });
    }
}

/// The output of tasks arrives on the parent's standard streams, and nothing else does, also when workers
/// are started by a test harness.
#[test]
fn what_tasks_print_arrives() {
    const NAME: &str = "what_tasks_print_arrives";
    horsepower::init();
    if role().is_some() {
        // One worker, because two would mix their output: standard error is not buffered by line.
        let pool = pool(1);
        let print = |n: u64| {
            println!("line {n}");
            eprintln!("error {n}");
            print!("half a line of {n};");
        };
        pool.map(print, 0..5).for_each(|printed| printed.unwrap());
        end(pool);
        return;
    }
    guarded(NAME, || {
        let output = another(NAME, "printer").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        for n in 0..5 {
            assert!(text.contains(&format!("line {n}\n")), "{text}");
            assert!(text.contains(&format!("half a line of {n};")), "{text}");
            assert!(errors.contains(&format!("error {n}\n")), "{errors}");
        }
        assert_eq!(text.matches("running 1 test").count(), 1, "the parent's own: {text}");
    });
}

/// Ctrl-C on a terminal goes to the process group of the parent, which the workers are not in.
#[test]
fn workers_are_in_groups_of_their_own() {
    horsepower::init();
    guarded("groups", || {
        let pool = pool(1);
        let (_, pid) = pool.submit(pid_of, 1).result().unwrap();
        let raw = Pid::from_raw(pid.try_into().unwrap());
        assert_eq!(rustix::process::getpgid(raw).unwrap(), raw.unwrap());
        end(pool);
    });
}
