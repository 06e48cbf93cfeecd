//! Values of a hundred megabytes and more: they arrive whole, and a pool that is stopped while they travel
//! comes to its end. One after the other, because of the memory that they take.

use horsepower::ShutdownOptions;
use horsepower::prelude::*;
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{assert_gone, guarded, until};
use horsepower_conformance::pools::{end, pid_of, pool};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes of which no part looks like one that lies a power of two further: their pattern is a million and
/// three long.
fn patterned(millions: usize) -> Vec<u8> {
    let pattern: Vec<u8> = (0..1_000_003u32).map(|n| (n % 251 * n % 127) as u8).collect();
    let mut bytes = pattern.repeat(millions);
    bytes.truncate(millions * 1_000_000);
    bytes
}

/// EX-24: a hundred megabytes arrive whole, in both directions: bytes, and a text.
#[test]
fn ex_24_a_hundred_megabytes() {
    horsepower::init();
    let _alone = alone();
    guarded("ex_24_large", || {
        let pool = pool(1);
        let bytes = patterned(100);
        let back = pool.submit(|bytes: Vec<u8>| bytes, bytes.clone()).result().unwrap();
        assert!(back == bytes, "bytes");
        drop(back);
        let text = String::from_utf8(bytes).unwrap();
        let back = pool.submit(|text: String| text, text.clone()).result().unwrap();
        assert!(back == text, "a text");
        end(pool);
    });
}

const HUGE: usize = 200_000_000;

/// Six tasks with huge arguments, whose results are as large; all but their ends is nothing.
fn submit_huge(pool: &ProcessPoolExecutor) -> Vec<TaskFuture<Vec<u8>>> {
    let argument = |n| {
        let mut bytes = vec![0; HUGE];
        (bytes[0], bytes[HUGE - 1]) = (n, n);
        bytes
    };
    (0..6).map(|n| pool.submit(|bytes: Vec<u8>| bytes, argument(n))).collect()
}

/// Fails unless each has ended, with its value or because it was stopped, and some were stopped.
fn are_stopped(futures: Vec<TaskFuture<Vec<u8>>>) {
    let mut stopped = 0;
    for (n, future) in (0..).zip(futures) {
        match future.result() {
            Ok(bytes) => assert_eq!((bytes.len(), bytes[0], bytes[HUGE - 1]), (HUGE, n, n)),
            Err(error) => {
                assert!(error.is_cancelled(), "{n}: {error}");
                stopped += 1;
            }
        }
    }
    assert!(stopped > 0, "all of them were too quick");
}

/// EX-24: stopped by force while huge values travel, before the worker serves or when it has answered the
/// first, the pool ends, and nothing of it is left.
#[test]
fn ex_24_stopped_while_huge_values_travel() {
    horsepower::init();
    let _alone = alone();
    guarded("ex_24_stopped", || {
        for at_once in [true, false] {
            let pool = pool(1);
            let mut gate = Gate::new();
            // Else the first values would have arrived before the last ones are sent.
            let held = pool.submit(pass, gate.path());
            let futures = submit_huge(&pool);
            gate.open();
            until(|| at_once || futures[0].done());
            let pids = pool.worker_pids();
            let start = Instant::now();
            pool.shutdown_with(ShutdownOptions::new().cancel_queued().kill_running()).unwrap();
            assert!(start.elapsed() < Duration::from_secs(20));
            assert!(held.done() && futures.iter().all(TaskFuture::done));
            assert_gone(&pids);
            are_stopped(futures);
            end(pool);
            assert_eq!(lanes_and_segments(), 0);
        }
    });
}

/// EX-24: killed one by one while they travel, tasks with huge values end, and the pool goes on.
#[test]
fn ex_24_killed_while_huge_values_travel() {
    horsepower::init();
    let _alone = alone();
    guarded("ex_24_killed", || {
        let pool = pool(1);
        let mut gate = Gate::new();
        let held = pool.submit(pass, gate.path());
        let futures = submit_huge(&pool);
        gate.open();
        held.result().unwrap();
        for future in &futures {
            assert!(future.kill() || future.done());
        }
        are_stopped(futures);
        assert_eq!(pool.submit(pid_of, 7).result().unwrap().0, 7);
        end(pool);
        assert_eq!(lanes_and_segments(), 0);
    });
}

/// How many pieces of memory this process shares with workers.
fn lanes_and_segments() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains("horsepower-")).count()
}
