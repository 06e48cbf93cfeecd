//! The rows that any executor can show. Where a row needs tasks that wait, it takes executors that
//! run tasks beside the caller; those are in the second half.

use crate::gate::{Gate, pass};
use crate::lab::{Subject, until};
use horsepower::{AnyExecutor, Error, Executor, ExecutorKind, MapOptions, OnError};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

fn add_one(n: u64) -> u64 {
    n + 1
}

fn fail_on_three(n: u64) -> u64 {
    assert!(n != 3, "three is refused");
    n
}

/// Adds a line to a file: how a task in another process shows that it has run.
fn write_line((file, line): (PathBuf, u64)) {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn lines(file: &PathBuf) -> Vec<u64> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut lines: Vec<u64> = text.lines().map(|line| line.parse().unwrap()).collect();
    lines.sort_unstable();
    lines
}

/// EX-01: submit, result; no workers is an error when the executor is made.
pub fn ex_01(kind: ExecutorKind) {
    let executor = Subject::new(kind, 2);
    assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2);
    assert_eq!(executor.submit(|(a, b)| u64::pow(a, b), (2, 10)).result().unwrap(), 1024);
    let error = AnyExecutor::new(kind, Some(0)).unwrap_err();
    assert!(error.is_invalid());
    assert_eq!(error.to_string(), "workers must be greater than 0");
}

/// EX-03: the default number of workers is the number of usable CPUs (one for the in-line executor).
pub fn ex_03(kind: ExecutorKind) {
    let executor = AnyExecutor::new(kind, None).unwrap();
    let usable = horsepower::info::usable_cpus().get();
    assert_eq!(executor.workers(), if kind == ExecutorKind::Inline { 1 } else { usable });
}

/// EX-07: results come in the order of the items, whatever the order of their ends.
pub fn ex_07(kind: ExecutorKind) {
    let executor = Subject::new(kind, 2);
    let slow_first = |n: u64| {
        if n == 0 {
            std::thread::sleep(Duration::from_millis(30));
        }
        n * 10
    };
    let results: Result<Vec<_>, _> = executor.map(slow_first, 0..50).collect();
    assert_eq!(results.unwrap(), (0..50).map(|n| n * 10).collect::<Vec<_>>());
}

/// EX-08: a map whose results nobody reads runs all the same, within the window; and an endless
/// input is no trouble.
pub fn ex_08(kind: ExecutorKind) {
    let executor = Subject::new(kind, 2);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let items: Vec<_> = (0..100).map(|n| (file.clone(), n)).collect();
    let map = executor.map(write_line, items);
    until(|| lines(&file).len() == 100);
    drop(map);
    assert_eq!(lines(&file), (0..100).collect::<Vec<_>>());

    let drawn = AtomicUsize::new(0);
    let endless = (0u64..).inspect(|_| {
        drawn.fetch_add(1, Ordering::Relaxed);
    });
    let taken: Result<Vec<_>, _> = executor.map(add_one, endless).take(10).collect();
    assert_eq!(taken.unwrap(), (1..=10).collect::<Vec<_>>());
    let drawn = drawn.load(Ordering::Relaxed);
    assert!((1024..200_000).contains(&drawn), "{drawn} items were drawn");
}

/// EX-08: the window bounds what is drawn ahead of the reader.
pub fn ex_08_window(kind: ExecutorKind) {
    let executor = Subject::new(kind, 2);
    let drawn = AtomicUsize::new(0);
    let items = (0u64..).inspect(|_| {
        drawn.fetch_add(1, Ordering::Relaxed);
    });
    let mut map = executor.map_with(MapOptions::new().window(7), add_one, items);
    for read in 1..=100u64 {
        assert_eq!(map.next().unwrap().unwrap(), read);
        assert!(drawn.load(Ordering::Relaxed) <= read as usize + 7);
    }
}

