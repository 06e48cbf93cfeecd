//! Rows about shutting down: waiting, without waiting, cancelling the queue, by force.

use crate::built;
use crate::gate::{Gate, pass};
use crate::harness::{Subject, assert_gone, in_time, is_alive, is_child, threads, until, waiting};
use crate::place::Place;
use crate::rows::{add_one, fail_on_three};
use horsepower::{Error, Executor, ProcessPoolExecutor, ShutdownOptions, TaskFuture};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::{Duration, Instant};

/// No worker leaves because it is idle.
const HOUR: Duration = Duration::from_secs(3600);

/// Task: never ends by itself.
fn endless(_: u64) {
    loop {
        std::thread::park();
    }
}

/// SH-02: a shutdown finishes the queue. When it returns, the threads and processes are gone, although
/// the executor still exists.
pub fn sh_02(place: Place) {
    let executor = built!(place, .workers(5).name(format!("sh_02_{place}")).idle_timeout(HOUR));
    let mut gate = Gate::new();
    let held: Vec<_> = (0..5).map(|_| executor.submit(pass, gate.path())).collect();
    until(|| held.iter().all(TaskFuture::is_running));
    let futures: Vec<_> = (0..50).map(|n| executor.submit(add_one, n)).collect();
    let pids = executor.worker_pids();
    assert_eq!((pids.len(), threads(&format!("sh_02_{place}"))), workers(place, 5));
    gate.open();
    executor.shutdown();
    for (n, future) in futures.into_iter().enumerate() {
        assert!(future.is_done());
        assert_eq!(future.result().unwrap(), n as u64 + 1);
    }
    assert_gone(&pids);
    // The system lists a joined thread for a moment more.
    until(|| threads(&format!("sh_02_{place}")) == 0);
    drop(held);
}

/// How many workers are processes, and how many are threads.
fn workers(place: Place, workers: usize) -> (usize, usize) {
    if place.has_worker_processes() { (workers, 0) } else { (0, workers) }
}

/// SH-03: without waiting, a shutdown returns while tasks run and wait. They are still done, and then the
/// workers leave.
pub fn sh_03_without_waiting(place: Place) {
    let executor = built!(place, .workers(2).name(format!("sh_03_{place}")).idle_timeout(HOUR));
    let mut gate = Gate::new();
    let held: Vec<_> = (0..4).map(|_| executor.submit(pass, gate.path())).collect();
    let queued: Vec<_> = (0..20).map(|n| executor.submit(add_one, n)).collect();
    until(|| held.iter().filter(|future| future.is_running()).count() == 2);
    let pids = executor.worker_pids();
    assert_eq!((pids.len(), threads(&format!("sh_03_{place}"))), workers(place, 2));
    executor.shutdown_with(ShutdownOptions::new().no_wait()).unwrap();
    executor.shutdown_with(ShutdownOptions::new().no_wait()).unwrap();
    assert!(queued.iter().chain(&[]).all(|future| !future.is_done()));
    assert!(executor.submit(add_one, 1).result().unwrap_err().is_shutdown());
    gate.open();
    for (n, future) in queued.into_iter().enumerate() {
        assert_eq!(future.result().unwrap(), n as u64 + 1);
    }
    held.into_iter().for_each(|future| future.result().unwrap());
    until(|| !pids.iter().any(|&pid| is_child(pid)) && threads(&format!("sh_03_{place}")) == 0);
}

/// SH-04: of fifty tasks on five workers, those that have not begun are cancelled, the others return, and
/// every callback runs.
pub fn sh_04_cancel_queued(place: Place) {
    let executor = Subject::new(place, 5);
    let mut gate = Gate::new();
    let futures: Vec<_> = (0..50).map(|_| executor.submit(pass, gate.path())).collect();
    until(|| futures.iter().filter(|future| future.is_running()).count() == 5);
    let called = Arc::new(AtomicUsize::new(0));
    for future in &futures {
        let called = called.clone();
        future.add_done_callback(move |outcome| {
            let cancelled = outcome.as_ref().is_err_and(Error::is_cancelled);
            called.fetch_add(if cancelled { 100 } else { 1 }, Ordering::SeqCst);
        });
    }
    executor.shutdown_with(ShutdownOptions::new().no_wait().cancel_queued()).unwrap();
    // In a process pool another thread runs the callbacks.
    until(|| called.load(Ordering::SeqCst) == 4500);
    assert_eq!(futures.iter().filter(|future| future.is_cancelled()).count(), 45);
    assert_eq!(futures.iter().filter(|future| future.is_running()).count(), 5);
    gate.open();
    executor.shutdown();
    assert!(futures.iter().all(TaskFuture::is_done), "none stays pending");
    assert_eq!(futures.iter().filter(|future| future.get().is_ok()).count(), 5);
    assert_eq!(called.load(Ordering::SeqCst), 4505);
}

