//! Edge cases of replaced workers, memory limits and graces.

#![allow(clippy::print_stdout)] // one task prints

use horsepower::prelude::*;
use horsepower::{MapOptions, OnError, ShutdownOptions};
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{guarded, in_time, is_alive, until, waiting};
use horsepower_conformance::pools::{end, hang, hang_on};
use horsepower_conformance::subprocess::die;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

fn pid((): ()) -> u32 {
    std::process::id()
}

/// Task: uses so many bytes for so many milliseconds.
fn use_memory((bytes, millis): (usize, u64)) -> usize {
    let memory = vec![1u8; bytes];
    std::thread::sleep(Duration::from_millis(millis));
    memory.iter().filter(|&&byte| byte == 1).count()
}

/// A shutdown, or a smaller pool, takes back tasks from workers that are still starting.
#[test]
fn lanes_of_starting_workers_are_emptied() {
    horsepower::init();
    guarded("starting", || {
        for _ in 0..20 {
            let pool = ProcessPoolExecutor::with_workers(2).unwrap();
            let futures: Vec<_> = (0..4).map(|_| pool.submit(pid, ())).collect();
            until(|| !pool.worker_pids().is_empty());
            pool.resize(1).unwrap();
            pool.shutdown_with(ShutdownOptions::new().cancel_queued()).unwrap();
            assert!(futures.iter().all(TaskFuture::is_done));
            end(pool);
        }
    });
}

/// The memory limit holds in the last task of a worker too.
#[test]
fn the_limit_holds_for_a_worker_that_is_to_be_replaced() {
    horsepower::init();
    guarded("limit", || {
        let limit = || ProcessPoolExecutor::builder().workers(1).memory_limit(100 << 20);
        for builder in [limit().tasks_per_worker(1), limit().replace_above(50 << 20)] {
            let pool = builder.build().unwrap();
            let error = pool.submit(use_memory, (300 << 20, 100_000)).result().unwrap_err();
            assert!(error.is_memory_limit(), "{error}");
            assert!(pool.submit(pid, ()).result().is_ok());
            end(pool);
        }
    });
}

/// A worker whose initializer uses much memory is not replaced before its first task.
#[test]
fn what_the_initializer_uses_is_no_reason_to_replace_a_worker() {
    horsepower::init();
    guarded("initializer", || {
        static KEPT: std::sync::Mutex<Vec<u8>> = std::sync::Mutex::new(Vec::new());
        let keep = |bytes: usize| *KEPT.lock().unwrap() = vec![1; bytes];
        let builder = ProcessPoolExecutor::builder().workers(1).replace_above(20 << 20);
        let pool = builder.initializer(keep, 60 << 20).build().unwrap();
        let kept = pool.submit(|(): ()| KEPT.lock().unwrap().len(), ()).result();
        assert_eq!(kept.unwrap(), 60 << 20);
        end(pool);
    });
}

/// A worker that hangs at its exit after its last task is killed.
#[test]
fn a_replaced_worker_that_hangs_at_its_exit_is_ended() {
    horsepower::init();
    guarded("exit", || {
        /// Its destructor hangs, which runs when the thread ends.
        struct Stuck;
        impl Drop for Stuck {
            fn drop(&mut self) {
                hang(());
            }
        }
        thread_local! {
            static STUCK: Stuck = const { Stuck };
        }
        let pool = ProcessPoolExecutor::builder().workers(1).tasks_per_worker(1).build().unwrap();
        let first = pool.submit(
            |(): ()| {
                // Only a value that was used is dropped.
                STUCK.with(|_| std::process::id())
            },
            (),
        );
        let first = first.result().unwrap();
        let next = pool.submit(pid, ());
        until(|| {
            // EX-17: it keeps its place as long as it exists.
            assert!(pool.worker_pids().len() <= 1, "{:?}", pool.worker_pids());
            next.is_done()
        });
        assert_ne!(next.result().unwrap(), first);
        assert!(!is_alive(first));
        end(pool);
    });
}