/// EX-09: an error comes at its own place, after the results before it; then the map is over.
pub fn ex_09(kind: ExecutorKind) {
    let executor = Subject::new(kind, 2);
    let mut map = executor.map(fail_on_three, 0..100);
    for n in 0..3 {
        assert_eq!(map.next().unwrap().unwrap(), n);
    }
    let error = map.next().unwrap().unwrap_err();
    assert_eq!(error.panic_message(), Some("three is refused"));
    assert!(map.next().is_none());
    assert!(map.next().is_none());
}

/// EX-12, PO-01: any chunk size gives the same; none at all is refused.
pub fn ex_12(kind: ExecutorKind) {
    let executor = Subject::new(kind, 2);
    for size in [1, 6, 40, 50] {
        let options = MapOptions::new().chunk_size(size);
        let results: Result<Vec<_>, _> = executor.map_with(options, add_one, 0..40).collect();
        assert_eq!(results.unwrap(), (1..=40).collect::<Vec<_>>());
    }
    assert!(std::panic::catch_unwind(|| MapOptions::new().chunk_size(0)).is_err());
}

/// EX-13: leaving the scope waits for all work, also when the scope is left by a panic.
pub fn ex_13(kind: ExecutorKind) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let left = std::panic::catch_unwind(|| {
        let executor = Subject::new(kind, 2);
        for n in 0..20 {
            // Dropped futures change nothing.
            drop(executor.submit(write_line, (file.clone(), n)));
        }
        std::panic::resume_unwind(Box::new("on purpose"));
    });
    assert!(left.is_err());
    assert_eq!(lines(&file), (0..20).collect::<Vec<_>>());
}

/// EX-19: what belongs to a task is released when it has ended, though the executor lives on and
/// nobody asked for the result.
pub fn ex_19(kind: ExecutorKind) {
    static LIVING: AtomicUsize = AtomicUsize::new(0);
    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(from = "u8", into = "u8")]
    struct Counted(u8);
    impl From<u8> for Counted {
        fn from(n: u8) -> Counted {
            LIVING.fetch_add(1, Ordering::SeqCst);
            Counted(n)
        }
    }
    impl From<Counted> for u8 {
        fn from(counted: Counted) -> u8 {
            counted.0
        }
    }
    impl Clone for Counted {
        fn clone(&self) -> Counted {
            Counted::from(self.0)
        }
    }
    impl Drop for Counted {
        fn drop(&mut self) {
            LIVING.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let executor = Subject::new(kind, 1);
    let kept = executor.submit(|counted: Counted| counted, Counted::from(0));
    for n in 0..10 {
        drop(executor.submit(|counted: Counted| counted, Counted::from(n)));
    }
    let future = executor.submit(|counted: Counted| counted.0, Counted::from(5));
    assert_eq!(future.get().unwrap(), &5);
    assert!(kept.get().is_ok());
    // The other kinds run this row at the same time, on the same counter: each leaves it as it was.
    until(|| LIVING.load(Ordering::SeqCst) <= 3);
    drop(kept);
    until(|| LIVING.load(Ordering::SeqCst) == 0);
    assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2);
}

/// EX-21: tasks can be submitted from callbacks, in chains.
pub fn ex_21(kind: ExecutorKind) {
    fn chain(executor: &Arc<Subject>, left: u64, done: mpsc::Sender<u64>) {
        let next = Arc::downgrade(executor);
        executor.submit(add_one, left).add_done_callback(move |outcome| {
            assert_eq!(outcome.as_ref().unwrap(), &(left + 1));
            match (left, next.upgrade()) {
                (0, _) | (_, None) => done.send(left).unwrap(),
                (_, Some(executor)) => chain(&executor, left - 1, done),
            }
        });
    }
    let executor = Arc::new(Subject::new(kind, 2));
    let (done, ends) = mpsc::channel();
    for steps in [100, 50, 60] {
        chain(&executor, steps, done.clone());
    }
    for _ in 0..3 {
        assert_eq!(ends.recv().unwrap(), 0);
    }
    // The callbacks have let go of the executor, or do so any moment now.
    let mut executor = executor;
    loop {
        match Arc::try_unwrap(executor) {
            Ok(subject) => break drop(subject),
            Err(again) => executor = again,
        }
        std::thread::yield_now();
    }
}