/// SH-04, FU-01: a future that a shutdown cancels is never seen as done and not cancelled.
pub fn sh_04_ended_is_cancelled(place: Place) {
    for _ in 0..20 {
        let executor = Subject::new(place, 1);
        let mut gate = Gate::new();
        let running = executor.submit(pass, gate.path());
        let queued: Vec<_> = (0..300).map(|n| executor.submit(add_one, n)).collect();
        until(|| running.is_running());
        executor.shutdown_with(ShutdownOptions::new().no_wait().cancel_queued()).unwrap();
        let seen: Vec<_> = queued
            .iter()
            .map(|future| {
                (future.is_done() && !future.is_cancelled(), future.is_done() && !future.cancel())
            })
            .collect();
        gate.open();
        assert_eq!(seen.iter().filter(|seen| seen.0 || seen.1).count(), 0, "of 300 futures");
    }
}

/// SH-07: during a shutdown, tasks are refused, whether another thread or a callback submits them.
pub fn sh_07_refused_while_ending(place: Place) {
    let executor = Arc::new(Subject::new(place, 1));
    let mut gate = Gate::new();
    let running = executor.submit(pass, gate.path());
    until(|| running.is_running());
    let (tell, told) = mpsc::channel();
    let inside = Arc::downgrade(&executor);
    running.add_done_callback(move |_| {
        let refused = inside.upgrade().map(|executor| executor.submit(add_one, 1).result());
        tell.send(refused).unwrap();
    });
    std::thread::scope(|scope| {
        let ending = scope.spawn(|| executor.shutdown());
        // Tasks are accepted until the shutdown has begun.
        until(|| {
            executor
                .submit(add_one, 1)
                .error_timeout(Duration::ZERO)
                .is_ok_and(|error| error.is_some_and(|error| error.is_shutdown()))
        });
        let mapped = executor.map(add_one, [1, 2]).next();
        let still = !ending.is_finished() && running.is_running();
        gate.open();
        ending.join().unwrap();
        assert!(still && mapped.unwrap().unwrap_err().is_shutdown());
    });
    assert!(told.recv().unwrap().unwrap().unwrap_err().is_shutdown());
    running.result().unwrap();
}

/// SH-10: a shutdown by force ends endless tasks and a hundred that wait, and their futures say so. On an
/// unused executor, or one that has ended, it does nothing.
pub fn sh_10_by_force(place: Place) {
    let force = || ShutdownOptions::new().cancel_queued().kill_running();
    let unused = Subject::new(place, 2);
    unused.shutdown_with(force()).unwrap();
    unused.shutdown_with(force()).unwrap();

    let executor = Subject::new(place, 2);
    if !place.kills_running() {
        // A task in this process cannot be killed.
        assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2);
        executor.shutdown_with(force()).unwrap();
        return;
    }
    let running = [executor.submit(endless, 1), executor.submit(endless, 2)];
    let queued: Vec<_> = (0..100).map(|n| executor.submit(endless, n)).collect();
    until(|| running.iter().all(TaskFuture::is_running));
    let pids = executor.worker_pids();
    executor.shutdown_with(force()).unwrap();
    assert_gone(&pids);
    for future in running.into_iter().chain(queued) {
        assert!(future.is_done() && future.result().unwrap_err().is_cancelled());
    }
    executor.shutdown_with(force()).unwrap();
    assert!(executor.submit(add_one, 1).result().unwrap_err().is_shutdown());
}

