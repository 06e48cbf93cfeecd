//! Edge cases: callbacks that end their pools, a queue limit of 0, shutdowns in the middle of a chunk.

use horsepower::prelude::*;
use horsepower::{Error, ShutdownOptions, Until, wait};
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{guarded, in_time, until};
use horsepower_conformance::place::Place;
use horsepower_conformance::pools::{end, hang, pid_of, pool};
use horsepower_conformance::rows::{lines, write_line};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

const CONCURRENT: [Place; 2] = [Place::Threads, Place::Processes];

/// Task of maps: writes a line when it begins; the fourth item then waits at a gate.
fn begin((gate, file, n): (PathBuf, PathBuf, u64)) {
    write_line((file, n));
    if n == 3 {
        pass(gate);
    }
}

/// With a queue limit of 0, `submit` waits until a worker is free.
#[test]
fn a_queue_without_places() {
    horsepower::init();
    guarded("no places", || {
        let pool = ProcessPoolExecutor::builder().workers(1).queue_limit(0).build().unwrap();
        let futures: Vec<_> = (0..20).map(|n| pool.submit(pid_of, n)).collect();
        for (n, future) in (0..).zip(futures) {
            assert_eq!(future.result().unwrap().0, n);
        }
        let kept = pool.submit(pid_of, 1);
        until(|| pool.try_submit(pid_of, 2).is_ok());
        kept.result().unwrap();
        end(pool);
    });
}

/// A callback of `cancel` may shut the pool down, or drop it.
#[test]
fn a_cancelled_task_s_callback_ends_the_pool() {
    horsepower::init();
    guarded("callback ends", || {
        for drops in [false, true] {
            let pool = Arc::new(pool(1));
            let mut gate = Gate::new();
            let running = pool.submit(pass, gate.path());
            until(|| running.is_running());
            let waiting = pool.submit(pid_of, 1);
            let held = Mutex::new(Some(pool.clone()));
            waiting.add_done_callback(move |_| {
                let pool = held.lock().unwrap().take().unwrap();
                if drops { drop(pool) } else { pool.shutdown() }
            });
            assert!(waiting.cancel());
            gate.open();
            running.result().unwrap();
            drop(pool);
        }
    });
}

/// A shutdown that cancels the queue also ends a `map` in the middle of a chunk.
#[test]
fn a_shutdown_in_the_middle_of_a_chunk() {
    horsepower::init();
    guarded("chunk", || {
        let options = MapOptions::new().chunk_size(500).on_error(OnError::Continue);
        for place in CONCURRENT {
            for kill in [false, true] {
                let executor = place.executor(1).unwrap();
                let folder = tempfile::tempdir().unwrap();
                let file = folder.path().join("lines");
                let mut gate = Gate::new();
                let items: Vec<_> = (0..500).map(|n| (gate.path(), file.clone(), n)).collect();
                let map = executor.tasks(begin, items).options(options.clone()).map();
                until(|| lines(&file).len() == 4);
                let how = ShutdownOptions::new().cancel_queued().no_wait();
                let how = if kill { how.kill_running() } else { how };
                executor.shutdown_with(how).unwrap();
                let killed = kill && place.kills_running();
                if !killed {
                    // A worker keeps the rest of a chunk to itself for 5 ms.
                    std::thread::sleep(Duration::from_millis(10));
                    gate.open();
                }
                executor.shutdown();
                let results: Vec<_> = map.collect();
                assert_eq!(results.len(), 500);
                let ended = if killed { 3 } else { 4 };
                assert!(results[..ended].iter().all(Result::is_ok), "{place} {kill}");
                let mut others = results[ended..].iter();
                assert!(others.all(|result| result.as_ref().is_err_and(Error::is_cancelled)));
                assert_eq!(lines(&file), [0, 1, 2, 3], "{place} {kill}");
            }
        }
    });
}