/// Chunks whose results are more than a block of a lane holds, in bulk: every item has its answer.
pub fn po_01_large_chunks(kind: ExecutorKind) {
    let executor = Subject::new(kind, 2);
    for (size, len) in [(10_000, 1), (500, 300), (40, 10_000)] {
        let options = MapOptions::new().chunk_size(size);
        let text = |(n, len): (u64, usize)| format!("{n:len$}");
        let texts =
            executor.map_with(options, text, (0..20_000 / len as u64 * 2).map(|n| (n, len)));
        for (n, text) in texts.enumerate() {
            assert_eq!(text.unwrap().trim_start().parse(), Ok(n));
        }
    }
    let numbers = executor.map_with(MapOptions::new().chunk_size(9000), add_one, 0..100_000);
    assert!(numbers.map(Result::unwrap).eq(1..=100_000));
}

/// PO-02: nothing in, nothing out.
pub fn po_02(kind: ExecutorKind) {
    let executor = Subject::new(kind, 2);
    assert!(executor.map(add_one, []).next().is_none());
    let options = MapOptions::new().chunk_size(3);
    assert!(executor.map_with(options, add_one, []).next().is_none());
}

/// FA-17: the other flavour of map goes on after an error.
pub fn fa_17(kind: ExecutorKind) {
    let executor = Subject::new(kind, 2);
    for options in [MapOptions::new(), MapOptions::new().chunk_size(4)] {
        let options = options.on_error(OnError::Continue);
        let results: Vec<_> = executor.map_with(options, fail_on_three, 0..10).collect();
        for (n, result) in results.iter().enumerate() {
            match result {
                Ok(value) => assert_eq!(*value, n as u64),
                Err(error) => assert!(n == 3 && error.is_panic(), "{n}: {error}"),
            }
        }
        assert_eq!(results.len(), 10);
    }
}

/// FU-01: the states of futures that have ended.
pub fn fu_01(kind: ExecutorKind) {
    let executor = Subject::new(kind, 1);
    for n in [2, 3] {
        let future = executor.submit(fail_on_three, n);
        assert_eq!(future.exception().is_some(), n == 3);
        assert_eq!((future.done(), future.running(), future.cancelled()), (true, false, false));
        assert!(!future.cancel(), "it has ended");
    }
}

/// FU-04: the error without the result.
pub fn fu_04(kind: ExecutorKind) {
    let executor = Subject::new(kind, 1);
    let failed = executor.submit(fail_on_three, 3);
    let error = failed.exception_timeout(Duration::from_secs(60)).unwrap().unwrap();
    assert!(error.is_panic());
    assert_eq!(failed.result().unwrap_err().to_string(), error.to_string());
    assert!(executor.submit(fail_on_three, 4).exception().is_none());
}

/// FU-03: a result can be read as often as wanted, and taken once.
pub fn fu_03(kind: ExecutorKind) {
    let executor = Subject::new(kind, 1);
    let mut future = executor.submit(add_one, 1);
    assert_eq!((future.get().unwrap(), future.get().unwrap()), (&2, &2));
    assert_eq!(future.result_timeout(Duration::ZERO).unwrap(), 2);
    assert!(future.result_timeout(Duration::ZERO).unwrap_err().to_string().contains("taken"));
    assert!(future.get().is_err());
}

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