/// SH-10: executors inside tasks end with the tasks.
pub fn sh_10_executors_inside(place: Place) {
    let executor = Subject::new(place, 2);
    let folder = tempfile::tempdir().unwrap();
    let nest = |file: PathBuf| {
        let inner = ProcessPoolExecutor::with_workers(2).unwrap();
        let futures = [inner.submit(endless, 1), inner.submit(endless, 2)];
        until(|| futures.iter().all(TaskFuture::is_running));
        let pids: Vec<String> = inner.worker_pids().iter().map(u32::to_string).collect();
        std::fs::write(file.with_extension("new"), pids.join(" ")).unwrap();
        std::fs::rename(file.with_extension("new"), file).unwrap();
        inner.shutdown();
    };
    let files = ["one", "two"].map(|name| folder.path().join(name));
    let futures = files.each_ref().map(|file| executor.submit(nest, file.clone()));
    until(|| files.iter().all(|file| file.exists()));
    let inner: Vec<u32> = files
        .iter()
        .flat_map(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            text.split(' ').map(|pid| pid.parse().unwrap()).collect::<Vec<_>>()
        })
        .collect();
    assert!(inner.len() == 4 && inner.iter().all(|&pid| is_alive(pid)));
    executor.shutdown_with(ShutdownOptions::new().cancel_queued().kill_running()).unwrap();
    assert!(futures.iter().all(TaskFuture::is_cancelled));
    until(|| !inner.iter().any(|&pid| is_alive(pid)));
}

/// SH-12: a shutdown takes a time limit. When it is over that is an error, and one may wait again or use
/// force. Waiting always closes the executor.
pub fn sh_12_with_a_limit_of_time(place: Place) {
    for force in [false, true] {
        sh_12_then(place, force);
    }
}

/// Waits with too short limits, then ends the executor by force or waits for it.
fn sh_12_then(place: Place, force: bool) {
    let executor = Subject::new(place, 1);
    let mut gate = Gate::new();
    let running = executor.submit(pass, gate.path());
    let queued = executor.submit(add_one, 1);
    until(|| running.is_running());
    let start = Instant::now();
    for millis in [0, 1, 30] {
        let options = ShutdownOptions::new().timeout(Duration::from_millis(millis));
        let error = executor.shutdown_with(options).unwrap_err();
        assert!(error.is_timeout(), "{error}");
        let text = "timed out waiting for the executor to shut down; wait again";
        assert!(error.to_string().starts_with(text), "{error}");
    }
    assert!(start.elapsed() >= Duration::from_millis(31));
    assert!(running.is_running() && !queued.is_done());
    if force {
        // A task on a thread cannot be killed.
        if !place.kills_running() {
            gate.open();
        }
        let force = ShutdownOptions::new().cancel_queued().kill_running();
        executor.shutdown_with(force).unwrap();
        let ended = place.kills_running();
        assert_eq!((running.is_done(), running.is_cancelled()), (true, ended));
        assert!(queued.is_done() && (queued.is_cancelled() || !ended));
        return;
    }
    gate.open();
    executor.shutdown_with(ShutdownOptions::new().timeout(Duration::MAX)).unwrap();
    assert_eq!(queued.result().unwrap(), 2);
}

/// SH-13: when an executor with ten queued tasks is stopped, every future ends, those that have not begun
/// as cancelled, and every waiter is woken.
pub fn sh_13_every_future_ends(place: Place) {
    for force in [false, true] {
        let executor = Subject::new(place, 1);
        let mut gate = Gate::new();
        let running = executor.submit(pass, gate.path());
        let queued: Vec<_> = (0..10).map(|n| executor.submit(fail_on_three, n)).collect();
        until(|| running.is_running());
        std::thread::scope(|scope| {
            let waiters: Vec<_> = queued
                .iter()
                .map(|future| waiting(scope, || future.get().unwrap_err().is_cancelled()))
                .collect();
            let options = ShutdownOptions::new().no_wait().cancel_queued();
            let options = if force { options.kill_running() } else { options };
            executor.shutdown_with(options).unwrap();
            assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap()));
        });
        if !(force && place.kills_running()) {
            gate.open();
        }
        let killed = running.result().is_err_and(|error| error.is_cancelled());
        assert_eq!(killed, force && place.kills_running());
    }
}

/// SH-11: the callback of a task that a shutdown cancels may shut down too; it does not wait for itself.
pub fn sh_11_in_the_callback_of_a_cancelled_task(place: Place) {
    let executor = Arc::new(Subject::new(place, 1));
    let mut gate = Gate::new();
    let running = executor.submit(pass, gate.path());
    let queued = executor.submit(add_one, 1);
    until(|| running.is_running());
    let (tell, told) = mpsc::channel();
    let inside = Arc::downgrade(&executor);
    queued.add_done_callback(move |_| {
        let executor = inside.upgrade().unwrap();
        tell.send(()).unwrap();
        executor.shutdown();
    });
    let options = ShutdownOptions::new().no_wait().cancel_queued();
    std::thread::scope(|scope| {
        let ending = scope.spawn(|| executor.shutdown_with(options).unwrap());
        told.recv().unwrap();
        gate.open();
        ending.join().unwrap();
    });
    running.result().unwrap();
    assert!(queued.is_cancelled());
}

