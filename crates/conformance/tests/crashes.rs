//! Crashes of workers while large arguments travel, during a shutdown, among cancelled tasks.

use horsepower::ShutdownOptions;
use horsepower::prelude::*;
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{guarded, is_child, until};
use horsepower_conformance::pools::{end, pid_of, pool};
use horsepower_conformance::subprocess::{die, signal};
use rustix::process::Signal;
use std::sync::atomic::{AtomicBool, Ordering};

/// FA-09: workers crash while large arguments are sent.
#[test]
fn fa_09_crashes_with_large_arguments() {
    horsepower::init();
    guarded("fa_09", || {
        let pool = pool(2);
        let crash = |bytes: Vec<u8>| {
            if bytes[0].is_multiple_of(2) {
                std::process::abort();
            }
            bytes.len()
        };
        let futures: Vec<_> = (0..10u8).map(|n| pool.submit(crash, vec![n; 2_000_000])).collect();
        for (n, future) in futures.into_iter().enumerate() {
            match future.result() {
                Ok(len) => assert!(n % 2 == 1 && len == 2_000_000),
                Err(error) => assert!(n % 2 == 0 && error.is_worker_death(), "{n}: {error}"),
            }
        }
        end(pool);
    });
}

/// FA-09: workers are killed from outside at any moment while arguments of 64 MB are written for them. No
/// more tasks fail than workers were killed, and the pool can be shut down.
#[test]
fn fa_09_killed_while_arguments_are_written() {
    horsepower::init();
    guarded("fa_09_written", || {
        let pool = pool(2);
        let over = AtomicBool::new(false);
        let len = |bytes: Vec<u8>| bytes.len();
        let (errors, kills) = std::thread::scope(|scope| {
            let killer = scope.spawn(|| kill_until(&over, &pool));
            let futures: Vec<_> = (0..10).map(|n| pool.submit(len, vec![n; 64 << 20])).collect();
            let outcomes: Vec<_> = futures.into_iter().map(TaskFuture::result).collect();
            over.store(true, Ordering::SeqCst);
            let errors = outcomes.into_iter().filter_map(|outcome| match outcome {
                Ok(len) => (len != 64 << 20).then(|| format!("{len} bytes")),
                Err(error) if error.signal() == Some(9) => Some(String::new()),
                Err(error) => Some(error.to_string()),
            });
            (errors.collect::<Vec<_>>(), killer.join().unwrap())
        });
        assert!(errors.iter().all(String::is_empty), "{errors:?}");
        assert!(errors.len() <= kills, "{} tasks for {kills} workers", errors.len());
        assert!(kills > 0, "no worker was killed");
        assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
        pool.shutdown();
        end(pool);
    });
}

/// Kills one worker after the other as soon as it is ready, ten at most. Returns how many.
fn kill_until(over: &AtomicBool, pool: &ProcessPoolExecutor) -> usize {
    let mut kills = 0;
    while !over.load(Ordering::SeqCst) && kills < 10 {
        let workers = pool.stats().workers;
        let Some(victim) = workers.into_iter().find(|worker| worker.ready) else {
            std::thread::yield_now();
            continue;
        };
        signal(victim.pid, Signal::KILL);
        kills += 1;
        until(|| !is_child(victim.pid));
    }
    kills
}

/// FA-10: a worker crashes after the shutdown has begun. The shutdown returns, the task fails with the
/// death of its worker, and queued tasks are done.
#[test]
fn fa_10_a_crash_during_shutdown() {
    horsepower::init();
    guarded("fa_10", || {
        let pool = pool(1);
        let mut gate = Gate::new();
        let task = |gate| -> u64 {
            pass(gate);
            std::process::abort()
        };
        let doomed = pool.submit(task, gate.path());
        let queued = pool.submit(pid_of, 3);
        until(|| doomed.is_running());
        pool.shutdown_with(ShutdownOptions::new().no_wait()).unwrap();
        assert!(pool.submit(pid_of, 1).result().unwrap_err().is_shutdown(), "it has begun");
        gate.open();
        pool.shutdown();
        assert!(doomed.is_done() && queued.is_done());
        let error = doomed.result().unwrap_err();
        assert!(error.is_worker_death() && error.signal() == Some(6), "{error}");
        assert_eq!(queued.result().unwrap().0, 3);
        end(pool);
    });
}

/// FA-11: two tasks run, sixty wait, every second of those is cancelled, and a worker is killed: its task
/// fails, the cancelled ones are cancelled, all others are done.
#[test]
fn fa_11_some_cancelled_and_a_worker_killed() {
    horsepower::init();
    guarded("fa_11", || {
        let pool = pool(2);
        let mut gate = Gate::new();
        let who = |gate| {
            pass(gate);
            std::process::id()
        };
        let held = [(); 2].map(|()| pool.submit(who, gate.path()));
        until(|| held.iter().all(TaskFuture::is_running));
        let queued: Vec<_> = (0..60).map(|n| pool.submit(pid_of, n)).collect();
        assert!(queued.iter().step_by(2).all(TaskFuture::cancel), "none of them has begun");
        let victim = pool.worker_pids()[0];
        signal(victim, Signal::KILL);
        gate.open();
        let mut outcomes = held.map(TaskFuture::result);
        outcomes.sort_by_key(Result::is_ok);
        let error = outcomes[0].as_ref().unwrap_err();
        assert_eq!((error.signal(), error.worker_pid()), (Some(9), Some(victim)), "{error}");
        assert!(outcomes[1].as_ref().is_ok_and(|pid| *pid != victim));
        for (n, future) in (0..).zip(queued) {
            match future.result() {
                Ok((number, pid)) => assert!(n % 2 == 1 && number == n && pid != victim, "{n}"),
                Err(error) => assert!(n % 2 == 0 && error.is_cancelled(), "{n}: {error}"),
            }
        }
        end(pool);
    });
}

/// FA-11: tasks are cancelled while others kill their workers; nothing hangs.
#[test]
fn fa_11_cancelled_while_workers_die() {
    horsepower::init();
    guarded("fa_11_die", || {
        let pool = pool(3);
        let futures: Vec<_> = (0..60u64)
            .map(|n| {
                pool.submit(
                    |n: u64| {
                        if n.is_multiple_of(3) { die("kill".into()) } else { n }
                    },
                    n,
                )
            })
            .collect();
        let cancelled: Vec<bool> = futures.iter().map(|f| f.cancel()).collect();
        for (n, (future, cancelled)) in futures.into_iter().zip(cancelled).enumerate() {
            match future.result() {
                Ok(value) => assert!(!cancelled && value == n as u64),
                Err(error) if cancelled => assert!(error.is_cancelled()),
                Err(error) => assert_eq!((error.signal(), n % 3), (Some(9), 0), "{n}: {error}"),
            }
        }
        assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
        end(pool);
    });
}
