//! Dropping arguments and results, and pools and futures that are dropped last of all, with their thread.

use horsepower::prelude::*;
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{Subject, assert_gone, guarded, until};
use horsepower_conformance::place::Place;
use horsepower_conformance::pools::{end, pid_of, pool};
use serde::{Deserialize, Serialize};
use std::cell::{OnceCell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Dropping it fails in every process but this one; 0 aborts the process.
#[derive(Serialize, Deserialize)]
struct Bomb(u32);

impl Drop for Bomb {
    fn drop(&mut self) {
        match self.0 {
            parent if parent == std::process::id() => {}
            0 => std::process::abort(),
            _ => panic!("released"),
        }
    }
}

/// FA-19: a result that was encoded has arrived, even if dropping it in the worker panics; the worker
/// goes on.
#[test]
fn fa_19_a_result_whose_release_fails() {
    horsepower::init();
    guarded("fa_19_a_result", || {
        let pool = pool(1);
        let pid = pool.submit(pid_of, 1).result().unwrap().1;
        let parent = std::process::id();
        for n in 0..3 {
            // By itself, and inside another value.
            let bomb = pool.submit(Bomb, parent).result().unwrap();
            assert_eq!(bomb.0, parent);
            let list = pool.submit(|parent| vec![Bomb(parent)], parent).result().unwrap();
            assert_eq!(list.len(), 1);
            let many: Result<Vec<_>, _> = pool.map(Bomb, [parent; 20]).collect();
            assert_eq!(many.unwrap().len(), 20);
            assert_eq!(pool.submit(pid_of, n).result().unwrap(), (n, pid));
        }
        end(pool);
    });
}

/// FA-19: dropping an argument happens before the function has returned, so a panic there is the error of
/// the task; if it ends the worker, the error says so.
#[test]
fn fa_19_an_argument_whose_release_fails() {
    horsepower::init();
    guarded("fa_19_an_argument", || {
        let pool = pool(1);
        let parent = std::process::id();
        let released = pool.submit(|_: Bomb| 5, Bomb(parent)).result();
        assert_eq!(released.unwrap_err().panic_message(), Some("released"));
        let make_and_release = |zero: u32| {
            drop(Bomb(zero));
            5
        };
        let error = pool.submit(make_and_release, 0).result().unwrap_err();
        assert!(error.is_worker_death() && error.signal() == Some(6), "{error}");
        assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
        end(pool);
    });
}

/// A number that can be encoded only if it is even.
struct Odd(u64);

impl Serialize for Odd {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 2 == 1 {
            return Err(serde::ser::Error::custom("it is odd"));
        }
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Odd {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Odd, D::Error> {
        u64::deserialize(deserializer).map(Odd)
    }
}

/// PO-12: an argument that cannot be encoded is the error of its task wherever it must be encoded: to
/// reach a process, and to be kept for a retry. The function is not called.
#[test]
fn po_12_wherever_it_is_encoded() {
    horsepower::init();
    guarded("po_12", || {
        for place in Place::ALL.into_iter().filter(|place| place.retries()) {
            let executor = Subject::new(place, 1);
            let task = |_: Odd| -> u64 { panic!("it was called") };
            let error = executor.task(task, Odd(1)).retries(2).submit().result().unwrap_err();
            assert!(error.is_encoding() && !error.may_have_begun(), "{place}: {error}");
            let text = "cannot encode the argument of type released::Odd: it is odd";
            assert!(format!("{error:#}").ends_with(text), "{place}: {error}");
            assert_eq!(
                executor.task(|odd: Odd| odd.0, Odd(2)).retries(2).submit().result().unwrap(),
                2
            );
        }
        let builder = ProcessPoolExecutor::builder().initializer(|_: Odd| (), Odd(1));
        assert!(builder.build().unwrap_err().is_encoding());
    });
}

/// EX-01: every way to make an executor refuses 0 workers.
#[test]
fn ex_01_no_workers() {
    horsepower::init();
    let errors = [
        ThreadPoolExecutor::with_workers(0).unwrap_err(),
        ThreadPoolExecutor::builder().workers(0).build().unwrap_err(),
        ProcessPoolExecutor::with_workers(0).unwrap_err(),
        ProcessPoolExecutor::builder().workers(0).build().unwrap_err(),
        ProcessPoolExecutor::builder().workers(0).reusable().unwrap_err(),
        Place::Inline.executor(0).unwrap_err(),
    ];
    for error in errors {
        assert!(error.is_invalid());
        assert_eq!(error.to_string(), "workers must be greater than 0");
    }
}

/// A pool in a thread-local ends with its thread.
#[test]
fn a_pool_that_belongs_to_a_thread() {
    thread_local! {
        static POOL: OnceCell<ProcessPoolExecutor> = const { OnceCell::new() };
    }
    horsepower::init();
    guarded("of a thread", || {
        let pids = std::thread::spawn(|| {
            POOL.with(|place| {
                let pool = place.get_or_init(|| pool(1));
                for n in 0..100 {
                    assert_eq!(pool.submit(pid_of, n).result().unwrap().0, n);
                }
                pool.submit(pid_of, 2).add_done_callback(|_| {});
                pool.worker_pids()
            })
        });
        assert_gone(&pids.join().unwrap());
    });
}

/// A thread may cancel a task as the last thing it does: the callbacks run, and the future has ended.
#[test]
fn a_thread_that_cancels_when_it_ends() {
    type Held = Arc<TaskFuture<()>>;
    struct AtTheEnd(RefCell<Option<Held>>);
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            assert!(self.0.take().unwrap().cancel());
        }
    }
    thread_local! {
        static HELD: AtTheEnd = const { AtTheEnd(RefCell::new(None)) };
    }
    horsepower::init();
    guarded("at the end", || {
        let pool = pool(1);
        let gate = Gate::new();
        let running = pool.submit(pass, gate.path());
        until(|| running.is_running());
        let queued = Arc::new(pool.submit(pass, gate.path()));
        let called = Arc::new(AtomicBool::new(false));
        let call = called.clone();
        queued.add_done_callback(move |_| call.store(true, Ordering::SeqCst));
        let (held, other) = (queued.clone(), pool.submit(pid_of, 2));
        let thread = std::thread::spawn(move || {
            HELD.with(|place| *place.0.borrow_mut() = Some(held));
            // The library's own thread-locals are made after that one, and dropped before it.
            assert!(other.cancel());
        });
        thread.join().unwrap();
        assert!(called.load(Ordering::SeqCst));
        assert!(queued.is_cancelled() && queued.error().unwrap().is_cancelled());
        drop(gate);
        running.result().unwrap();
        end(pool);
    });
}
