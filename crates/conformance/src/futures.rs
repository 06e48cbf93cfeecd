//! Rows about one future: cancelling it, killing it, its callbacks, from several threads at once.

use crate::gate::{Gate, pass};
use crate::harness::{Subject, assert_gone, until};
use crate::place::Place;
use crate::rows::{add_one, fail_on_three, lines, write_line};
use horsepower::{Error, Executor, TaskFuture};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::ThreadId;

/// FU-06: with more tasks than workers, `cancel` succeeds for every task that has not begun, including
/// those already handed to a worker.
pub fn fu_06_only_what_has_begun(place: Place) {
    let executor = Subject::new(place, 2);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let mut gate = Gate::new();
    let task = |(gate, file, n): (PathBuf, PathBuf, u64)| {
        write_line((file, n));
        pass(gate);
    };
    let futures: Vec<_> =
        (0..10).map(|n| executor.submit(task, (gate.path(), file.clone(), n))).collect();
    until(|| futures.iter().filter(|future| future.is_running()).count() == 2);
    let cancelled: Vec<_> = futures.iter().map(TaskFuture::cancel).collect();
    assert_eq!(cancelled.iter().filter(|cancelled| **cancelled).count(), 8, "{cancelled:?}");
    gate.open();
    for (future, cancelled) in futures.into_iter().zip(cancelled) {
        assert_eq!(future.result().is_err_and(|error| error.is_cancelled()), cancelled);
    }
    executor.shutdown();
    assert_eq!(lines(&file).len(), 2, "the others have never run");
}

/// FU-08: a callback added to a future that has ended runs at once, on the thread that adds it.
pub fn fu_08_at_once(place: Place) {
    let executor = Subject::new(place, 1);
    let (returned, failed) = (executor.submit(add_one, 1), executor.submit(fail_on_three, 3));
    assert!(returned.error().is_none() && failed.error().is_some());
    for future in [&returned, &failed] {
        assert_eq!(thread_of_callback(future), Some(std::thread::current().id()));
        std::thread::scope(|scope| {
            let adder = scope.spawn(|| (thread_of_callback(future), std::thread::current().id()));
            let (called, adds) = adder.join().unwrap();
            assert_eq!(called, Some(adds));
        });
    }
}

/// Adds a callback. Returns the thread that called it, if it was called before `add_done_callback`
/// returned.
fn thread_of_callback<T>(future: &TaskFuture<T>) -> Option<ThreadId> {
    let (tell, told) = mpsc::channel();
    future.add_done_callback(move |_| tell.send(std::thread::current().id()).unwrap_or(()));
    told.try_recv().ok()
}

/// FU-08: `cancel` runs the callbacks on its own thread before it returns. When a task ends and nobody
/// waits, a thread of the executor runs them.
pub fn fu_08_on_the_thread_that_ends_it(place: Place) {
    let executor = Subject::new(place, 1);
    let mut gate = Gate::new();
    let running = executor.submit(pass, gate.path());
    let queued = executor.submit(add_one, 1);
    until(|| running.is_running());
    let (tell, told) = mpsc::channel();
    for future_is_queued in [true, false] {
        let tell = tell.clone();
        let callback = move || tell.send(std::thread::current().id()).unwrap_or(());
        if future_is_queued {
            queued.add_done_callback(move |outcome| {
                assert!(outcome.as_ref().is_err_and(Error::is_cancelled));
                callback();
            });
        } else {
            running.add_done_callback(move |_| callback());
        }
    }
    let me = std::thread::current().id();
    assert!(told.try_recv().is_err());
    assert!(queued.cancel());
    assert_eq!(told.try_recv(), Ok(me));
    assert_eq!(thread_of_callback(&queued), Some(me), "it has ended");
    gate.open();
    assert_ne!(told.recv().unwrap(), me);
}

/// FU-10, FU-11: callbacks that panic, with payloads of every kind, on every task of a pool with one
/// worker: the results are there, and the pool goes on.
pub fn fu_11_callbacks_that_panic(place: Place) {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "a payload that panics when it is dropped");
        }
    }
    let executor = Subject::new(place, 1);
    let called = Arc::new(AtomicUsize::new(0));
    for n in 0..30 {
        let future = executor.submit(add_one, n);
        if n % 2 == 0 {
            // Nobody waits, so a thread of the executor or the one that adds them runs the callbacks.
            until(|| future.is_done());
        }
        for how in 0..3 {
            let called = called.clone();
            future.add_done_callback(move |_| {
                called.fetch_add(1, Ordering::SeqCst);
                match how {
                    0 => panic!("on purpose"),
                    1 => std::panic::panic_any(how),
                    _ => std::panic::panic_any(Bomb),
                }
            });
        }
        if n % 3 == 0 {
            let all = 3 * (n as usize + 1);
            until(|| called.load(Ordering::SeqCst) == all);
        }
        assert_eq!(future.result().unwrap(), n + 1);
    }
    assert_eq!(called.load(Ordering::SeqCst), 90);
    assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2);
}