/// FU-13: a panic arrives with its message, its place, and the task's name.
pub fn fu_13(kind: ExecutorKind) {
    let executor = Subject::new(kind, 1);
    let error = executor.submit(fail_on_three, 3).result().unwrap_err();
    assert!(error.is_panic() && !error.is_worker_death());
    assert_eq!(error.panic_message(), Some("three is refused"));
    assert!(error.panic_location().unwrap().contains("rows.rs:"));
    assert_eq!(error.task(), Some("horsepower_conformance::rows::fail_on_three"));
    let text = error.to_string();
    assert!(text.starts_with("task horsepower_conformance::rows::fail_on_three: it panicked at "));
    assert!(text.ends_with("three is refused"), "{text}");
}

/// FU-14: a task that returns an error has succeeded.
pub fn fu_14(kind: ExecutorKind) {
    let executor = Subject::new(kind, 1);
    let parse = |text: String| text.parse::<u8>().map_err(|error| error.to_string());
    let future = executor.submit(parse, "300".to_owned());
    assert!(future.exception().is_none());
    assert_eq!(future.result().unwrap(), Err("number too large to fit in target type".to_owned()));
}

/// FU-15: the text form tells the state, without asking that the result can be printed.
pub fn fu_15(kind: ExecutorKind) {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Silent;
    let executor = Subject::new(kind, 1);
    let future = executor.submit(|()| Silent, ());
    assert!(future.get().is_ok());
    assert!(format!("{future:?}").ends_with(": returned)"), "{future:?}");
    let failed = executor.submit(fail_on_three, 3);
    assert!(failed.exception().is_some());
    assert!(format!("{failed:?}").ends_with("fail_on_three: failed)"), "{failed:?}");
}

/// SH-01: after shutdown, tasks are refused; shutting down again is fine.
pub fn sh_01(kind: ExecutorKind) {
    let executor = Subject::new(kind, 1);
    assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2);
    executor.shutdown();
    executor.shutdown();
    let error = executor.submit(add_one, 1).result().unwrap_err();
    assert!(error.is_shutdown());
    assert!(error.to_string().contains("after the executor was shut down"));
    assert!(executor.map(add_one, [1]).next().unwrap().unwrap_err().is_shutdown());
    assert!(executor.map(add_one, []).next().is_none());
    let go_on = MapOptions::new().on_error(OnError::Continue).chunk_size(2);
    let refused = executor.map_with(go_on, add_one, 0..5);
    assert_eq!(refused.filter(|result| result.as_ref().is_err_and(Error::is_shutdown)).count(), 5);
}

/// Large values arrive whole (EX-24), numbers and others.
pub fn ex_24(kind: ExecutorKind) {
    let executor = Subject::new(kind, 2);
    for len in [0usize, 1, 150, 170, 40_000, 3_000_000] {
        let bytes: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
        let back = executor.submit(|bytes: Vec<u8>| bytes, bytes.clone()).result().unwrap();
        assert!(back == bytes, "{len} bytes");
        let text = "x".repeat(len);
        let back = executor.submit(|text: String| (text.len(), text), text.clone()).result();
        assert!(back.unwrap() == (len, text), "a text of {len} bytes");
    }
    let numbers: Vec<f64> = (0..1_000_000).map(f64::from).collect();
    let sum = executor.submit(|numbers: Vec<f64>| numbers.iter().sum::<f64>(), numbers);
    assert_eq!(sum.result().unwrap(), 499_999_500_000.0);
    let made = executor.submit(|len: usize| vec![1u64; len], 13_000_000).result().unwrap();
    assert_eq!(made.iter().sum::<u64>(), 13_000_000, "104 MB of results");
    // Many at a time, in chunks too.
    let texts = (0..300).map(|n| "y".repeat(n * 40));
    let lens: Result<Vec<_>, _> = executor.map(|text: String| text, texts).collect();
    assert!(lens.unwrap().iter().enumerate().all(|(n, text)| text.len() == n * 40));
}

// Executors that run tasks beside the caller.

