//! Rows that every executor can show, and tasks that other rows use too.

use crate::harness::{Subject, until};
use crate::place::Place;
use horsepower::{Error, Executor, MapOptions, OnError};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

pub(crate) fn add_one(n: u64) -> u64 {
    n + 1
}

/// The line of that panic.
const REFUSED_AT: u32 = line!() + 3;

pub(crate) fn fail_on_three(n: u64) -> u64 {
    assert!(n != 3, "three is refused");
    n
}

/// Task: appends a line to a file, which shows that the task has run, even in another process.
///
/// # Panics
/// If it cannot.
pub fn write_line((file, line): (PathBuf, u64)) {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// The lines of that file, sorted; empty if there is no such file.
///
/// # Panics
/// If one of them is no number.
#[must_use]
pub fn lines(file: &PathBuf) -> Vec<u64> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut lines: Vec<u64> = text.lines().map(|line| line.parse().unwrap()).collect();
    lines.sort_unstable();
    lines
}

/// EX-01: `submit` and `result`; making an executor with no workers is an error.
pub fn ex_01(place: Place) {
    let executor = Subject::new(place, 2);
    assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2);
    assert_eq!(executor.submit(|(a, b)| u64::pow(a, b), (2, 10)).result().unwrap(), 1024);
    // Through a reference, an `Arc`, a `Box`.
    fn by(executor: &impl Executor) -> u64 {
        executor.submit(add_one, 5).result().unwrap()
    }
    let shared = Arc::new(place.executor(1).unwrap());
    assert_eq!((by(&&*executor), by(&shared), by(&Box::new(shared.clone()))), (6, 6, 6));
    let error = place.executor(0).unwrap_err();
    assert!(error.is_invalid());
    assert_eq!(error.to_string(), "workers must be greater than 0");
}

/// EX-03: the default number of workers is the number of usable CPUs (one for the in-line executor).
pub fn ex_03(place: Place) {
    let executor = place.default_executor().unwrap();
    let usable = horsepower::info::usable_cpus().get();
    assert_eq!(executor.workers(), if place.is_concurrent() { usable } else { 1 });
}

/// EX-07: results come in input order, whatever order the tasks end in.
pub fn ex_07(place: Place) {
    let executor = Subject::new(place, 2);
    let slow_first = |n: u64| {
        if n == 0 {
            std::thread::sleep(Duration::from_millis(30));
        }
        n * 10
    };
    let results: Result<Vec<_>, _> = executor.map(slow_first, 0..50).collect();
    assert_eq!(results.unwrap(), (0..50).map(|n| n * 10).collect::<Vec<_>>());
    // Zipped inputs end with the shortest.
    let sums = executor.map(|(a, b): (u64, u64)| a + b, [1, 2, 3].into_iter().zip([10, 20]));
    assert!(sums.map(Result::unwrap).eq([11, 22]));
}

/// EX-08: a map runs ahead within its window although nobody reads the results; the input may be endless.
pub fn ex_08(place: Place) {
    let executor = Subject::new(place, 2);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let items: Vec<_> = (0..1024).map(|n| (file.clone(), n)).collect();
    let map = executor.map(write_line, items);
    until(|| lines(&file).len() == 1024);
    drop(map);
    assert_eq!(lines(&file), (0..1024).collect::<Vec<_>>());

    let drawn = AtomicUsize::new(0);
    let endless = (0u64..).inspect(|_| {
        drawn.fetch_add(1, Ordering::Relaxed);
    });
    let taken: Result<Vec<_>, _> = executor.map(add_one, endless).take(10).collect();
    assert_eq!(taken.unwrap(), (1..=10).collect::<Vec<_>>());
    let drawn = drawn.load(Ordering::Relaxed);
    assert!((1024..200_000).contains(&drawn), "{drawn} items were drawn");
}

/// EX-08: the window limits how many items are drawn ahead of the reader.
pub fn ex_08_window(place: Place) {
    let executor = Subject::new(place, 2);
    let drawn = AtomicUsize::new(0);
    let items = (0u64..).inspect(|_| {
        drawn.fetch_add(1, Ordering::Relaxed);
    });
    let mut map = executor.tasks(add_one, items).window(7).map();
    for read in 1..=100u64 {
        assert_eq!(map.next().unwrap().unwrap(), read);
        assert!(drawn.load(Ordering::Relaxed) <= read as usize + 7);
    }
}

/// EX-09: an error comes in its place, after the results before it; then the map is over.
pub fn ex_09(place: Place) {
    let executor = Subject::new(place, 2);
    let mut map = executor.map(fail_on_three, 0..100);
    for n in 0..3 {
        assert_eq!(map.next().unwrap().unwrap(), n);
    }
    let error = map.next().unwrap().unwrap_err();
    assert_eq!(error.panic_message(), Some("three is refused"));
    assert!(map.next().is_none());
    assert!(map.next().is_none());
}

