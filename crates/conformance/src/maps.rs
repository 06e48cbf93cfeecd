//! Rows about `map`: its errors, its options, its time limits.

use crate::gate::{Gate, pass};
use crate::harness::{Subject, in_time, until};
use crate::place::Place;
use crate::rows::{add_one, fail_on_three, lines, write_line};
use horsepower::{Error, Executor, MapOptions, OnError, Progress};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn pass_and_add((gate, n): (Option<PathBuf>, u64)) -> u64 {
    if let Some(gate) = gate {
        pass(gate);
    }
    n + 1
}

fn is_timeout(next: Option<Result<u64, Error>>) -> bool {
    next.unwrap().unwrap_err().is_timeout()
}

/// PO-03: with `OnError::Continue` failing items stop no others; `collect` returns the first error in
/// input order; large unread results block nothing.
pub fn po_03(place: Place) {
    let executor = Subject::new(place, 2);
    let folder = tempfile::tempdir().unwrap();
    let task = |(file, n): (PathBuf, u64)| {
        write_line((file, n));
        assert!(n % 7 != 5, "{n} is refused");
        vec![n; 50_000]
    };
    let items = |file: &PathBuf| (0..40).map(|n| (file.clone(), n)).collect::<Vec<_>>();
    for size in [1, 5] {
        let options = MapOptions::new().chunk_size(size).on_error(OnError::Continue);
        let file = folder.path().join(size.to_string());
        let results: Vec<_> = executor.tasks(task, items(&file)).options(options).map().collect();
        assert_eq!(lines(&file), (0..40).collect::<Vec<_>>(), "every one has run");
        for (n, result) in (0..).zip(&results) {
            match result {
                Ok(list) => assert!(n % 7 != 5 && *list == [n; 50_000]),
                Err(error) => assert_eq!(error.panic_message().unwrap(), format!("{n} is refused")),
            }
        }
        let errors = results.into_iter().filter_map(Result::err);
        assert_eq!(errors.count(), 5);
        let first: Result<Vec<_>, _> = executor.map(task, items(&file)).collect();
        assert_eq!(first.unwrap_err().panic_message(), Some("5 is refused"));
    }
    let go_on = MapOptions::new().on_error(OnError::Continue);
    let unread = executor.tasks(task, items(&folder.path().join("unread"))).options(go_on).map();
    executor.shutdown();
    assert_eq!(unread.filter(Result::is_ok).count(), 35);
}

/// PO-04: an input that fails. Values such as `Result` are ordinary arguments. An iterator that panics
/// does so in the caller, after the results before it, and the executor stays usable.
pub fn po_04(place: Place) {
    let executor = Subject::new(place, 2);
    let lines = ["1", "2", "x", "4"].map(|line| line.parse::<u64>().map_err(|e| e.to_string()));
    let results = executor.map(|line: Result<u64, String>| line.map(|n| n + 1), lines);
    let results: Result<Vec<_>, _> = results.collect();
    let invalid = Err("invalid digit found in string".to_owned());
    assert_eq!(results.unwrap(), [Ok(2), Ok(3), invalid, Ok(5)]);

    // Within the window the panic comes out of `map` itself, which has no results yet.
    let call = || drop(executor.map(add_one, breaks_at(3)));
    assert_eq!(message_of(catch_unwind(AssertUnwindSafe(call)).unwrap_err()), "no more input");
    let options = MapOptions::new;
    let first = [options().window(1), options().window(2), options().window(1).chunk_size(1)];
    let later = [options(), options().chunk_size(7), options().unordered(), options().window(64)];
    for (before, options) in
        first.map(|one| (3, one)).into_iter().chain(later.map(|one| (100_000, one)))
    {
        let mut map = executor.tasks(add_one, breaks_at(before)).options(options).map();
        let mut results: Vec<_> = map.by_ref().take(before as usize).map(Result::unwrap).collect();
        results.sort_unstable();
        assert!(results.iter().copied().eq(1..=before));
        let panic = catch_unwind(AssertUnwindSafe(|| map.next())).unwrap_err();
        assert_eq!(message_of(panic), "no more input");
        assert!(map.next().is_none());
    }
    assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2);
}

