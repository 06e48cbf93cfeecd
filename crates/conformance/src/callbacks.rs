//! The rows about done-callbacks: when they are called, by whom, and what they may do.

use crate::gate::{Gate, pass};
use crate::lab::{Subject, until};
use crate::rows::add_one;
use horsepower::{Executor, ExecutorKind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

/// FU-07, FU-08: callbacks run once each, in their order, at once on a future that has ended.
pub fn fu_07(kind: ExecutorKind) {
    let executor = Subject::new(kind, 1);
    let future = executor.submit(add_one, 1);
    let calls = Arc::new(Mutex::new(vec![]));
    for name in ["one", "two", "two"] {
        let calls = calls.clone();
        future.add_done_callback(move |outcome| {
            calls.lock().unwrap().push((name, *outcome.as_ref().unwrap()));
        });
    }
    assert_eq!(future.get().unwrap(), &2);
    let thread = std::thread::current().id();
    let late = calls.clone();
    future.add_done_callback(move |_| {
        assert_eq!(std::thread::current().id(), thread);
        late.lock().unwrap().push(("late", 0));
    });
    let calls = calls.lock().unwrap();
    assert_eq!(*calls, [("one", 2), ("two", 2), ("two", 2), ("late", 0)]);
}

/// FU-09: in its callback a future is done; asking it for its result is an error, not a deadlock.
pub fn fu_09(kind: ExecutorKind) {
    let executor = Subject::new(kind, 1);
    let mut gate = Gate::new();
    let path = gate.path();
    if kind == ExecutorKind::Inline {
        gate.open();
    }
    let future = Arc::new(executor.submit(pass, path));
    let (send, receive) = mpsc::channel();
    let inside = future.clone();
    future.add_done_callback(move |_| {
        send.send((inside.done(), inside.running(), inside.exception().is_none())).unwrap();
    });
    gate.open();
    let (done, running, _) = receive.recv().unwrap();
    assert!(done && !running);
}

/// FU-10, FU-11: a callback that panics disturbs neither the others nor the result nor the pool.
pub fn fu_10(kind: ExecutorKind) {
    let executor = Subject::new(kind, 1);
    let future = executor.submit(add_one, 1);
    let called = Arc::new(AtomicUsize::new(0));
    let count = called.clone();
    if kind != ExecutorKind::Inline {
        future.add_done_callback(|_| panic!("on purpose"));
    }
    future.add_done_callback(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(future.get().unwrap(), &2);
    assert_eq!(called.load(Ordering::Relaxed), 1);
    assert_eq!(executor.submit(add_one, 2).result().unwrap(), 3);
}

/// Callbacks never run in the middle of somebody's `submit`, `done` or `cancel`: a lock that both take
/// cannot deadlock.
pub fn callbacks_do_not_interrupt(kind: ExecutorKind) {
    let executor = Subject::new(kind, 2);
    let lock = Arc::new(Mutex::new(0));
    for n in 0..2000 {
        let mut held = lock.lock().unwrap();
        let future = executor.submit(add_one, n);
        let doomed = executor.submit(add_one, n);
        doomed.cancel();
        let _ = future.done();
        *held += 1;
        drop(held);
        let lock = lock.clone();
        future.add_done_callback(move |_| *lock.lock().unwrap() += 1);
    }
    executor.shutdown();
    assert_eq!(*lock.lock().unwrap(), 4000);
}

/// A callback may look at another future, without waiting for it.
pub fn callbacks_may_look(kind: ExecutorKind) {
    let executor = Subject::new(kind, 1);
    let (send, receive) = mpsc::channel();
    for n in 0..200 {
        let first = executor.submit(add_one, n);
        let mut second = executor.submit(add_one, n);
        let send = send.clone();
        first.add_done_callback(move |_| {
            // Whatever it says: it must come back.
            drop(second.result_timeout(Duration::ZERO));
            send.send(()).unwrap();
        });
    }
    (0..200).for_each(|_| receive.recv().unwrap());
}

/// FU-03: lending a result and adding callbacks at the same time loses neither.
pub fn fu_03_with_callbacks(kind: ExecutorKind) {
    let executor = Subject::new(kind, 2);
    for n in 0..300 {
        let future = executor.submit(add_one, n);
        let called = AtomicUsize::new(0);
        let called = Arc::new(called);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| assert_eq!(future.get().unwrap(), &(n + 1)));
            }
            scope.spawn(|| {
                let called = called.clone();
                future.add_done_callback(move |outcome| {
                    assert_eq!(outcome.as_ref().unwrap(), &(n + 1));
                    called.fetch_add(1, Ordering::SeqCst);
                });
            });
        });
        until(|| called.load(Ordering::SeqCst) == 1);
    }
}

/// A result whose `Drop` panics, and which nobody takes, disturbs nothing.
pub fn a_panic_in_drop_is_survived(kind: ExecutorKind) {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            // Only where it is dropped because nobody wants it: on the executor's own threads.
            let thread = std::thread::current();
            let name = thread.name().unwrap_or_default();
            if name.starts_with("hp-") || name.starts_with("ThreadPool") {
                panic!("on purpose");
            }
        }
    }
    let executor = Subject::new(kind, 1);
    for _ in 0..5 {
        drop(executor.submit(|()| Bomb, ()));
    }
    assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2);
    executor.shutdown();
}