/// A wait with a timeout returns in time while the callback of another task runs.
#[test]
fn a_busy_callback_holds_no_limited_wait_up() {
    horsepower::init();
    guarded("busy callback", || {
        let pool = pool(1);
        let ((go_on, busy), (begin, begun)) = (mpsc::channel::<()>(), mpsc::channel());
        let mut gate = Gate::new();
        let first = pool.submit(pass, gate.path());
        let mut second = pool.submit(pid_of, 2);
        // The task has not ended, so this thread does not run the callback; nor does a wait once another
        // thread runs it.
        first.add_done_callback(move |_| {
            begin.send(()).unwrap();
            busy.recv().unwrap();
        });
        gate.open();
        begun.recv().unwrap();
        until(|| second.is_done());
        // If both ended at once, the callback, which waits for this thread, comes before the second.
        let early = second.result_timeout(Duration::from_millis(20));
        assert!(early.is_ok() || early.is_err_and(|error| error.is_timeout()));
        let (first_waited, second_waited) = (
            wait([&first], Until::AllCompleted, Some(Duration::ZERO)),
            wait([&second], Until::AllCompleted, Some(Duration::ZERO)),
        );
        assert_eq!(first_waited.done.len() + first_waited.not_done.len(), 1);
        assert_eq!(second_waited.done.len() + second_waited.not_done.len(), 1);
        go_on.send(()).unwrap();
        first.result().unwrap();
        end(pool);
    });
}

/// A retry has no queue deadline: the task has begun before.
#[test]
fn a_retry_is_no_late_beginning() {
    horsepower::init();
    guarded("late retry", || {
        for place in CONCURRENT {
            let executor = place.executor(1).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let second_time = |file: PathBuf| {
                write_line((file.clone(), 0));
                assert_eq!(lines(&file).len(), 2);
            };
            in_time(Duration::from_millis(100), |limit| {
                let file = folder.path().join(format!("{limit:?}"));
                let task = executor.task(second_time, file.clone()).retries(1).backoff(2 * limit);
                let result = task.queue_deadline(limit).submit().result();
                let has_begun = file.exists();
                has_begun.then(|| result.unwrap())
            });
        }
    });
}

/// A worker that is dropped before it was ready keeps no place in the pool.
#[test]
fn a_worker_that_is_given_up_early() {
    horsepower::init();
    guarded("given up", || {
        let folder = tempfile::tempdir().unwrap();
        // The first worker goes on at once, the second never.
        let first_only = |folder: PathBuf| {
            if std::fs::File::create_new(folder.join("first")).is_err() {
                std::fs::write(folder.join("second"), "").unwrap();
                if !folder.join("all").exists() {
                    hang(());
                }
            }
        };
        let builder = ProcessPoolExecutor::builder().workers(2);
        let pool = builder.initializer(first_only, folder.path().to_owned()).build().unwrap();
        let mut gate = Gate::new();
        let running = pool.submit(pass, gate.path());
        let waiting = pool.submit(pass, gate.path());
        until(|| running.is_running() || waiting.is_running());
        until(|| folder.path().join("second").exists());
        std::fs::write(folder.path().join("all"), "").unwrap();
        pool.resize(1).unwrap();
        gate.open();
        running.result().unwrap();
        waiting.result().unwrap();
        for n in 0..5 {
            assert_eq!(pool.submit(pid_of, n).result().unwrap().0, n);
        }
        end(pool);
    });
}

/// A callback of an inner pool knows that it runs inside a task of the outer one.
#[test]
fn thread_pools_within_each_other() {
    guarded("within", || {
        let outer = Arc::new(ThreadPoolExecutor::with_workers(1).unwrap());
        let inside = outer.clone();
        let (send, receive) = mpsc::channel();
        let future = outer.spawn(move || {
            let inner = ThreadPoolExecutor::with_workers(1).unwrap();
            let mut gate = Gate::new();
            let path = gate.path();
            let running = inner.spawn(move || pass(path));
            until(|| running.is_running());
            let waiting = inner.spawn(|| ());
            waiting.add_done_callback(move |_| {
                let waits = inside.shutdown_with(ShutdownOptions::new());
                send.send(waits.is_err_and(|error| error.is_invalid())).unwrap();
            });
            inner.shutdown_with(ShutdownOptions::new().no_wait().cancel_queued()).unwrap();
            gate.open();
            running.result().unwrap();
        });
        assert!(receive.recv().unwrap(), "it could only wait for itself");
        future.result().unwrap();
    });
}

