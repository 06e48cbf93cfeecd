//! The rows about done-callbacks: when they are called, by whom, and what they may do.

use crate::gate::{Gate, pass};
use crate::harness::{Subject, until};
use crate::place::Place;
use crate::rows::{add_one, fail_on_three};
use horsepower::{Error, Executor};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

/// A gate. It is open from the start where a task in line would wait at it forever.
fn gate_for(place: Place) -> Gate {
    let mut gate = Gate::new();
    if !place.is_concurrent() {
        gate.open();
    }
    gate
}

/// FU-07, FU-08: callbacks run once each, in the order in which they were added; on a future that has
/// ended, at once.
pub fn fu_07(place: Place) {
    let executor = Subject::new(place, 1);
    let mut gate = gate_for(place);
    let future = executor.submit(pass, gate.path());
    let calls = Arc::new(Mutex::new(vec![]));
    for name in ["one", "two", "two"] {
        let calls = calls.clone();
        future.add_done_callback(move |outcome| {
            calls.lock().unwrap().push((name, outcome.is_ok()));
        });
    }
    gate.open();
    assert!(future.get().is_ok());
    let thread = std::thread::current().id();
    let late = calls.clone();
    future.add_done_callback(move |_| {
        assert_eq!(std::thread::current().id(), thread);
        late.lock().unwrap().push(("late", false));
    });
    let calls = calls.lock().unwrap();
    assert_eq!(*calls, [("one", true), ("two", true), ("two", true), ("late", false)]);
}

/// FU-07: the same on a future that is cancelled, even if `cancel` is called twice.
pub fn fu_07_cancelled(place: Place) {
    let executor = Subject::new(place, 1);
    let gate = Gate::new();
    let running = executor.submit(pass, gate.path());
    let queued = executor.submit(add_one, 1);
    until(|| running.is_running());
    let calls = Arc::new(Mutex::new(vec![]));
    for name in ["one", "two", "three"] {
        let calls = calls.clone();
        queued.add_done_callback(move |outcome| {
            assert!(outcome.as_ref().is_err_and(Error::is_cancelled));
            calls.lock().unwrap().push(name);
        });
    }
    assert!(queued.cancel() && queued.cancel());
    assert_eq!(*calls.lock().unwrap(), ["one", "two", "three"]);
    drop(gate);
    running.result().unwrap();
}

/// FU-08: a callback that is added after the result was taken runs at once, with an error that says so.
pub fn fu_08_taken(place: Place) {
    let executor = Subject::new(place, 1);
    let mut future = executor.submit(add_one, 1);
    assert_eq!(future.result_timeout(Duration::from_secs(100)).unwrap(), 2);
    let (tell, told) = mpsc::channel();
    future.add_done_callback(move |outcome| {
        tell.send(outcome.as_ref().unwrap_err().to_string()).unwrap();
    });
    assert!(told.try_recv().unwrap().contains("has already been taken"));
}

/// FU-09: inside its own callback a future has ended, and its state and error can be read. Its result is
/// lent to the callback; asking the future for it is an error, not a deadlock.
pub fn fu_09(place: Place) {
    let executor = Subject::new(place, 1);
    let task = |(gate, n)| {
        pass(gate);
        fail_on_three(n)
    };
    for n in [2, 3] {
        let mut gate = gate_for(place);
        let future = Arc::new(executor.submit(task, (gate.path(), n)));
        let (tell, told) = mpsc::channel();
        let look = || {
            let (tell, inside) = (tell.clone(), future.clone());
            move |_: &Result<u64, Error>| {
                let exception = inside.error().map(|error| error.is_panic());
                let at_once = inside.error_timeout(Duration::ZERO).unwrap().is_some();
                let refused = inside.get().is_err_and(|error| error.is_invalid());
                let state = (inside.is_done(), inside.is_running(), inside.is_cancelled());
                tell.send((exception, at_once, refused, state)).unwrap();
            }
        };
        future.add_done_callback(look());
        gate.open();
        let expected = ((n == 3).then_some(true), n == 3, true, (true, false, false));
        assert_eq!(told.recv().unwrap(), expected, "before the end");
        assert_eq!(future.error().is_some(), n == 3);
        future.add_done_callback(look());
        assert_eq!(told.recv().unwrap(), expected, "after the end");
    }
}

