//! Rows about the end of a pool, as in `multiprocessing.Pool` and `concurrent.futures`.

use crate::gate::{Gate, pass};
use crate::harness::{Subject, assert_gone, until, worker_pids};
use crate::place::Place;
use crate::rows::{add_one, fail_on_three, lines, write_line};
use horsepower::{Executor, ShutdownOptions, Until, wait};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// PO-07: a callback is called once, with the result or the error, before any waiter gets the answer.
pub fn po_07(place: Place) {
    let executor = Subject::new(place, 2);
    let task = |(gate, n)| {
        pass(gate);
        fail_on_three(n)
    };
    for n in 0..50 {
        let calls = Arc::new(AtomicUsize::new(0));
        // The task ends after the callback was added, except in line.
        let mut gate = Gate::new();
        if !place.is_concurrent() {
            gate.open();
        }
        let future = executor.submit(task, (gate.path(), n));
        let count = calls.clone();
        future.add_done_callback(move |outcome| {
            match outcome {
                Ok(value) => assert!(*value == n && n != 3),
                Err(error) => assert!(error.is_panic() && n == 3),
            }
            count.fetch_add(1, Ordering::SeqCst);
        });
        gate.open();
        match n % 3 {
            0 => assert_eq!(future.error().is_some(), n == 3),
            1 => assert_eq!(wait([&future], Until::AllCompleted, None).done.len(), 1),
            _ => assert!(future.get().is_ok()),
        }
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }
}

/// PO-09: tasks submitted before the shutdown are done, later ones are refused; shutting down again is
/// fine.
pub fn po_09(place: Place) {
    let executor = Subject::new(place, 2);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let futures: Vec<_> = (0..50).map(|n| executor.submit(write_line, (file.clone(), n))).collect();
    executor.shutdown_with(ShutdownOptions::new().no_wait()).unwrap();
    assert!(executor.submit(add_one, 1).result().unwrap_err().is_shutdown());
    executor.shutdown_with(ShutdownOptions::new()).unwrap();
    assert!(futures.iter().all(|future| future.is_done()));
    assert!(futures.into_iter().all(|future| future.result().is_ok()));
    assert_eq!(lines(&file), (0..50).collect::<Vec<_>>());
    executor.shutdown_with(ShutdownOptions::new().timeout(Duration::ZERO)).unwrap();
    assert!(executor.submit(add_one, 1).result().unwrap_err().is_shutdown());
}

/// EX-14, PO-11: dropping the executor finishes the queue, then the workers leave; futures stay readable.
pub fn ex_14(place: Place) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let task = |(file, n)| {
        write_line((file, n));
        (n, vec![n; 20_000])
    };
    let executor = place.executor(2).unwrap();
    let mut futures: Vec<_> = (0..50).map(|n| executor.submit(task, (file.clone(), n))).collect();
    let failed = executor.submit(fail_on_three, 3);
    let pids = worker_pids(&executor);
    drop(executor);
    assert_gone(&pids);
    assert_eq!(lines(&file), (0..50).collect::<Vec<_>>());
    for (n, future) in (0..).zip(&mut futures) {
        assert!(future.is_done() && !future.is_running() && !future.cancel());
        let now = future.result_timeout(Duration::ZERO);
        assert!(now.unwrap() == (n, vec![n; 20_000]));
    }
    assert!(failed.result().unwrap_err().is_panic());
}

// What follows needs concurrent tasks.

/// PO-06: a wait that is too short is an error of its own, and a later one returns the value; a look before
/// the end finds none.
pub fn po_06(place: Place) {
    let executor = Subject::new(place, 1);
    let mut gate = Gate::new();
    let task = |gate| {
        pass(gate);
        7
    };
    let mut future = executor.submit(task, gate.path());
    // The gate is closed: each wait returns because its time is over.
    let short = Duration::from_millis(20);
    for _ in 0..5 {
        let start = Instant::now();
        assert!(future.result_timeout(short).is_err() && future.error_timeout(short).is_err());
        assert!(wait([&future], Until::AllCompleted, Some(short)).done.is_empty());
        assert!(start.elapsed() >= 3 * short);
    }
    let error = future.result_timeout(short).unwrap_err();
    assert!(error.is_timeout() && error.task_name().is_some(), "{error}");
    assert!(
        error.to_string().contains("timed out waiting; it is still pending or running"),
        "{error}"
    );
    assert!(future.error_timeout(short).unwrap_err().is_timeout());
    assert!(!future.is_done());
    gate.open();
    assert!(future.error_timeout(Duration::from_secs(100)).unwrap().is_none());
    assert_eq!(future.result_timeout(Duration::ZERO).unwrap(), 7);
}

