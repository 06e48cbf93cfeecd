//! Rows about the input of a map that is slow, that makes its reader wait, or that never ends.

use crate::harness::Subject;
use crate::place::Place;
use crate::rows::add_one;
use horsepower::{Executor, MapOptions};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The ways in which a map may be read.
fn all_options() -> Vec<MapOptions> {
    let new = MapOptions::new;
    vec![
        new(),
        new().unordered(),
        new().window(1),
        new().window(64).chunk_size(7),
        new().unordered().window(3),
    ]
}

/// EX-29: an input that takes its time for each item: the first result comes long before a whole window
/// is drawn.
pub fn ex_29_a_slow_input(place: Place) {
    let executor = Subject::new(place, 2);
    // A worker that is started first of all may take as long as the whole input.
    assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2);
    for options in all_options() {
        let drawn = AtomicU64::new(0);
        let slow = (0..).inspect(|n| {
            drawn.store(*n, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(5));
        });
        let mut map = executor.tasks(add_one, slow).options(options.clone()).map();
        assert!(map.next().unwrap().is_ok());
        let seen = drawn.load(Ordering::Relaxed);
        assert!(seen < 1000, "{options:?}: a whole window was drawn before the first result");
        assert_eq!(map.take(20).map(Result::unwrap).count(), 20);
    }
}

/// EX-29: a channel that nobody closes: each result comes when its item was sent, however it is read.
pub fn ex_29_an_input_that_waits(place: Place) {
    let executor = Subject::new(place, 2);
    for options in all_options() {
        // The receiver, its iterator, and anything else that another thread can draw.
        let (send, receive) = channel();
        check_one_by_one(&send, executor.tasks(add_one, receive).options(options.clone()).map());
        let (send, receive) = channel();
        let items = receive.into_iter();
        check_one_by_one(&send, executor.tasks(add_one, items).options(options.clone()).map());
        let (send, receive) = channel();
        let items = receive.into_iter().filter(|n| n % 2 == 0);
        check_one_by_one(&send, executor.stream(add_one, items).options(options).map());
    }
}

fn check_one_by_one(send: &Sender<u64>, mut map: horsepower::Map<'_, u64>) {
    for n in [0, 2, 4, 6] {
        send.send(n).unwrap();
        assert_eq!(map.next().unwrap().unwrap(), n + 1);
    }
    for n in [8, 10] {
        send.send(n).unwrap();
    }
    let mut both = [(); 2].map(|()| map.next().unwrap().unwrap());
    both.sort_unstable();
    assert_eq!(both, [9, 11]);
}

/// EX-29: the end of an input that is drawn elsewhere is the end of the map, and nothing is lost.
pub fn ex_29_lines_that_come(place: Place) {
    let executor = Subject::new(place, 2);
    for options in all_options() {
        for len in [0, 1, 2, 1023, 1024, 1025, 3000] {
            let map = executor.stream(add_one, 0..len).options(options.clone()).map();
            let mut results: Vec<_> = map.map(Result::unwrap).collect();
            results.sort_unstable();
            assert!(results.into_iter().eq(1..=len), "{len}, {options:?}");
        }
    }
}

/// EX-30: with a channel that stays open, a map with a total deadline ends, and a wait for the next result
/// with a timeout does too.
pub fn ex_30_a_channel_that_stays_open(place: Place) {
    let executor = Subject::new(place, 2);
    for options in all_options() {
        let (send, receive) = channel();
        send.send(1).unwrap();
        let mut map = executor.tasks(add_one, receive).options(options.clone()).map();
        assert_eq!(map.next().unwrap().unwrap(), 2);
        let error = map.next_timeout(Duration::from_millis(20)).unwrap().unwrap_err();
        assert!(error.is_timeout(), "{error}");
        send.send(2).unwrap();
        assert_eq!(map.next().unwrap().unwrap(), 3);
        drop(map);

        let (send, receive) = channel();
        send.send(1).unwrap();
        let limited = options.total_deadline(Duration::from_millis(100));
        let results: Vec<_> = executor.tasks(add_one, receive).options(limited).map().collect();
        assert!(results.last().unwrap().as_ref().is_err_and(|error| error.is_timeout()));
        assert!(results.len() <= 2);
        drop(send);
    }
}

/// EX-30: the same for any input that another thread can draw.
pub fn ex_30_an_input_that_waits(place: Place) {
    let executor = Subject::new(place, 2);
    for options in all_options() {
        let (open, gate) = channel::<()>();
        let items = (0..3).inspect(move |n| {
            if *n == 2 {
                let _ = gate.recv();
            }
        });
        let limited = options.total_deadline(Duration::from_millis(200));
        let results: Vec<_> = executor.stream(add_one, items).options(limited).map().collect();
        assert!(results.last().unwrap().as_ref().is_err_and(|error| error.is_timeout()));
        drop(open);
    }
}

/// EX-30: an input that is slow, and drawn by the thread that waits: limits are looked at between two items.
pub fn ex_30_a_slow_input(place: Place) {
    let executor = Subject::new(place, 2);
    let endless = || {
        (0..).inspect(|_| {
            std::thread::sleep(Duration::from_millis(5));
        })
    };
    for options in all_options() {
        let limited = options.clone().total_deadline(Duration::from_millis(100));
        let started = Instant::now();
        let results: Vec<_> = executor.tasks(add_one, endless()).options(limited).map().collect();
        assert!(started.elapsed() >= Duration::from_millis(100));
        let error = results.last().unwrap().as_ref().unwrap_err();
        assert!(error.is_timeout(), "{options:?}: {error}");
    }
}

/// PO-04: an input that panics on its own thread does so in the thread that reads, after the results before.
pub fn an_input_that_breaks(place: Place) {
    let executor = Subject::new(place, 2);
    let breaks = (0..).inspect(|n| assert!(*n != 5, "no more input"));
    let results = Arc::new(Mutex::new(vec![]));
    let kept = results.clone();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        for result in executor.stream(add_one, breaks).map() {
            kept.lock().unwrap().push(result.unwrap());
        }
    }));
    let message = caught.unwrap_err().downcast::<&str>().unwrap();
    assert_eq!((*message, &results.lock().unwrap()[..]), ("no more input", &[1, 2, 3, 4, 5][..]));
    assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2);
}

/// EX-10: an endless input that is drawn elsewhere runs in bounded memory, and its thread ends with the map.
pub fn an_input_that_never_ends(place: Place) {
    let executor = Subject::new(place, 2);
    let drawn = Arc::new(AtomicU64::new(0));
    let counted = drawn.clone();
    let endless = (0..).inspect(move |_| _ = counted.fetch_add(1, Ordering::Relaxed));
    let mut map = executor.stream(add_one, endless).map();
    assert!(map.by_ref().take(3).map(Result::unwrap).eq(1..=3));
    drop(map);
    // The thread holds the other one.
    crate::harness::until(|| Arc::strong_count(&drawn) == 1);
    assert!(drawn.load(Ordering::Relaxed) < 100_000);
}