/// EX-12, PO-01: every chunk size gives the same results; a chunk size of 0 is refused.
pub fn ex_12(place: Place) {
    let executor = Subject::new(place, 2);
    for size in [1, 6, 40, 50] {
        let options = MapOptions::new().chunk_size(size);
        let results: Result<Vec<_>, _> =
            executor.tasks(add_one, 0..40).options(options).map().collect();
        assert_eq!(results.unwrap(), (1..=40).collect::<Vec<_>>());
    }
    assert!(std::panic::catch_unwind(|| MapOptions::new().chunk_size(0)).is_err());
}

/// EX-13: leaving the scope waits for all work, also when a panic leaves it.
pub fn ex_13(place: Place) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let left = std::panic::catch_unwind(|| {
        let executor = Subject::new(place, 2);
        for n in 0..20 {
            // Dropping a future does not cancel its task.
            drop(executor.submit(write_line, (file.clone(), n)));
        }
        std::panic::resume_unwind(Box::new("on purpose"));
    });
    assert_eq!(left.unwrap_err().downcast_ref(), Some(&"on purpose"), "and nothing else");
    assert_eq!(lines(&file), (0..20).collect::<Vec<_>>());
}

/// EX-19: the argument and the result of a task that has ended are released, although the executor lives
/// on and nobody reads the result.
pub fn ex_19(place: Place) {
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
    let executor = Subject::new(place, 1);
    let kept = executor.submit(|counted: Counted| counted, Counted::from(0));
    for n in 0..10 {
        drop(executor.submit(|counted: Counted| counted, Counted::from(n)));
    }
    let future = executor.submit(|counted: Counted| counted.0, Counted::from(5));
    assert_eq!(future.get().unwrap(), &5);
    assert!(kept.get().is_ok());
    // This row runs on other places at the same time and with the same counter; each run leaves the
    // counter as it was.
    until(|| LIVING.load(Ordering::SeqCst) <= 3);
    drop(kept);
    until(|| LIVING.load(Ordering::SeqCst) == 0);
    // Also in the worker: the last tasks there hold none, although one of them panicked.
    let failed = executor.submit(|_: Counted| panic!("on purpose"), Counted::from(6));
    let failed: Result<(), Error> = failed.result();
    assert!(failed.unwrap_err().is_panic());
    let living = |()| LIVING.load(Ordering::SeqCst);
    until(|| executor.submit(living, ()).result().unwrap() == 0);
}

/// EX-21: tasks can be submitted from callbacks, in chains.
pub fn ex_21(place: Place) {
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
    let executor = Arc::new(Subject::new(place, 2));
    let (done, ends) = mpsc::channel();
    for steps in [100, 50, 60] {
        chain(&executor, steps, done.clone());
    }
    for _ in 0..3 {
        assert_eq!(ends.recv().unwrap(), 0);
    }
    // The callbacks drop their handles at any moment now.
    let mut executor = executor;
    loop {
        match Arc::try_unwrap(executor) {
            Ok(subject) => break drop(subject),
            Err(again) => executor = again,
        }
        std::thread::yield_now();
    }
}

/// Chunks whose results exceed a block of a lane, and bulk chunks: every item gets its answer.
pub fn po_01_large_chunks(place: Place) {
    let executor = Subject::new(place, 2);
    for (size, len) in [(10_000, 1), (500, 300), (40, 10_000)] {
        let options = MapOptions::new().chunk_size(size);
        let text = |(n, len): (u64, usize)| format!("{n:len$}");
        let texts = executor
            .tasks(text, (0..20_000 / len as u64 * 2).map(|n| (n, len)))
            .options(options)
            .map();
        let numbers = texts.map(|text| text.unwrap().trim_start().parse::<u64>().unwrap());
        assert!(numbers.eq(0..20_000 / len as u64 * 2));
    }
    assert!(executor.map(add_one, 0..100_000).map(Result::unwrap).eq(1..=100_000));
    let numbers = executor.tasks(add_one, 0..100_000).chunk_size(9000).map();
    assert!(numbers.map(Result::unwrap).eq(1..=100_000));
}

/// PO-02: an empty input gives an empty map.
pub fn po_02(place: Place) {
    let executor = Subject::new(place, 2);
    assert!(executor.map(add_one, []).next().is_none());
    let options = MapOptions::new().chunk_size(3);
    assert!(executor.tasks(add_one, []).options(options).map().next().is_none());
}