/// PO-10: a shutdown by force does not wait for ten thousand queued tasks, none of which would end by
/// itself; each future ends.
pub fn po_10(place: Place) {
    let executor = Subject::new(place, 2);
    let mut gate = Gate::new();
    let futures: Vec<_> = (0..10_000).map(|_| executor.submit(pass, gate.path())).collect();
    until(|| futures.iter().any(|future| future.is_running()));
    let options = ShutdownOptions::new().cancel_queued().kill_running();
    if !place.kills_running() {
        // A task on a thread cannot be killed.
        let error = executor.shutdown_with(options.timeout(Duration::ZERO)).unwrap_err();
        assert!(error.is_timeout() && error.to_string().contains("wait again"), "{error}");
        gate.open();
    }
    executor.shutdown_with(options).unwrap();
    assert!(futures.iter().all(|future| future.is_done()));
    let errors: Vec<_> = futures.into_iter().filter_map(|future| future.result().err()).collect();
    assert!(errors.iter().all(|error| error.is_cancelled()));
    if place.kills_running() {
        assert_eq!(errors.len(), 10_000);
    } else {
        assert!(errors.len() >= 10_000 - 2);
    }
}

/// EX-22: in line, a task may wait for a task of its own executor, which runs inside it.
pub fn ex_22_inline(place: Place) {
    assert_eq!(place, Place::Inline);
    let executor = horsepower::InlineExecutor::new();
    let outer = executor.spawn(|| executor.submit(add_one, 1).result().unwrap());
    assert_eq!(outer.result().unwrap(), 2);
}

/// EX-22: on the only thread of a pool, a task that waits for another task of that pool would wait
/// forever; with a timeout it does not.
pub fn ex_22(place: Place) {
    // In a process this cannot happen: a worker cannot reach its parent's pool.
    assert_eq!(place, Place::Threads);
    let pool = Arc::new(horsepower::ThreadPoolExecutor::with_workers(1).unwrap());
    let inside = pool.clone();
    let outer = pool.spawn(move || {
        let mut inner = inside.submit(add_one, 1);
        let error = inner.result_timeout(Duration::from_millis(20)).unwrap_err();
        (error.is_timeout(), inner)
    });
    let (timeout, inner) = outer.result().unwrap();
    assert!(timeout);
    assert_eq!(inner.result().unwrap(), 2, "once there is a worker for it");
    until(|| Arc::strong_count(&pool) == 1);
}

/// Task: waits at the gate, then does as [`write_line`].
pub(crate) fn pass_and_write((gate, file, n): (PathBuf, PathBuf, u64)) {
    pass(gate);
    write_line((file, n));
}

/// EX-14: one thread may drop the executor while another still waits for its futures; no work is lost.
pub fn ex_14_dropped_while_others_wait(place: Place) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let executor = Subject::new(place, 1);
    let mut gate = Gate::new();
    let futures: Vec<_> =
        (0..10).map(|n| executor.submit(pass_and_write, (gate.path(), file.clone(), n))).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| drop(executor));
        let waits = scope.spawn(|| futures.into_iter().all(|future| future.result().is_ok()));
        gate.open();
        assert!(waits.join().unwrap());
    });
    assert_eq!(lines(&file), (0..10).collect::<Vec<_>>());
}

/// PO-10: nor does a shutdown wait for tasks that were given to a worker which is still starting.
pub fn po_10_at_once(place: Place) {
    for tasks in [1, 2, 300] {
        let executor = Subject::new(place, 2);
        let futures: Vec<_> = (0..tasks).map(|n| executor.submit(add_one, n)).collect();
        executor.shutdown_with(ShutdownOptions::new().cancel_queued()).unwrap();
        for (n, future) in (0..).zip(futures) {
            match future.result() {
                Ok(value) => assert_eq!(value, n + 1),
                Err(error) => assert!(error.is_cancelled(), "{error}"),
            }
        }
    }
}
