//! What the loss of one worker, or of several, costs.

use horsepower::prelude::*;
use horsepower::{ShutdownOptions, StartMethod};
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{guarded, is_child, until};
use horsepower_conformance::pools::{end, pid_of, pool};
use horsepower_conformance::rows::{lines, write_line};
use horsepower_conformance::subprocess::{another, die, role, signal};
use horsepower_conformance::subscriber::on_event;
use rustix::process::Signal;
use std::path::PathBuf;
use std::time::Duration;

/// PO-16, FA-01, SH-10: an initializer that ends its process breaks the pool after a bounded number of
/// starts; the error says how the last one ended. Ending the pool by force does nothing.
#[test]
fn po_16_an_initializer_that_ends_the_worker() {
    horsepower::init();
    guarded("po_16", || {
        let end_it = |(file, how): (PathBuf, String)| {
            write_line((file, 1));
            die(how);
        };
        let folder = tempfile::tempdir().unwrap();
        for (how, why) in [("5", "exited with code 5"), ("abort", "was killed by SIGABRT")] {
            for &method in StartMethod::ALL {
                let file = folder.path().join(format!("{how} {method}"));
                let builder = ProcessPoolExecutor::builder().workers(3).start_method(method);
                let argument = (file.clone(), how.to_owned());
                let pool = builder.initializer(end_it, argument).build().unwrap();
                let futures: Vec<_> = (0..10).map(|n| pool.submit(pid_of, n)).collect();
                for future in futures {
                    let error = future.result().unwrap_err();
                    assert!(error.is_broken() && error.to_string().contains(why), "{error}");
                }
                assert!(pool.submit(pid_of, 1).result().unwrap_err().is_broken());
                assert!((1..=8).contains(&lines(&file).len()), "{:?}", lines(&file));
                for _ in 0..2 {
                    let force = ShutdownOptions::new().cancel_queued().kill_running();
                    pool.shutdown_with(force).unwrap();
                }
                end(pool);
            }
        }
    });
}

/// FA-12: workers kill each other, in pools of several sizes; every task ends.
#[test]
fn fa_12_workers_kill_their_neighbours() {
    horsepower::init();
    guarded("fa_12", || {
        let kill_all = |pids: Vec<u32>| {
            for pid in pids {
                let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
                // It may be dead already.
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
        };
        for workers in [1, 2, 5, 13] {
            let pool = pool(workers);
            let mut gate = Gate::new();
            let all: Vec<_> = (0..workers).map(|_| pool.submit(pass, gate.path())).collect();
            until(|| all.iter().all(TaskFuture::is_running));
            let pids = pool.worker_pids();
            gate.open();
            all.into_iter().for_each(|future| future.result().unwrap());
            let killers: Vec<_> =
                (0..workers).map(|_| pool.submit(kill_all, pids.clone())).collect();
            let others: Vec<_> = (0..100).map(|n| pool.submit(pid_of, n)).collect();
            let mut errors: Vec<_> =
                killers.into_iter().filter_map(|killer| killer.result().err()).collect();
            for (n, other) in (0..).zip(others) {
                match other.result() {
                    Ok((number, _)) => assert_eq!(number, n),
                    Err(error) => errors.push(error),
                }
            }
            // Each worker dies once, the first killer in its own task.
            assert!((1..=workers).contains(&errors.len()), "{workers}: {errors:?}");
            for error in errors {
                assert_eq!(error.signal(), Some(9), "{error}");
                assert!(pids.contains(&error.worker_pid().unwrap()), "{error}");
            }
            assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
            end(pool);
        }
    });
}

/// FA-13: a worker that is killed at any moment while large values travel holds nothing that others need:
/// at most one task fails.
#[test]
fn fa_13_killed_while_values_travel() {
    horsepower::init();
    guarded("fa_13", || {
        let pool = pool(2);
        let back = |bytes: Vec<u8>| bytes;
        let mut hits = 0;
        for round in 0..30u64 {
            let futures: Vec<_> = (0..6).map(|n| pool.submit(back, vec![n; 10_000_000])).collect();
            until(|| futures.iter().any(|future| future.is_running() || future.is_done()));
            // At another moment in each round.
            std::thread::sleep(Duration::from_micros(137 * round));
            let Some(&victim) = pool.worker_pids().first() else { continue };
            signal(victim, Signal::KILL);
            let mut errors = vec![];
            for (n, future) in (0..).zip(futures) {
                match future.result() {
                    Ok(bytes) => assert!(bytes == vec![n; 10_000_000]),
                    Err(error) => errors.push((error.signal(), error.worker_pid())),
                }
            }
            assert!(errors.is_empty() || errors == [(Some(9), Some(victim))], "{errors:?}");
            hits += errors.len();
        }
        assert!(hits > 0, "no death has hit a task");
        assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
        end(pool);
    });
}

/// FA-19: a result counts although something that the task left behind crashes the worker later. A crash
/// while the argument is dropped comes before the result, so it is the error of the task.
#[test]
fn fa_19_a_crash_after_the_result() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Bomb(u32);
    impl Drop for Bomb {
        fn drop(&mut self) {
            // Only in the worker.
            match self.0 {
                parent if parent == std::process::id() => {}
                0 => std::process::abort(),
                _ => panic!("released"),
            }
        }
    }
    horsepower::init();
    guarded("fa_19", || {
        let pool = pool(1);
        let mut gate = Gate::new();
        let mine = |gate: PathBuf| {
            std::thread::spawn(|| {
                pass(gate);
                std::process::abort();
            });
            std::process::id()
        };
        let pid = pool.submit(mine, gate.path()).result().unwrap();
        assert_eq!(pool.submit(pid_of, 1).result().unwrap(), (1, pid));
        let result = pool.submit(|n: u64| vec![n; 1000], 4);
        until(|| result.is_done());
        gate.open();
        until(|| !is_child(pid));
        assert!(result.result().unwrap() == [4; 1000], "it had arrived");
        assert_ne!(pool.submit(pid_of, 1).result().unwrap().1, pid);

        let parent = std::process::id();
        let released = pool.submit(|_: Bomb| 5, Bomb(parent)).result();
        assert_eq!(released.unwrap_err().panic_message(), Some("released"));
        end(pool);
    });
}

/// FA-14: a tracing subscriber is user code and may panic; that harms nothing else.
#[test]
fn fa_14_a_subscriber_that_panics() {
    const NAME: &str = "fa_14_a_subscriber_that_panics";
    horsepower::init();
    if role().is_none() {
        return guarded(NAME, || {
            let output = another(NAME, "parent").output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        });
    }
    on_event(|_| panic!("no disk for the log"));
    guarded(NAME, || {
        let pool = pool(2);
        let folder = tempfile::tempdir().unwrap();
        for round in 0..5 {
            let dead = pool.submit(die, "kill".to_owned());
            let file = folder.path().join(round.to_string());
            let once_more = |file: PathBuf| {
                write_line((file.clone(), 1));
                assert!(lines(&file).len() > 1);
            };
            let retried = pool.task(once_more, file).retries(1).submit();
            let killed = pool.submit(|(): ()| std::thread::sleep(Duration::from_secs(3600)), ());
            assert!(dead.result().unwrap_err().is_worker_death());
            retried.result().unwrap();
            until(|| killed.is_running());
            assert!(killed.kill() && killed.result().unwrap_err().is_cancelled());
            assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
        }
        end(pool);
    });
}