/// An input that panics after so many numbers.
fn breaks_at(before: u64) -> impl Iterator<Item = u64> {
    (0..).inspect(move |n| assert!(*n != before, "no more input"))
}

fn message_of(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast::<&str>().unwrap().to_string(),
    }
}

/// PO-05: sizes of 0 are refused where they are set.
pub fn po_05(place: Place) {
    let executor = Subject::new(place, 1);
    let message =
        |size: fn() -> MapOptions| *catch_unwind(size).unwrap_err().downcast::<&str>().unwrap();
    let chunk = message(|| MapOptions::new().chunk_size(0));
    assert_eq!(chunk, "a chunk must have at least 1 item");
    let window = message(|| MapOptions::new().window(0));
    assert_eq!(window, "a window must hold at least 1 item");
    let least = MapOptions::new().chunk_size(1).window(1);
    assert!(executor.tasks(add_one, 0..5).options(least).map().map(Result::unwrap).eq(1..=5));
}

/// PO-08: an unordered map yields the same results; an error ends it, or does not with
/// `OnError::Continue`.
pub fn po_08_unordered(place: Place) {
    let executor = Subject::new(place, 2);
    for options in [MapOptions::new(), MapOptions::new().chunk_size(7).window(50)] {
        let options = options.unordered();
        let results = executor.tasks(add_one, 0..1000).options(options.clone()).map();
        let mut results: Vec<_> = results.collect::<Result<_, _>>().unwrap();
        results.sort_unstable();
        assert_eq!(results, (1..=1000).collect::<Vec<_>>());

        let go_on = options.clone().on_error(OnError::Continue);
        let results: Vec<_> = executor.tasks(fail_on_three, 0..100).options(go_on).map().collect();
        assert_eq!(results.len(), 100);
        assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);

        let results: Vec<_> =
            executor.tasks(fail_on_three, 0..100).options(options).map().collect();
        assert!(results.last().unwrap().is_err(), "nothing comes after the error");
        assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
    }
    let endless = executor.tasks(add_one, 0..).unordered().map();
    assert_eq!(endless.take(3000).filter(Result::is_ok).count(), 3000);
    assert!(executor.tasks(add_one, []).unordered().map().next().is_none());
}

/// The progress callback runs at the start and for each result, on the reader's thread; it has the total
/// if the input knows it.
pub fn progress(place: Place) {
    let executor = Subject::new(place, 2);
    let told = Arc::new(Mutex::new(vec![]));
    let tell = told.clone();
    let thread = std::thread::current().id();
    let options = MapOptions::new().progress(move |progress: Progress| {
        assert_eq!(std::thread::current().id(), thread);
        tell.lock().unwrap().push((progress.done, progress.total));
    });
    let told = || std::mem::take(&mut *told.lock().unwrap());
    let map = executor.tasks(add_one, 0..5).options(options.clone()).map();
    assert_eq!(told(), [(0, Some(5))], "before anything is read");
    assert_eq!(map.count(), 5);
    assert_eq!(told(), [1, 2, 3, 4, 5].map(|done| (done, Some(5))));

    let unknown = (0..5).filter(|n| n % 2 == 0);
    assert_eq!(
        executor.tasks(add_one, unknown).options(options.clone().unordered()).map().count(),
        3
    );
    assert_eq!(told(), [0, 1, 2, 3].map(|done| (done, None)));

    let go_on = options.on_error(OnError::Continue);
    assert_eq!(executor.tasks(fail_on_three, 2..5).options(go_on).map().count(), 3);
    assert_eq!(told().len(), 4, "an error is progress too");
}

/// EX-10: the time limit also ends a map whose input is endless and whose results are always ready.
pub fn ex_10_endless(place: Place) {
    let executor = Subject::new(place, 1);
    let options = MapOptions::new().window(2).total_deadline(Duration::from_millis(30));
    let start = Instant::now();
    let pause = |n: u64| {
        std::thread::sleep(Duration::from_millis(1));
        n
    };
    // Long enough to count as endless, so that a failure ends too.
    let results: Vec<_> = executor.tasks(pause, 0..2000).options(options).map().collect();
    assert!(start.elapsed() >= Duration::from_millis(30));
    let (last, others) = results.split_last().unwrap();
    assert!(last.as_ref().is_err_and(Error::is_timeout), "{last:?} after {}", others.len());
    assert!(others.iter().all(Result::is_ok));
}