/// EX-11: dropping a map cancels what has not begun.
pub fn ex_11(kind: ExecutorKind) {
    let executor = Subject::new(kind, 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let mut gate = Gate::new();
    let items: Vec<_> = (0..200).map(|n| (gate.path(), file.clone(), n)).collect();
    let task = |(gate, file, n): (PathBuf, PathBuf, u64)| {
        pass(gate);
        write_line((file, n));
    };
    let options = MapOptions::new().chunk_size(1);
    drop(executor.map_with(options, task, items));
    gate.open();
    executor.shutdown();
    assert!(lines(&file).len() <= 1, "{:?}", lines(&file));
}

/// EX-20: one executor used by ten threads.
pub fn ex_20(kind: ExecutorKind) {
    let executor = Subject::new(kind, 2);
    std::thread::scope(|scope| {
        for thread in 0..10u64 {
            let executor = &executor;
            scope.spawn(move || {
                for n in 0..30 {
                    let future = executor.submit(add_one, n);
                    let doomed = executor.submit(add_one, n);
                    let cancelled = doomed.cancel();
                    match doomed.result() {
                        Ok(value) => assert!(!cancelled && value == n + 1),
                        Err(error) => assert!(cancelled && error.is_cancelled()),
                    }
                    assert_eq!(future.result().unwrap(), n + 1);
                }
                let results: Result<Vec<_>, _> = executor.map(add_one, 0..thread * 10).collect();
                assert_eq!(results.unwrap(), (1..=thread * 10).collect::<Vec<_>>());
            });
        }
    });
}

/// FU-01, FU-05: the states of a future that waits, runs, is cancelled; a cancelled task never runs.
pub fn fu_05(kind: ExecutorKind) {
    let executor = Subject::new(kind, 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let mut gate = Gate::new();
    let running = executor.submit(pass, gate.path());
    until(|| running.running());
    assert_eq!((running.done(), running.running(), running.cancelled()), (false, true, false));
    assert!(!running.cancel(), "it has begun");
    let waiting: Vec<_> =
        (0..300).map(|n| executor.submit(write_line, (file.clone(), n))).collect();
    let future = &waiting[7];
    assert_eq!((future.done(), future.running(), future.cancelled()), (false, false, false));
    let called = Arc::new(AtomicUsize::new(0));
    let count = called.clone();
    future.add_done_callback(move |outcome| {
        assert!(outcome.as_ref().unwrap_err().is_cancelled());
        count.fetch_add(1, Ordering::Relaxed);
    });
    for future in &waiting {
        assert!(future.cancel());
        assert!(future.cancel(), "it is cancelled already");
        assert_eq!((future.done(), future.running(), future.cancelled()), (true, false, true));
    }
    assert_eq!(called.load(Ordering::Relaxed), 1);
    let error = waiting.into_iter().nth(7).unwrap().result().unwrap_err();
    assert!(error.is_cancelled() && error.to_string().ends_with("cancelled before it began"));
    gate.open();
    running.result().unwrap();
    assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2);
    assert_eq!(lines(&file), [], "none of them has run");
}

/// FU-05: somebody who waits for a task is woken when it is cancelled.
pub fn fu_05_wakes(kind: ExecutorKind) {
    let executor = Subject::new(kind, 1);
    let mut gate = Gate::new();
    let first = executor.submit(pass, gate.path());
    let second = executor.submit(add_one, 1);
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| second.get().unwrap_err().is_cancelled());
        assert!(second.cancel());
        assert!(waiter.join().unwrap());
    });
    gate.open();
    first.result().unwrap();
}