/// FA-17: with `OnError::Continue` a map goes on after an error.
pub fn fa_17(place: Place) {
    let executor = Subject::new(place, 2);
    for options in [MapOptions::new(), MapOptions::new().chunk_size(4)] {
        let options = options.on_error(OnError::Continue);
        let results: Vec<_> = executor.tasks(fail_on_three, 0..10).options(options).map().collect();
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
pub fn fu_01(place: Place) {
    let executor = Subject::new(place, 1);
    for n in [2, 3] {
        let future = executor.submit(fail_on_three, n);
        assert_eq!(future.error().is_some(), n == 3);
        for _ in 0..2 {
            assert_eq!(
                (future.is_done(), future.is_running(), future.is_cancelled()),
                (true, false, false)
            );
            assert!(!future.cancel(), "it has ended");
        }
        assert_eq!(future.result().is_err(), n == 3);
    }
}

/// FU-02: a timeout of zero is enough for a task that has ended, even if nobody has asked before.
pub fn fu_02_at_once(place: Place) {
    let executor = Subject::new(place, 1);
    for _ in 0..100 {
        let mut futures = [2, 3].map(|n| executor.submit(fail_on_three, n));
        until(|| futures.iter().all(|future| future.is_done()));
        assert_eq!(futures[0].get_timeout(Duration::ZERO).unwrap(), &2);
        assert_eq!(futures[0].result_timeout(Duration::ZERO).unwrap(), 2);
        assert!(futures[1].error_timeout(Duration::ZERO).unwrap().unwrap().is_panic());
        assert!(futures[1].result_timeout(Duration::ZERO).unwrap_err().is_panic());
    }
}

/// FU-04: the error can be read without the result.
pub fn fu_04(place: Place) {
    let executor = Subject::new(place, 1);
    let failed = executor.submit(fail_on_three, 3);
    let error = failed.error_timeout(Duration::from_secs(60)).unwrap().unwrap();
    assert!(error.is_panic());
    assert_eq!(failed.result().unwrap_err().to_string(), error.to_string());
    assert!(executor.submit(fail_on_three, 4).error().is_none());
}

/// FU-03: a result can be borrowed repeatedly and taken once.
pub fn fu_03(place: Place) {
    let executor = Subject::new(place, 1);
    let mut future = executor.submit(add_one, 1);
    assert_eq!((future.get().unwrap(), future.get().unwrap()), (&2, &2));
    assert_eq!(future.result_timeout(Duration::ZERO).unwrap(), 2);
    assert!(future.result_timeout(Duration::ZERO).unwrap_err().to_string().contains("taken"));
    assert!(future.get().is_err());
}

/// FU-13: a panic arrives with its message, its location and the name of the task.
pub fn fu_13(place: Place) {
    let executor = Subject::new(place, 1);
    let error = executor.submit(fail_on_three, 3).result().unwrap_err();
    assert!(error.is_panic() && !error.is_worker_death());
    assert_eq!(error.panic_message(), Some("three is refused"));
    let location = error.panic_location().unwrap();
    assert!(location.contains(&format!("rows.rs:{REFUSED_AT}:")), "{location}");
    assert_eq!(error.task_name(), Some("horsepower_conformance::rows::fail_on_three"));
    let text = error.to_string();
    assert!(text.starts_with("task horsepower_conformance::rows::fail_on_three: it panicked at "));
    assert!(text.ends_with("three is refused"), "{text}");
}

/// FU-14: a task that returns an error has succeeded.
pub fn fu_14(place: Place) {
    let executor = Subject::new(place, 1);
    let parse = |text: String| text.parse::<u8>().map_err(|error| error.to_string());
    let future = executor.submit(parse, "300".to_owned());
    assert!(future.error().is_none());
    assert_eq!(future.result().unwrap(), Err("number too large to fit in target type".to_owned()));
}

/// FU-15: `Debug` shows the state, and does not require it of the result.
pub fn fu_15(place: Place) {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Silent;
    let executor = Subject::new(place, 1);
    let future = executor.submit(|()| Silent, ());
    assert!(future.get().is_ok());
    assert!(format!("{future:?}").ends_with(": returned)"), "{future:?}");
    let failed = executor.submit(fail_on_three, 3);
    assert!(failed.error().is_some());
    assert!(format!("{failed:?}").ends_with("fail_on_three: failed)"), "{failed:?}");
}

/// SH-01: tasks are refused after a shutdown; shutting down again is fine.
pub fn sh_01(place: Place) {
    let executor = Subject::new(place, 1);
    assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2);
    executor.shutdown();
    executor.shutdown();
    let error = executor.submit(add_one, 1).result().unwrap_err();
    assert!(error.is_shutdown());
    assert!(error.to_string().contains("after the executor was shut down"));
    assert!(executor.map(add_one, [1]).next().unwrap().unwrap_err().is_shutdown());
    assert!(executor.map(add_one, []).next().is_none());
    let go_on = MapOptions::new().on_error(OnError::Continue).chunk_size(2);
    let refused = executor.tasks(add_one, 0..5).options(go_on).map();
    assert_eq!(refused.filter(|result| result.as_ref().is_err_and(Error::is_shutdown)).count(), 5);
}

/// EX-24: large values arrive whole, numbers and others.
pub fn ex_24(place: Place) {
    let executor = Subject::new(place, 2);
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
    // Many at once, also in chunks.
    let texts = (0..300).map(|n| "y".repeat(n * 40));
    let lens: Result<Vec<_>, _> = executor.map(|text: String| text, texts).collect();
    assert!(lens.unwrap().iter().enumerate().all(|(n, text)| text.len() == n * 40));
}