/// FU-12: a future ends once. When cancelling, killing and the end of the task race, they agree on one
/// outcome, and the callbacks run once, with that outcome.
pub fn fu_12_one_end(place: Place) {
    let executor = Subject::new(place, 2);
    for n in 0..150 {
        let future = executor.submit(add_one, n);
        let told = Arc::new(Mutex::new(vec![]));
        let tell = told.clone();
        future.add_done_callback(move |outcome| {
            let cancelled = outcome.as_ref().is_err_and(Error::is_cancelled);
            tell.lock().unwrap().push((outcome.as_ref().ok().copied(), cancelled));
        });
        let kills = place.kills_running() && n % 10 == 0;
        let (first, second) = std::thread::scope(|scope| {
            let first = scope.spawn(|| future.cancel());
            let second = scope.spawn(|| if kills { future.kill() } else { future.cancel() });
            (first.join().unwrap(), second.join().unwrap())
        });
        let outcome = future.get();
        let (value, cancelled) =
            (outcome.as_ref().ok().map(|n| **n), outcome.as_ref().is_err_and(Error::is_cancelled));
        assert!(cancelled || value == Some(n + 1), "{outcome:?}");
        assert_eq!(future.is_cancelled(), cancelled);
        assert!(!first || cancelled, "who was told that it is cancelled was told the truth");
        // `kill` may have come while the task was ending.
        assert!(cancelled || !second || kills);
        assert!(!future.cancel() || cancelled, "an end is for good");
        until(|| !told.lock().unwrap().is_empty());
        assert_eq!(*told.lock().unwrap(), [(value, cancelled)]);
    }
}

/// FU-16: `kill` is refused for a task that has ended, and for a task that runs in this process, where
/// nothing can end it.
pub fn fu_16_refused(place: Place) {
    let executor = Subject::new(place, 1);
    let ended = executor.submit(add_one, 1);
    assert!(ended.error().is_none());
    assert!(!ended.kill());
    assert_eq!(ended.result().unwrap(), 2);
    if place.is_concurrent() && !place.kills_running() {
        let mut gate = Gate::new();
        let running = executor.submit(pass, gate.path());
        until(|| running.is_running());
        assert!(!running.kill() && running.is_running());
        gate.open();
        running.result().unwrap();
    }
}

/// FU-16: `kill` ends a running task and its worker; the next task runs in a new worker. A task that has
/// not begun is cancelled, and no worker is harmed.
pub fn fu_16_kill(place: Place) {
    let executor = Subject::new(place, 1);
    let gate = Gate::new();
    let pid = |gate: Option<PathBuf>| {
        if let Some(gate) = gate {
            pass(gate);
        }
        std::process::id()
    };
    let before = executor.submit(pid, None).result().unwrap();
    let running = executor.submit(pid, Some(gate.path()));
    let queued: Vec<_> = (0..5).map(|_| executor.submit(pid, None)).collect();
    until(|| running.is_running());
    assert!(queued[0].kill());
    assert!(
        queued[0].get().unwrap_err().to_string().ends_with("it was cancelled before it started")
    );
    assert!(running.is_running());
    if !place.kills_running() {
        assert!(!running.kill());
        drop(gate);
        assert_eq!(running.result().unwrap(), before);
        return;
    }
    assert!(running.kill());
    let error = running.get().unwrap_err();
    assert!(error.is_cancelled() && !error.is_worker_death() && error.worker_pid() == Some(before));
    assert!(
        error
            .to_string()
            .ends_with(&format!("it was killed together with worker process {before}"))
    );
    assert!(running.is_cancelled() && running.is_done() && !running.is_running());
    assert!(running.kill() && running.cancel(), "as with `cancel`: it is");
    for future in queued.into_iter().skip(1) {
        let after = future.result().unwrap();
        assert_ne!(after, before, "another worker has taken what waited");
    }
    assert_gone(&[before]);
    assert_eq!(executor.worker_pids().len(), 1);
}