/// A pool ends without waiting for a worker that is still in its initializer, even one with a limit of
/// tasks.
#[test]
fn a_pool_does_not_wait_for_an_initializer() {
    horsepower::init();
    guarded("initializer hangs", || {
        let builder = ProcessPoolExecutor::builder().workers(1).tasks_per_worker(1);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ready");
        let pool = builder.initializer(hang_on, file.clone()).build().unwrap();
        let future = pool.submit(pid, ());
        until(|| file.exists());
        assert!(future.cancel());
        end(pool);
    });
}

/// Processes that a crashing worker has started end with it, also in its last task.
#[test]
fn a_crash_in_the_last_task_is_a_crash() {
    horsepower::init();
    guarded("last task", || {
        let pool = ProcessPoolExecutor::builder().workers(1).tasks_per_worker(1).build().unwrap();
        #[allow(clippy::zombie_processes)] // it is the point: its parent dies without waiting
        let task = |file: PathBuf| {
            let child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
            std::fs::write(file, child.id().to_string()).unwrap();
            die("abort".into())
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        assert!(pool.submit(task, file.clone()).result().unwrap_err().is_worker_death());
        let child: u32 = std::fs::read_to_string(file).unwrap().parse().unwrap();
        until(|| !is_alive(child));
        let why = pool.stats().last_restarts[0].why.clone();
        assert!(why.contains("SIGABRT") && !why.contains("replaced"), "{why}");
        end(pool);
    });
}

/// Task: makes a file when it is asked to end, and does not end.
fn refuse_to_end(asked: PathBuf) {
    let seen = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, seen.clone()).unwrap();
    until(|| seen.load(std::sync::atomic::Ordering::Relaxed));
    std::fs::write(asked, "").unwrap();
    hang(());
}

/// `kill` and `kill_running` do not wait for the grace.
#[test]
fn kill_cuts_a_grace_short() {
    horsepower::init();
    guarded("grace", || {
        for shutdown in [false, true] {
            let pool = ProcessPoolExecutor::with_workers(1).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("asked");
            let hour = Duration::from_secs(3600);
            let future = in_time(Duration::from_millis(300), |deadline| {
                let task = pool.task(refuse_to_end, file.clone()).deadline(deadline);
                let future = task.grace(hour).submit();
                // On a slow machine the signal comes before the handler, and the task ends.
                until(|| file.exists() || future.is_done());
                file.exists().then_some(future)
            });
            assert!(!future.is_done());
            if shutdown {
                pool.shutdown_with(ShutdownOptions::new().kill_running()).unwrap();
            } else {
                assert!(future.kill());
            }
            assert!(future.result().unwrap_err().is_cancelled());
            end(pool);
        }
    });
}

/// When the task ends within its grace, the waiting thread returns at once; the longest duration is a
/// valid grace.
#[test]
fn a_grace_ends_with_the_task() {
    horsepower::init();
    guarded("grace ends", || {
        let pool = ProcessPoolExecutor::with_workers(1).unwrap();
        for grace in [Duration::from_secs(3600), Duration::MAX] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("flag");
            let slow = |file: PathBuf| {
                let seen = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
                signal_hook::flag::register(signal_hook::consts::SIGTERM, seen.clone()).unwrap();
                until(|| seen.load(std::sync::atomic::Ordering::Relaxed));
                std::fs::write(file, "asked").unwrap();
            };
            in_time(Duration::from_millis(100), |deadline| {
                let task = pool.task(slow, file.clone()).deadline(deadline).grace(grace);
                assert!(task.submit().result().unwrap_err().is_deadline());
                // It was asked to end, and had the time to do so.
                file.exists().then_some(())
            });
        }
        end(pool);
    });
}

/// A deadline of zero ends every task; a map goes on.
#[test]
fn no_time_at_all() {
    horsepower::init();
    guarded("zero", || {
        let pool = ProcessPoolExecutor::with_workers(1).unwrap();
        let future = pool.task(hang, ()).deadline(Duration::ZERO).submit();
        assert!(future.result().unwrap_err().is_deadline());
        let options = MapOptions::new().chunk_size(usize::MAX).on_error(OnError::Continue);
        assert_eq!(pool.tasks(|n: u8| n, 0..10).options(options).map().count(), 10);
        end(pool);
    });
}

