//! Values of a hundred megabytes and more arrive whole, and a pool that is stopped while they travel ends.
//! The tests run one after the other because of the memory that they take.

use horsepower::ShutdownOptions;
use horsepower::prelude::*;
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{assert_gone, guarded, shared_memories, until};
use horsepower_conformance::pools::{end, pid_of, pool};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Runs one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes in a pattern of 1,000,003 bytes, so that blocks at multiples of a power of two differ.
fn patterned(millions: usize) -> Vec<u8> {
    let pattern: Vec<u8> = (0..1_000_003u32).map(|n| (n % 251 * n % 127) as u8).collect();
    let mut bytes = pattern.repeat(millions);
    bytes.truncate(millions * 1_000_000);
    bytes
}

/// EX-24: a hundred megabytes arrive whole in both directions, as bytes and as text.
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

/// Submits six tasks with huge arguments and results, zeros but for the first and the last byte. The last
/// task waits at the gate, so however quick the worker is, it has not done them all.
fn submit_huge(pool: &ProcessPoolExecutor, last: &Gate) -> Vec<TaskFuture<Vec<u8>>> {
    let argument = |n| {
        let mut bytes = vec![0; HUGE];
        (bytes[0], bytes[HUGE - 1]) = (n, n);
        bytes
    };
    let wait_and_return = |(gate, bytes): (PathBuf, Vec<u8>)| {
        pass(gate);
        bytes
    };
    let mut futures: Vec<_> =
        (0..5).map(|n| pool.submit(|bytes: Vec<u8>| bytes, argument(n))).collect();
    futures.push(pool.submit(wait_and_return, (last.path(), argument(5))));
    futures
}

/// Checks that each task has ended, with its value or because it was stopped, and that the last was
/// stopped.
fn are_stopped(futures: Vec<TaskFuture<Vec<u8>>>) {
    let mut stopped = vec![];
    for (n, future) in (0..).zip(futures) {
        match future.result() {
            Ok(bytes) => assert_eq!((bytes.len(), bytes[0], bytes[HUGE - 1]), (HUGE, n, n)),
            Err(error) => {
                assert!(error.is_cancelled(), "{n}: {error}");
                stopped.push(n);
            }
        }
    }
    assert_eq!(stopped.last(), Some(&5));
}

/// EX-24: a pool that is stopped by force while huge values travel ends and leaves nothing, whether the
/// worker is still starting or has answered the first task.
#[test]
fn ex_24_stopped_while_huge_values_travel() {
    horsepower::init();
    let _alone = alone();
    guarded("ex_24_stopped", || {
        for at_once in [true, false] {
            let pool = pool(1);
            let (mut gate, last) = (Gate::new(), Gate::new());
            // Otherwise the first values arrive before the last ones are sent.
            let held = pool.submit(pass, gate.path());
            let futures = submit_huge(&pool, &last);
            gate.open();
            until(|| at_once || futures[0].is_done());
            let pids = pool.worker_pids();
            pool.shutdown_with(ShutdownOptions::new().cancel_queued().kill_running()).unwrap();
            assert!(held.is_done() && futures.iter().all(TaskFuture::is_done));
            assert_gone(&pids);
            are_stopped(futures);
            end(pool);
            assert_eq!(shared_memories(), 0);
        }
    });
}

/// EX-24: tasks that are killed one by one while their huge values travel end, and the pool goes on.
#[test]
fn ex_24_killed_while_huge_values_travel() {
    horsepower::init();
    let _alone = alone();
    guarded("ex_24_killed", || {
        let pool = pool(1);
        let (mut gate, last) = (Gate::new(), Gate::new());
        let held = pool.submit(pass, gate.path());
        let futures = submit_huge(&pool, &last);
        gate.open();
        held.result().unwrap();
        for future in &futures {
            assert!(future.kill() || future.is_done());
        }
        are_stopped(futures);
        assert_eq!(pool.submit(pid_of, 7).result().unwrap().0, 7);
        end(pool);
        assert_eq!(shared_memories(), 0);
    });
}