/// EX-10: results that were there in time are not late when they are read late, however many the window
/// holds.
pub fn ex_10_read_late(place: Place) {
    let executor = Subject::new(place, 2);
    for window in [7, 8] {
        in_time(Duration::from_millis(300), |timeout| {
            let options = MapOptions::new().window(window).chunk_size(1).total_deadline(timeout);
            let start = Instant::now();
            let map = executor.tasks(add_one, 0..7).options(options).map();
            until(|| executor.stats().queued == 0 && executor.stats().running == 0);
            (start.elapsed() < timeout / 2).then(|| {
                std::thread::sleep(timeout.saturating_sub(start.elapsed()));
                assert!(map.map(Result::unwrap).eq(1..=7));
            })
        });
    }
}

/// `size_hint` is exact when that of the input is.
pub fn size_hint(place: Place) {
    let executor = Subject::new(place, 2);
    let mut map = executor.map(add_one, 0..5);
    assert_eq!(map.size_hint(), (0, Some(5)));
    map.next().unwrap().unwrap();
    assert_eq!(map.size_hint(), (0, Some(4)));
    let unknown = (0..5).filter(|n| n % 2 == 0);
    assert_eq!(executor.map(add_one, unknown).size_hint(), (0, None));
    let limited = MapOptions::new().total_deadline(Duration::from_secs(100));
    assert_eq!(executor.tasks(add_one, 0..5).options(limited).map().size_hint(), (0, Some(6)));
}

// What follows needs concurrent tasks.

/// EX-10: the time limit of a map counts from the call. The map yields what was there in time and then one
/// error; what runs goes on, and what has not begun never does.
pub fn ex_10(place: Place) {
    let executor = Subject::new(place, 1);
    assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2, "it is ready");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let task = |(gate, file, n): (Option<PathBuf>, PathBuf, u64)| {
        if let Some(gate) = gate {
            pass(gate);
        }
        // This line shows that the task was not ended at the gate.
        write_line((file, n));
        n
    };
    for unordered in [false, true] {
        in_time(Duration::from_millis(150), |timeout| {
            let _ = std::fs::remove_file(&file);
            let mut gate = Gate::new();
            let items = (0..10).map(|n| ((n >= 2).then(|| gate.path()), file.clone(), n));
            let options = MapOptions::new().chunk_size(1).total_deadline(timeout);
            let options = if unordered { options.unordered() } else { options };
            let start = Instant::now();
            let mut map = executor.tasks(task, items.collect::<Vec<_>>()).options(options).map();
            until(|| lines(&file) == [0, 1] || start.elapsed() > timeout);
            let in_time = start.elapsed() < timeout / 2;
            std::thread::sleep(
                (timeout + Duration::from_millis(10)).saturating_sub(start.elapsed()),
            );
            let results: Vec<_> = map.by_ref().collect();
            assert!(results.len() <= 3, "{results:?}");
            let (last, others) = results.split_last().unwrap();
            assert!(last.as_ref().unwrap_err().is_timeout());
            let mut others: Vec<u64> =
                others.iter().map(|result| *result.as_ref().unwrap()).collect();
            if unordered {
                others.sort_unstable();
            }
            assert!((0..).zip(&others).all(|(n, result)| *result == n));
            assert!(map.next().is_none());
            gate.open();
            // One task at a time: once this has run, so has everything before it.
            assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2);
            let begun = lines(&file);
            assert!(begun.len() <= 3 && (0..).zip(&begun).all(|(n, line)| *line == n), "{begun:?}");
            in_time.then(|| {
                assert_eq!(others, [0, 1], "they were there in time, however late they are read");
                assert!(begun.starts_with(&[0, 1]), "{begun:?}");
            })
        });
    }
}