/// After a shutdown that cancels the queue, nothing is retried.
#[test]
fn no_retry_after_the_end() {
    horsepower::init();
    guarded("no retry", || {
        for place in CONCURRENT {
            let executor = place.executor(1).unwrap();
            let mut gate = Gate::new();
            let fail = |gate: PathBuf| {
                pass(gate);
                panic!("once");
            };
            let hour = Duration::from_secs(3600);
            let task = executor.task(fail, gate.path()).retries(5).backoff(hour);
            let future: TaskFuture<()> = task.submit();
            until(|| future.is_running());
            let how = ShutdownOptions::new().cancel_queued();
            executor.shutdown_with(how.no_wait()).unwrap();
            gate.open();
            executor.shutdown();
            assert!(future.result().is_err());
            assert_eq!(executor.stats().retried, 0);
        }
    });
}

/// A worker in its grace begins no other task: what waits behind its task runs elsewhere.
#[test]
fn what_waits_behind_a_task_is_not_hit() {
    horsepower::init();
    guarded("not hit", || {
        let pool = pool(1);
        warm_up(&pool);
        let until_asked = |(): ()| {
            let seen = Arc::new(std::sync::atomic::AtomicBool::new(false));
            signal_hook::flag::register(signal_hook::consts::SIGTERM, seen.clone()).unwrap();
            until(|| seen.load(std::sync::atomic::Ordering::Relaxed));
        };
        for _ in 0..5 {
            let task = pool.task(until_asked, ()).deadline(Duration::from_millis(50));
            let doomed = task.grace(Duration::from_secs(3600)).submit();
            let behind: Vec<_> = (0..20).map(|n| pool.submit(pid_of, n)).collect();
            assert!(doomed.result().unwrap_err().is_deadline());
            for (n, future) in (0..).zip(behind) {
                assert_eq!(future.result().unwrap().0, n, "it had nothing to do with that");
            }
        }
        end(pool);
    });
}

/// Makes the pool hand out more than one task ahead to a worker.
fn warm_up(pool: &ProcessPoolExecutor) {
    assert!(pool.map(|n: u64| n, 0..20_000).all(|result| result.is_ok()));
    assert!((0..2000).all(|n| pool.submit(pid_of, n).result().is_ok()));
}

/// Tasks that write a line each when the gate is open: two of them run, others wait behind those in the
/// lanes of the two workers.
fn hand_out_ahead(pool: &ProcessPoolExecutor, file: &PathBuf) -> (Gate, Vec<TaskFuture<()>>) {
    let task = |(gate, file, n): (PathBuf, PathBuf, u64)| {
        pass(gate);
        write_line((file, n));
    };
    loop {
        warm_up(pool);
        let gate = Gate::new();
        let submit = |n| pool.submit(task, (gate.path(), file.clone(), n));
        let futures: Vec<_> = (0..40).map(submit).collect();
        until(|| futures.iter().filter(|future| future.is_running()).count() == 2);
        if pool.stats().workers.iter().any(|worker| worker.in_flight > 1) {
            return (gate, futures);
        }
        // On a busy machine the last tasks may have looked long; then nothing is handed out ahead.
        drop(gate);
        futures.into_iter().for_each(|future| future.result().unwrap());
        std::fs::remove_file(file).unwrap();
    }
}

/// FU-06: a task that waits in a lane behind the one that runs there can be cancelled, and then does not
/// run.
#[test]
fn fu_06_what_was_handed_out_ahead() {
    horsepower::init();
    guarded("fu_06", || {
        let pool = pool(2);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lines");
        let (mut gate, futures) = hand_out_ahead(&pool, &file);
        let running: Vec<bool> = futures.iter().map(TaskFuture::is_running).collect();
        let cancelled: Vec<bool> = futures.iter().map(TaskFuture::cancel).collect();
        let pairs = running.iter().zip(&cancelled);
        assert_eq!(pairs.filter(|(running, cancelled)| running == cancelled).count(), 0);
        gate.open();
        let mut kept = vec![];
        for (n, future) in (0..).zip(futures) {
            match future.error() {
                None => kept.push(n),
                Some(error) => assert!(error.is_cancelled() && cancelled[n as usize], "{error}"),
            }
        }
        pool.shutdown();
        assert_eq!(kept.len(), 2);
        assert_eq!(lines(&file), kept, "none of the others has run");
        end(pool);
    });
}

/// `stats` counts a task before its result can be read.
#[test]
fn stats_are_there_with_the_result() {
    horsepower::init();
    guarded("counted", || {
        for place in CONCURRENT {
            let executor = place.executor(1).unwrap();
            for n in 1..=1000 {
                executor.submit(pid_of, n).result().unwrap();
                assert_eq!(executor.stats().done, n, "{place}");
            }
        }
    });
}
