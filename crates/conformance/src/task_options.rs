//! Rows about the options of one task: name, retries, queue deadline, and what only processes offer.

use crate::gate::{Gate, pass};
use crate::harness::{Subject, in_time, until};
use crate::place::Place;
use crate::rows::{add_one, fail_on_three, lines, write_line};
use horsepower::{Error, Executor, MapOptions, OnError, TaskOptions};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Task: writes a line when it begins, and panics until it has begun so many times.
fn succeed_at((file, tries): (PathBuf, u64)) -> u64 {
    let before = lines(&file).len() as u64;
    write_line((file, before));
    assert!(before + 1 >= tries, "try {before} fails");
    before + 1
}

/// A task's name appears in its future and in its errors, and nowhere else.
pub fn names(place: Place) {
    let executor = Subject::new(place, 1);
    let future = executor.task(fail_on_three, 3).name("the third").submit();
    assert_eq!(future.name(), "the third");
    let error = future.result().unwrap_err();
    assert_eq!(error.task_name(), Some("the third"));
    assert!(error.to_string().starts_with("task the third: it panicked at "), "{error}");
    let options = TaskOptions::new().name(format!("number {}", 4));
    let future = executor.task(fail_on_three, 4).options(options.clone()).submit();
    assert!(format!("{future:?}").starts_with("TaskFuture(number 4: "), "{future:?}");
    assert_eq!(future.result().unwrap(), 4);
    executor.shutdown();
    let error = executor.task(fail_on_three, 4).options(options).submit().result().unwrap_err();
    assert!(error.is_shutdown() && error.task_name() == Some("number 4"), "{error}");
}

/// A task begins once unless retries were asked for; then it begins until it succeeds or the retries are
/// used up.
pub fn retries(place: Place) {
    let executor = Subject::new(place, 1);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let error = executor.submit(succeed_at, (file("one"), 2)).result().unwrap_err();
    assert_eq!(error.panic_message(), Some("try 0 fails"));
    assert_eq!(lines(&file("one")), [0]);

    let future = executor.task(succeed_at, (file("three"), 3)).retries(5).submit();
    assert_eq!(future.result().unwrap(), 3);
    assert_eq!(lines(&file("three")), [0, 1, 2]);

    let future = executor.task(succeed_at, (file("never"), 100)).retries(2).submit();
    assert_eq!(future.result().unwrap_err().panic_message(), Some("try 2 fails"));
    assert_eq!(lines(&file("never")), [0, 1, 2]);
}