/// EX-10: a task that runs when the time is over goes on.
pub fn ex_10_goes_on(place: Place) {
    let executor = Subject::new(place, 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let task = |(gate, file, n): (PathBuf, PathBuf, u64)| {
        write_line((file.clone(), n));
        pass(gate);
        write_line((file, 100 + n));
    };
    let mut gate = Gate::new();
    let items: Vec<_> = (0..5).map(|n| (gate.path(), file.clone(), n)).collect();
    let options = MapOptions::new().chunk_size(1).total_deadline(Duration::from_millis(100));
    let mut map = executor.tasks(task, items).options(options).map();
    until(|| lines(&file) == [0]);
    let error = map.next().unwrap().unwrap_err();
    let text = "the map exceeded its total deadline of 100ms; items that had not started were \
                cancelled, running ones continue";
    assert!(error.is_timeout() && error.to_string() == text, "{error}");
    assert!(map.next().is_none());
    gate.open();
    executor.shutdown();
    assert_eq!(lines(&file), [0, 100]);
}

/// PO-02: an empty input gives an empty map, even while every worker is busy.
pub fn po_02_at_once(place: Place) {
    let executor = Subject::new(place, 1);
    let gate = Gate::new();
    let busy = executor.submit(pass, gate.path());
    for options in
        [MapOptions::new(), MapOptions::new().chunk_size(3), MapOptions::new().unordered()]
    {
        assert!(executor.tasks(add_one, []).options(options).map().next().is_none());
    }
    assert!(!busy.is_done());
    drop(gate);
    busy.result().unwrap();
}

/// PO-06, PO-08: a `next_timeout` that times out changes nothing, and results still come in order.
pub fn po_08(place: Place) {
    let executor = Subject::new(place, 2);
    for options in [MapOptions::new(), MapOptions::new().chunk_size(2)] {
        let mut gate = Gate::new();
        let items = (0..6).map(|n| ((n == 2).then(|| gate.path()), n)).collect::<Vec<_>>();
        let mut map = executor.tasks(pass_and_add, items.clone()).options(options.clone()).map();
        assert_eq!([1, 2], [(); 2].map(|()| map.next().unwrap().unwrap()));
        let start = Instant::now();
        for millis in [0, 1, 20] {
            assert!(is_timeout(map.next_timeout(Duration::from_millis(millis))));
        }
        assert!(start.elapsed() >= Duration::from_millis(21));
        gate.open();
        assert!(map.by_ref().map(Result::unwrap).eq(3..=6));
        assert!(map.next_timeout(Duration::ZERO).is_none(), "there is none any more");

        // An unordered map does not wait for the first item.
        let mut gate = Gate::new();
        let items = (0..6).map(|n| ((n == 0).then(|| gate.path()), n)).collect::<Vec<_>>();
        let options = options.chunk_size(1).unordered();
        let mut map = executor.tasks(pass_and_add, items).options(options).map();
        let mut results: Vec<_> = map.by_ref().take(5).map(Result::unwrap).collect();
        results.sort_unstable();
        assert_eq!(results, [2, 3, 4, 5, 6]);
        assert!(is_timeout(map.next_timeout(Duration::from_millis(1))));
        gate.open();
        assert_eq!(map.next().unwrap().unwrap(), 1);
        assert!(map.next().is_none());
    }
}

/// EX-09: an error says which item it is of, in every order; results can be told apart where any order will do.
pub fn errors_name_their_item(place: Place) {
    let executor = Subject::new(place, 2);
    let task = |n: u64| {
        assert!(n % 10 != 7, "{n} is refused");
        n
    };
    for chunk in [1, 4, 100] {
        let options = MapOptions::new().chunk_size(chunk).on_error(OnError::Continue);
        for options in [options.clone(), options.unordered()] {
            let map = executor.tasks(task, 0..50).options(options).map();
            let mut seen: Vec<_> = map
                .indexed()
                .map(|(position, result)| {
                    match result {
                        Ok(n) => assert_eq!(n, position as u64),
                        Err(error) => {
                            assert!(
                                position % 10 == 7 && error.item() == Some(position),
                                "{error}"
                            );
                            assert!(error.to_string().contains(&format!("item {position}: ")));
                        }
                    }
                    position
                })
                .collect();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..50));
        }
    }
}