/// Many tasks that wait for a retry can be cancelled.
#[test]
fn many_delayed_tasks_are_cancelled() {
    horsepower::init();
    guarded("delayed", || {
        let pool = ProcessPoolExecutor::with_workers(1).unwrap();
        let hour = Duration::from_secs(3600);
        let fail = |n: u32| assert_eq!(n, u32::MAX);
        let futures: Vec<_> =
            (0..2000).map(|n| pool.task(fail, n).retries(1).backoff(hour).submit()).collect();
        until(|| pool.stats().retried == 2000);
        assert!(futures.iter().step_by(2).all(TaskFuture::cancel));
        assert_eq!(pool.stats().queued, 1000);
        pool.shutdown_with(ShutdownOptions::new().cancel_queued()).unwrap();
        assert!(futures.into_iter().all(|f| f.result().unwrap_err().is_cancelled()));
        end(pool);
    });
}

/// Thread pools: a dropped map begins no further item, even of chunks that have begun; `stats` and
/// retries do not block each other; a shutdown releases threads that wait for room.
#[test]
fn thread_pools_at_their_edges() {
    guarded("threads", || {
        let pool = std::sync::Arc::new(ThreadPoolExecutor::with_workers(2).unwrap());
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (asks, asked) = (pool.clone(), stop.clone());
        let asker = std::thread::spawn(move || {
            while !asked.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = asks.stats();
            }
        });
        let fail = |n: u32| assert_eq!(n, u32::MAX);
        for n in 0..300 {
            assert!(pool.task(fail, n).retries(3).submit().result().is_err());
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        asker.join().unwrap();

        let called = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = called.clone();
        let mut gate = Gate::new();
        let path = gate.path();
        let task = move |n: u32| {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if n > 0 {
                pass(path.clone());
            }
        };
        let calls = || called.load(std::sync::atomic::Ordering::Relaxed);
        let mut map = pool.spawn_map(task, 0..10_000);
        map.next().unwrap().unwrap();
        until(|| calls() == 3);
        drop(map);
        gate.open();
        drop(std::sync::Arc::into_inner(pool));
        assert_eq!(calls(), 3, "the first, and one on each of the two threads");

        let pool = ThreadPoolExecutor::builder().workers(1).queue_limit(0).build().unwrap();
        let mut gate = Gate::new();
        let running = pool.submit(pass, gate.path());
        std::thread::scope(|scope| {
            let late = waiting(scope, || pool.submit(|n: u32| n, 1).result());
            pool.shutdown_with(ShutdownOptions::new().no_wait()).unwrap();
            assert!(late.join().unwrap().unwrap_err().is_shutdown());
        });
        gate.open();
        running.result().unwrap();
    });
}

/// No more of the captured output is kept in memory than will be returned.
#[test]
fn captured_output_is_bounded() {
    horsepower::init();
    guarded("captured", || {
        const LINE: &str = "0123456789abcde\n";
        const PRINTED: u64 = 64 << 20;
        /// Length and memory of the files that hold captured output.
        fn held() -> Vec<(u64, u64)> {
            use std::os::unix::fs::MetadataExt as _;
            let files = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
            let ours =
                |path: &PathBuf| path.to_string_lossy().starts_with("/memfd:horsepower-output");
            files
                .filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| ours(&target)))
                .filter_map(|entry| std::fs::metadata(entry.path()).ok())
                .map(|file| (file.len(), file.blocks() * 512))
                .collect()
        }
        let print = |gate: PathBuf| {
            let lines = LINE.repeat(1 << 16);
            (0..PRINTED / lines.len() as u64).for_each(|_| print!("{lines}"));
            std::io::Write::flush(&mut std::io::stdout()).unwrap();
            pass(gate);
        };
        let pool = ProcessPoolExecutor::with_workers(1).unwrap();
        let mut gate = Gate::new();
        let future = pool.task(print, gate.path()).capture_output().submit();
        until(|| held().iter().any(|&(len, memory)| len >= PRINTED && memory <= 17 << 20));
        gate.open();
        future.get().unwrap();
        let stdout = &future.output().unwrap().stdout;
        assert_eq!(stdout.len(), 16 << 20);
        assert!(stdout.chunks(LINE.len()).all(|line| line == LINE.as_bytes()));
        end(pool);
    });
}