/// FU-09: the same in the callback of a future that is cancelled.
pub fn fu_09_cancelled(place: Place) {
    let executor = Subject::new(place, 1);
    let gate = Gate::new();
    let running = executor.submit(pass, gate.path());
    let queued = Arc::new(executor.submit(add_one, 1));
    until(|| running.is_running());
    let (tell, told) = mpsc::channel();
    let inside = queued.clone();
    queued.add_done_callback(move |_| {
        let exception = inside.error().is_some_and(|error| error.is_cancelled());
        tell.send((exception, inside.is_done(), inside.is_cancelled())).unwrap();
    });
    assert!(queued.cancel());
    assert_eq!(told.recv().unwrap(), (true, true, true));
    drop(gate);
    running.result().unwrap();
}

/// FU-10, FU-11: a callback that panics affects neither other callbacks nor the result nor the executor,
/// whether the end of the task or `add_done_callback` calls it.
pub fn fu_10(place: Place) {
    let executor = Subject::new(place, 1);
    let mut gate = gate_for(place);
    let future = executor.submit(pass, gate.path());
    let called = Arc::new(AtomicUsize::new(0));
    let add_two = || {
        let count = called.clone();
        future.add_done_callback(|_| panic!("on purpose"));
        future.add_done_callback(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
    };
    add_two();
    gate.open();
    assert!(future.get().is_ok());
    assert_eq!(called.load(Ordering::Relaxed), 1);
    add_two();
    assert_eq!(called.load(Ordering::Relaxed), 2);
    assert_eq!(executor.submit(add_one, 2).result().unwrap(), 3);
}

/// Callbacks never run inside a `submit`, `done` or `cancel` of another future, so a lock that both take
/// cannot deadlock.
pub fn callbacks_do_not_interrupt(place: Place) {
    let executor = Subject::new(place, 2);
    let lock = Arc::new(Mutex::new(0));
    for n in 0..2000 {
        let mut held = lock.lock().unwrap();
        let future = executor.submit(add_one, n);
        let doomed = executor.submit(add_one, n);
        doomed.cancel();
        let _ = future.is_done();
        *held += 1;
        drop(held);
        let lock = lock.clone();
        future.add_done_callback(move |_| *lock.lock().unwrap() += 1);
    }
    executor.shutdown();
    assert_eq!(*lock.lock().unwrap(), 4000);
}

/// A callback may poll another future, as long as it does not wait.
pub fn callbacks_may_look(place: Place) {
    let executor = Subject::new(place, 1);
    let (send, receive) = mpsc::channel();
    for n in 0..200 {
        let first = executor.submit(add_one, n);
        let mut second = executor.submit(add_one, n);
        let send = send.clone();
        first.add_done_callback(move |_| {
            // The answer does not matter, as long as the call returns.
            drop(second.result_timeout(Duration::ZERO));
            send.send(()).unwrap();
        });
    }
    (0..200).for_each(|_| receive.recv().unwrap());
}

/// FU-03: threads may borrow a result and add callbacks at the same time; nothing is lost.
pub fn fu_03_with_callbacks(place: Place) {
    let executor = Subject::new(place, 2);
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

/// An unwanted result whose `Drop` panics harms nothing.
pub fn a_panic_in_drop_is_survived(place: Place) {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            // Only on the executor's own threads, which drop unwanted results.
            let thread = std::thread::current();
            let name = thread.name().unwrap_or_default();
            if name.starts_with("hp-") || name.starts_with("ThreadPool") {
                panic!("on purpose");
            }
        }
    }
    let executor = Subject::new(place, 1);
    for _ in 0..5 {
        drop(executor.submit(|()| Bomb, ()));
    }
    assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2);
    executor.shutdown();
}