/// FU-02: a wait that is over leaves the future as it was.
pub fn fu_02(kind: ExecutorKind) {
    let executor = Subject::new(kind, 1);
    let mut gate = Gate::new();
    let mut future = executor.submit(pass, gate.path());
    let start = Instant::now();
    for millis in [0, 1, 30] {
        let error = future.result_timeout(Duration::from_millis(millis)).unwrap_err();
        assert!(error.is_timeout() && !error.is_cancelled(), "{error}");
    }
    assert!(start.elapsed() >= Duration::from_millis(31));
    assert!(future.exception_timeout(Duration::ZERO).unwrap_err().is_timeout());
    assert!(!future.done());
    gate.open();
    assert!(future.result_timeout(Duration::from_secs(100)).is_ok());
}

/// FU-03: ten threads wait for one future, and all get it.
pub fn fu_03_waiters(kind: ExecutorKind) {
    let executor = Subject::new(kind, 1);
    let mut gate = Gate::new();
    let future = executor.submit(
        |gate| {
            pass(gate);
            String::from("done")
        },
        gate.path(),
    );
    std::thread::scope(|scope| {
        let waiters: Vec<_> =
            (0..10).map(|_| scope.spawn(|| future.get().unwrap().len())).collect();
        gate.open();
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), 4);
        }
    });
}

/// Futures can be awaited on any runtime; here, on none at all.
pub fn fu_await(kind: ExecutorKind) {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    fn block_on<F: Future>(future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        let waker = Arc::new(Unpark(std::thread::current())).into();
        let mut context = std::task::Context::from_waker(&waker);
        loop {
            match future.as_mut().poll(&mut context) {
                std::task::Poll::Ready(value) => return value,
                std::task::Poll::Pending => std::thread::park(),
            }
        }
    }
    let executor = Subject::new(kind, 2);
    let sum: Result<u64, Error> = block_on(async {
        let (one, two) = (executor.submit(add_one, 1), executor.submit(add_one, 2));
        Ok(one.await? + two.await?)
    });
    assert_eq!(sum.unwrap(), 5);
    let error = block_on(executor.submit(fail_on_three, 3)).unwrap_err();
    assert!(error.is_panic());
}

/// SH-02: shutting down ends everything that was queued.
pub fn sh_02(kind: ExecutorKind) {
    let executor = Subject::new(kind, 3);
    let futures: Vec<_> = (0..50).map(|n| executor.submit(add_one, n)).collect();
    executor.shutdown();
    for (n, future) in futures.into_iter().enumerate() {
        assert!(future.done());
        assert_eq!(future.result().unwrap(), n as u64 + 1);
    }
}

/// SH-09: a task that is cancelled at once does not keep the shutdown waiting.
pub fn sh_09(kind: ExecutorKind) {
    for _ in 0..20 {
        let executor = Subject::new(kind, 1);
        executor.submit(add_one, 1).cancel();
        executor.shutdown();
    }
}

/// SH-11: shutting down, or dropping the executor, in a callback neither waits for itself nor loses
/// work.
pub fn sh_11(kind: ExecutorKind) {
    let (send, receive) = mpsc::channel();
    let executor = AnyExecutor::new(kind, Some(1)).unwrap();
    let mut gate = Gate::new();
    let first = executor.submit(pass, gate.path());
    let second = executor.submit(add_one, 1);
    first.add_done_callback(move |_| {
        drop(executor);
        send.send(()).unwrap();
    });
    gate.open();
    receive.recv().unwrap();
    assert_eq!(second.result().unwrap(), 2);
}

/// Items of one chunk that turn out slow are shared among the workers.
pub fn slow_items_are_shared(kind: ExecutorKind) {
    let executor = Subject::new(kind, 2);
    let who = |n: u64| {
        // The first takes so long that the rest of the chunk is handed back.
        std::thread::sleep(Duration::from_millis(if n == 0 { 20 } else { 6 }));
        (std::process::id(), format!("{:?}", std::thread::current().id()))
    };
    let options = MapOptions::new().chunk_size(16);
    let map = executor.map_with(options, who, 0..16);
    let places: Result<std::collections::HashSet<_>, _> = map.collect();
    assert_eq!(places.unwrap().len(), 2);
}