/// SH-11: the same in the callback of a task that missed its queue deadline, while another task waits for
/// its retry.
pub fn sh_11_in_the_callback_of_a_late_task(place: Place) {
    in_time(Duration::from_millis(20), |limit| {
        let executor = Arc::new(Subject::new(place, 1));
        let mut gate = Gate::new();
        let pause = Duration::from_millis(150);
        let failing = executor.task(fail_on_three, 3).retries(1).backoff(pause).submit();
        until(|| executor.stats().retried == 1);
        let running = executor.submit(pass, gate.path());
        let late = executor.task(add_one, 1).queue_deadline(limit).submit();
        let (tell, told) = mpsc::channel();
        let inside = Arc::downgrade(&executor);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                until(|| late.is_done());
                gate.open();
            });
            late.add_done_callback(move |outcome| {
                assert!(outcome.as_ref().is_err_and(Error::is_deadline));
                let executor = inside.upgrade().unwrap();
                executor.shutdown();
                drop(executor);
                tell.send(std::thread::current().id()).unwrap();
            });
        });
        let caller = told.recv().unwrap();
        running.result().unwrap();
        assert!(failing.result().unwrap_err().is_panic(), "it was tried again");
        // The deadline must not pass before there is a callback.
        (caller != std::thread::current().id()).then_some(())
    });
}

/// SH-11: a callback may shut its executor down without waiting; waiting for it is an error.
pub fn sh_11_waiting_in_a_callback(place: Place) {
    let executor = Arc::new(Subject::new(place, 1));
    let mut gate = Gate::new();
    let running = executor.submit(pass, gate.path());
    let queued = executor.submit(add_one, 1);
    let answers = Arc::new(OnceLock::new());
    let (inside, answer) = (Arc::downgrade(&executor), answers.clone());
    let (tell, told) = mpsc::channel();
    running.add_done_callback(move |_| {
        let executor = inside.upgrade().unwrap();
        let now = executor.shutdown_with(ShutdownOptions::new().no_wait()).is_ok();
        let waits = executor.shutdown_with(ShutdownOptions::new()).unwrap_err();
        answer.set((now, waits.is_invalid(), waits.to_string())).unwrap();
        drop(executor);
        tell.send(()).unwrap();
    });
    gate.open();
    told.recv().unwrap();
    let (now, invalid, text) = answers.get().unwrap();
    assert!(now & invalid, "{text}");
    assert!(text.contains("cannot wait for its own shutdown in one of its own"), "{text}");
    assert_eq!(queued.result().unwrap(), 2, "what was submitted is done");
    executor.shutdown();
}

/// SH-09: tasks of a full queue are cancelled at once, and the shutdown returns.
pub fn sh_09_with_a_full_queue(place: Place) {
    for _ in 0..10 {
        let executor = Subject::new(place, 1);
        let mut gate = Gate::new();
        let held = executor.submit(pass, gate.path());
        let queued: Vec<_> = (0..300).map(|n| executor.submit(add_one, n)).collect();
        assert!(queued.iter().rev().all(TaskFuture::cancel));
        gate.open();
        executor.shutdown();
        assert!(held.is_done() && queued.iter().all(TaskFuture::is_cancelled));
    }
}

/// SH-09: the same with a queue limit, while a thread waits for room.
pub fn sh_09_with_a_limit(place: Place) {
    for _ in 0..10 {
        let executor = built!(place, .workers(1).queue_limit(3));
        let mut gate = Gate::new();
        let held = executor.submit(pass, gate.path());
        let queued: Vec<_> = (0..3).map(|n| executor.submit(add_one, n)).collect();
        std::thread::scope(|scope| {
            let late = waiting(scope, || executor.submit(add_one, 1).result());
            assert!(queued[1].cancel());
            // It finds room or is refused; it does not wait forever.
            gate.open();
            executor.shutdown();
            let late = late.join().unwrap();
            assert!(late.is_ok() || late.is_err_and(|error| error.is_shutdown()));
        });
        assert!(held.is_done() && queued.iter().all(TaskFuture::is_done));
    }
}