/// The backoff comes before the first retry, and doubles for each further one.
pub fn backoff(place: Place) {
    let executor = Subject::new(place, 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let start = Instant::now();
    let pause = Duration::from_millis(20);
    let task = executor.task(succeed_at, (file.clone(), 4)).retries(3).backoff(pause);
    assert_eq!(task.submit().result().unwrap(), 4);
    assert!(start.elapsed() >= 7 * pause, "{:?}", start.elapsed());
}

/// Options that end or watch a process are refused where there is none: the task does not run, and the
/// error names the executor to use.
pub fn refused_without_processes(place: Place) {
    let executor = Subject::new(place, 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let refused = |error: Error, what: &str| {
        assert!(error.is_invalid(), "{error}");
        assert!(error.to_string().contains(what), "{error}");
        assert!(error.to_string().ends_with("use a process pool"), "{error}");
    };
    let hour = Duration::from_secs(3600);
    let deadline = executor.task(write_line, (file.clone(), 1)).deadline(hour).submit();
    refused(deadline.result().unwrap_err(), "a deadline kills the process");
    let capture = executor.task(write_line, (file.clone(), 1)).capture_output().submit();
    assert_eq!(capture.output(), None);
    refused(capture.result().unwrap_err(), "capturing output redirects the process");
    let options = MapOptions::new().deadline(hour).on_error(OnError::Continue);
    let items: Vec<_> = (0..5).map(|n| (file.clone(), n)).collect();
    let results: Vec<_> = executor.tasks(write_line, items).options(options).map().collect();
    assert_eq!(results.len(), 5);
    for result in results {
        refused(result.unwrap_err(), "a deadline kills the process");
    }
    assert!(lines(&file).is_empty(), "nothing of it has run");
    let allowed = executor.task(add_one, 1).grace(hour).queue_deadline(hour).retries(1).submit();
    assert_eq!(allowed.result().unwrap(), 2);
}

/// `kill` of a task that has ended does nothing.
pub fn kill_what_has_ended(place: Place) {
    let executor = Subject::new(place, 1);
    let future = executor.submit(add_one, 1);
    assert_eq!(future.get().unwrap(), &2);
    assert!(!future.kill(), "it has ended");
    assert_eq!(future.result().unwrap(), 2);
}

// What follows needs concurrent tasks.

/// FA-15: a task that has not begun by its queue deadline never does; one that has begun is left alone.
pub fn fa_15_queue_deadline(place: Place) {
    let executor = Subject::new(place, 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let limit = Duration::from_millis(20);
    let mut gate = Gate::new();
    let long = Duration::from_secs(3600);
    let running = executor.task(pass, gate.path()).queue_deadline(long).submit();
    until(|| running.is_running());
    let start = Instant::now();
    let late = executor.task(write_line, (file.clone(), 1)).queue_deadline(limit).submit();
    let patient = executor.task(write_line, (file.clone(), 2)).queue_deadline(long).submit();
    let error = late.result().unwrap_err();
    assert!(start.elapsed() >= limit);
    assert!(error.is_deadline() && !error.is_timeout() && !error.is_cancelled(), "{error}");
    assert!(
        error.to_string().contains("queue deadline of 20ms exceeded; the task never started"),
        "{error}"
    );
    assert_eq!(error.worker_pid(), None);
    gate.open();
    running.result().unwrap();
    patient.result().unwrap();
    assert_eq!(lines(&file), [2]);

    // One that has begun in time may take as long as it likes.
    in_time(Duration::from_millis(100), |limit| {
        let mut gate = Gate::new();
        let start = Instant::now();
        let slow = executor.task(pass, gate.path()).queue_deadline(limit).submit();
        until(|| slow.is_running() || slow.is_done());
        let has_begun = slow.is_running();
        std::thread::sleep((limit + Duration::from_millis(10)).saturating_sub(start.elapsed()));
        gate.open();
        let outcome = slow.result();
        has_begun.then(|| outcome.unwrap())
    });
}

/// A task that waits for a retry can be cancelled and does not begin again; meanwhile its worker is free.
pub fn cancelled_during_backoff(place: Place) {
    let executor = Subject::new(place, 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let hour = Duration::from_secs(3600);
    let task = executor.task(succeed_at, (file.clone(), 2)).retries(1).backoff(hour);
    let future = task.submit();
    let called = Arc::new(AtomicUsize::new(0));
    let count = called.clone();
    future.add_done_callback(move |outcome| {
        assert!(outcome.as_ref().unwrap_err().is_cancelled());
        count.fetch_add(1, Ordering::Relaxed);
    });
    until(|| lines(&file).len() == 1 && !future.is_running() && executor.stats().retried == 1);
    assert!(!future.is_done());
    assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2);
    assert!(future.cancel());
    assert_eq!(called.load(Ordering::Relaxed), 1);
    let error = future.result().unwrap_err();
    assert!(error.is_cancelled() && error.may_have_begun(), "{error}");
    assert!(error.to_string().ends_with("it was cancelled before it was retried"), "{error}");
    executor.shutdown();
    assert_eq!(lines(&file), [0]);
}

/// A retry happens although nobody waits for the task.
pub fn retries_need_nobody_who_waits(place: Place) {
    let executor = Subject::new(place, 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let future = executor.task(succeed_at, (file.clone(), 2)).retries(1).submit();
    until(|| lines(&file).len() == 2);
    assert_eq!(future.result().unwrap(), 2);
}

/// A shutdown that cancels the queue also cancels a task that waits for a retry; any other shutdown waits
/// for it.
pub fn shutdown_during_backoff(place: Place) {
    use horsepower::ShutdownOptions;
    for cancels in [true, false] {
        let executor = Subject::new(place, 1);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lines");
        let pause = if cancels { Duration::from_secs(3600) } else { Duration::from_millis(50) };
        let task = executor.task(succeed_at, (file.clone(), 2)).retries(1).backoff(pause);
        let future = task.submit();
        // The callback sees the end, although nobody waits.
        future.add_done_callback(|_| {});
        until(|| executor.stats().retried == 1);
        let options = ShutdownOptions::new();
        let options = if cancels { options.cancel_queued() } else { options };
        executor.shutdown_with(options).unwrap();
        assert!(future.is_done());
        assert_eq!(future.result().is_ok(), !cancels);
        assert_eq!(lines(&file).len(), if cancels { 1 } else { 2 });
    }
}

/// `kill` of a task that has not begun cancels it.
pub fn kill_what_has_not_begun(place: Place) {
    let executor = Subject::new(place, 1);
    let mut gate = Gate::new();
    let running = executor.submit(pass, gate.path());
    let waiting = executor.submit(add_one, 1);
    until(|| running.is_running());
    assert!(waiting.kill());
    let error = waiting.result().unwrap_err();
    assert!(error.is_cancelled() && error.to_string().ends_with("cancelled before it started"));
    gate.open();
    running.result().unwrap();
}

/// `stats` counts the calls that are queued, run, and have ended in each way.
pub fn stats(place: Place) {
    let executor = Subject::new(place, 1);
    let numbers = || {
        let stats = executor.stats();
        let ended = (stats.done, stats.failed, stats.cancelled, stats.retried);
        (stats.queued, stats.running, ended)
    };
    assert_eq!(numbers(), (0, 0, (0, 0, 0, 0)));
    let mut gate = Gate::new();
    let running = executor.submit(pass, gate.path());
    until(|| running.is_running());
    let waiting = [1, 2, 3].map(|n| executor.submit(fail_on_three, n));
    assert_eq!(numbers(), (3, 1, (0, 0, 0, 0)));
    assert!(waiting[0].cancel());
    gate.open();
    running.result().unwrap();
    let [_, two, three] = waiting;
    assert!(two.result().is_ok() && three.result().is_err());
    until(|| numbers() == (0, 0, (2, 1, 1, 0)));
    let go_on = MapOptions::new().on_error(OnError::Continue).chunk_size(5);
    assert_eq!(executor.tasks(fail_on_three, 0..10).options(go_on).map().count(), 10);
    until(|| numbers() == (0, 0, (11, 2, 1, 0)));
}

/// A task that was retried is counted once, as it ended; each retry is counted too.
pub fn stats_of_retries(place: Place) {
    let executor = Subject::new(place, 1);
    let failed = executor.task(fail_on_three, 3).retries(2).submit();
    assert!(failed.result().is_err());
    until(|| {
        let stats = executor.stats();
        (stats.queued, stats.running, stats.failed, stats.retried) == (0, 0, 1, 2)
    });
}

/// `stats` counts a task that has ended, although nobody has asked for its result.
pub fn stats_need_nobody_who_waits(place: Place) {
    let executor = Subject::new(place, 1);
    let future = executor.submit(add_one, 1);
    until(|| {
        let stats = executor.stats();
        (stats.queued, stats.running, stats.done) == (0, 0, 1)
    });
    assert_eq!(future.result().unwrap(), 2);
}

/// `stats` counts a cancelled task as cancelled and no longer as queued.
pub fn stats_of_cancelled(place: Place) {
    let executor = Subject::new(place, 1);
    let numbers = || {
        let stats = executor.stats();
        (stats.queued, stats.running, stats.cancelled)
    };
    let mut gate = Gate::new();
    let running = executor.submit(pass, gate.path());
    until(|| running.is_running());
    let waiting: Vec<_> = (0..5).map(|n| executor.submit(add_one, n)).collect();
    assert!(waiting[3].cancel());
    assert_eq!(numbers(), (4, 1, 1));
    let options = horsepower::ShutdownOptions::new().cancel_queued();
    executor.shutdown_with(options.no_wait()).unwrap();
    assert!(waiting.into_iter().all(|future| future.result().unwrap_err().is_cancelled()));
    assert_eq!(numbers(), (0, 1, 5));
    gate.open();
    running.result().unwrap();
}
