//! Waiting for several futures: rows about `wait`.
//!
//! Rows whose names end in `_at_once` are for every executor; the others need concurrent tasks.

use crate::gate::{Gate, pass};
use crate::harness::{Subject, until, waiting};
use crate::place::Place;
use crate::rows::{add_one, fail_on_three};
use horsepower::{Executor, ShutdownOptions, TaskFuture, Until, Waited, as_completed, wait};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The modes of `wait`.
const MODES: [Until; 3] = [Until::FirstCompleted, Until::FirstFailed, Until::AllCompleted];

/// Task: waits at a gate, then fails.
pub(crate) fn pass_and_fail(gate: PathBuf) {
    pass(gate);
    panic!("on purpose");
}

/// The indices of the futures that are done and of those that are not. Panics unless each future is in
/// exactly one of the two lists.
pub(crate) fn partition<T>(
    futures: &[TaskFuture<T>],
    waited: &Waited<&TaskFuture<T>>,
) -> (Vec<usize>, Vec<usize>) {
    let numbers = |list: &[&TaskFuture<T>]| -> Vec<usize> {
        let number = |one: &&TaskFuture<T>| futures.iter().position(|f| std::ptr::eq(f, *one));
        list.iter().map(|one| number(one).expect("one of them")).collect()
    };
    let (done, not_done) = (numbers(&waited.done), numbers(&waited.not_done));
    let mut all = [done.clone(), not_done.clone()].concat();
    all.sort_unstable();
    assert_eq!(all, (0..futures.len()).collect::<Vec<_>>());
    (done, not_done)
}

/// Calls `wait` on another thread, and does something while that thread waits.
fn wait_while<T: Send + Sync>(
    futures: &[TaskFuture<T>],
    mode: Until,
    then: impl FnOnce(),
) -> (Vec<usize>, Vec<usize>) {
    std::thread::scope(|scope| {
        let waiter = waiting(scope, || partition(futures, &wait(futures, mode, None)));
        then();
        waiter.join().unwrap()
    })
}

/// WA-01, WA-02, WA-03: when all futures have ended, every mode returns all of them at once; failures are
/// not raised.
pub fn wa_01_at_once(place: Place) {
    let executor = Subject::new(place, 2);
    let futures: Vec<_> = (2..5).map(|n| executor.submit(fail_on_three, n)).collect();
    futures.iter().for_each(|future| drop(future.error()));
    for mode in MODES {
        for timeout in [None, Some(Duration::ZERO)] {
            let waited = wait(&futures, mode, timeout);
            assert_eq!(partition(&futures, &waited), (vec![0, 1, 2], vec![]), "{mode:?}");
        }
    }
    let waited = wait(futures, Until::default(), None);
    let failed = waited.done.into_iter().map(|future| future.result().is_err());
    assert_eq!(
        failed.collect::<Vec<_>>(),
        [false, true, false],
        "in the order that they were given"
    );
}

/// WA-01: `AllCompleted` waits for every future, however each of them ends.
pub fn wa_01_all_completed(place: Place) {
    let executor = Subject::new(place, 2);
    let mut gate = Gate::new();
    let futures = vec![
        executor.submit(pass, gate.path()),
        executor.submit(pass_and_fail, gate.path()),
        executor.submit(pass, gate.path()),
        executor.submit(pass_and_fail, gate.path()),
        executor.submit(pass, gate.path()),
    ];
    until(|| futures[0].is_running() && futures[1].is_running());
    assert!(futures[4].cancel());
    let ended = wait_while(&futures, Until::AllCompleted, || gate.open());
    assert_eq!(ended, (vec![0, 1, 2, 3, 4], vec![]));
    let outcomes: Vec<_> = futures.iter().map(|f| (f.is_cancelled(), f.get().is_err())).collect();
    let (returned, failed, cancelled) = ((false, false), (false, true), (true, true));
    assert_eq!(outcomes, [returned, failed, returned, failed, cancelled]);
}

/// WA-02: `FirstCompleted` returns when one future ends, whichever it is and however it ends.
pub fn wa_02_first_completed(place: Place) {
    let executor = Subject::new(place, 2);
    let slow = Gate::new();
    let unending = executor.submit(pass, slow.path());
    let mut quick = [Gate::new(), Gate::new()];
    let returns = executor.submit(pass, quick[0].path());
    let fails = executor.submit(pass_and_fail, quick[1].path());
    let mut futures = vec![unending, returns];
    assert_eq!(wait_while(&futures, Until::FirstCompleted, || quick[0].open()), (vec![1], vec![0]));
    futures[1] = fails;
    assert_eq!(wait_while(&futures, Until::FirstCompleted, || quick[1].open()), (vec![1], vec![0]));
    assert!(futures[0].is_running(), "it goes on");
    // When some have ended before the call, it returns those and does not wait.
    for mode in [Until::FirstCompleted, Until::FirstFailed] {
        let waited = wait(&futures, mode, None);
        assert_eq!(partition(&futures, &waited), (vec![1], vec![0]), "{mode:?}");
    }
}

/// WA-03: the failure mode ignores a success and returns at the first failure; at once if one has failed
/// before.
pub fn wa_03_first_exception(place: Place) {
    let executor = Subject::new(place, 2);
    let slow = Gate::new();
    let mut quick = Gate::new();
    let futures = [
        executor.submit(pass, slow.path()),
        executor.submit(pass_and_fail, quick.path()),
        // Ends after the failure, or not at all during the test.
        executor.submit(pass, slow.path()),
    ];
    let ended = wait_while(&futures, Until::FirstFailed, || quick.open());
    assert_eq!(ended, (vec![1], vec![0, 2]));
    let waited = wait(&futures, Until::FirstFailed, None);
    assert_eq!(partition(&futures, &waited), (vec![1], vec![0, 2]), "it had failed already");
}

/// WA-03: as long as none fails, it waits for all; earlier successes do not stop it.
pub fn wa_03_without_exceptions(place: Place) {
    let executor = Subject::new(place, 2);
    let mut gates = [Gate::new(), Gate::new()];
    let futures = [executor.submit(pass, gates[0].path()), executor.submit(pass, gates[1].path())];
    let ended = wait_while(&futures, Until::FirstFailed, || {
        gates[0].open();
        futures[0].get().unwrap();
        gates[1].open();
    });
    assert_eq!(ended, (vec![0, 1], vec![]));
    // If the success had ended the wait, the failure would be missing.
    let mut gates = [Gate::new(), Gate::new()];
    let futures =
        [executor.submit(pass, gates[0].path()), executor.submit(pass_and_fail, gates[1].path())];
    let ended = wait_while(&futures, Until::FirstFailed, || {
        gates[0].open();
        futures[0].get().unwrap();
        gates[1].open();
    });
    assert_eq!(ended, (vec![0, 1], vec![]));
}

/// WA-04: a cancelled or killed future is done, but does not count as failed.
pub fn wa_04_cancelled_is_no_exception(place: Place) {
    let executor = Subject::new(place, 1);
    let mut gate = Gate::new();
    let futures = [
        executor.submit(pass, gate.path()),
        executor.submit(pass, gate.path()),
        executor.submit(pass_and_fail, gate.path()),
    ];
    until(|| futures[0].is_running());
    assert!(futures[1].cancel());
    let waited = wait(&futures, Until::FirstFailed, Some(Duration::from_millis(5)));
    assert_eq!(partition(&futures, &waited), (vec![1], vec![0, 2]));
    let ended = wait_while(&futures, Until::FirstFailed, || {
        if place.kills_running() {
            assert!(futures[0].kill());
        }
        gate.open();
    });
    assert_eq!(ended, (vec![0, 1, 2], vec![]));
    assert_eq!(futures[0].is_cancelled(), place.kills_running());
}

/// WA-05: when the timeout is over, `wait` returns what has ended and what has not; that is no error and
/// changes nothing.
pub fn wa_05_timeout(place: Place) {
    let executor = Subject::new(place, 2);
    let (mut gate, mut opened) = (Gate::new(), Gate::new());
    let futures = [&gate, &opened, &gate].map(|gate| executor.submit(pass, gate.path()));
    for timeout in [Duration::ZERO, Duration::from_millis(1)] {
        let waited = wait(&futures, Until::FirstCompleted, Some(timeout));
        assert_eq!(partition(&futures, &waited), (vec![], vec![0, 1, 2]));
    }
    opened.open();
    // A timeout of zero is enough, although nobody has asked for it before.
    until(|| futures[1].is_done());
    let start = Instant::now();
    for millis in [0, 1, 30] {
        let timeout = Some(Duration::from_millis(millis));
        for mode in [Until::AllCompleted, Until::FirstFailed] {
            let waited = wait(&futures, mode, timeout);
            assert_eq!(partition(&futures, &waited), (vec![1], vec![0, 2]));
        }
    }
    assert!(start.elapsed() >= Duration::from_millis(62));
    gate.open();
    // A timeout beyond the range of the clock means forever.
    let waited = wait(&futures, Until::AllCompleted, Some(Duration::MAX));
    assert_eq!(partition(&futures, &waited), (vec![0, 1, 2], vec![]));
}

/// WA-05, AC-01: a future whose result one thread has read is done for every waiter, and comes before one
/// that ends later.
pub fn wa_05_what_was_seen_to_end_is_done(place: Place) {
    let executor = Subject::new(place, 2);
    for _ in 0..200 {
        let mut gates = [Gate::new(), Gate::new()];
        let futures = [
            executor.submit(pass, gates[0].path()),
            executor.submit(pass_and_fail, gates[1].path()),
        ];
        std::thread::scope(|scope| {
            let waits =
                scope.spawn(|| partition(&futures, &wait(&futures, Until::FirstFailed, None)));
            let ends = scope.spawn(|| as_completed(&futures).map(|f| f.name()).collect::<Vec<_>>());
            gates[0].open();
            futures[0].get().unwrap();
            gates[1].open();
            assert_eq!(waits.join().unwrap(), (vec![0, 1], vec![]));
            assert_eq!(ends.join().unwrap(), futures.each_ref().map(TaskFuture::name));
        });
    }
}

/// WA-06: a future given more than once counts once; an empty list needs no waiting.
pub fn wa_06_at_once(place: Place) {
    let executor = Subject::new(place, 1);
    let future = executor.submit(add_one, 1);
    let other = executor.submit(add_one, 2);
    for mode in MODES {
        let waited = wait([&future, &other, &future, &future], mode, None);
        assert_eq!(waited.done.len() + waited.not_done.len(), 2);
        assert!(!waited.done.is_empty());
        let waited = wait(Vec::<TaskFuture<u64>>::new(), mode, None);
        assert!(waited.done.is_empty() && waited.not_done.is_empty());
    }
    let futures = [future, other];
    let twice = futures.iter().chain(&futures);
    let waited = wait(twice, Until::AllCompleted, None);
    assert_eq!(partition(&futures, &waited), (vec![0, 1], vec![]));
}

/// WA-07: a hundred tasks are released while threads wait for them, again and again: no wake-up is lost.
pub fn wa_07_released_together(place: Place) {
    let executor = Subject::new(place, 5);
    for round in 0..20 {
        let mut gate = Gate::new();
        let futures: Vec<_> = (0..100).map(|_| executor.submit(pass, gate.path())).collect();
        std::thread::scope(|scope| {
            let waiters = MODES.map(|mode| {
                let futures = &futures;
                let count = move || partition(futures, &wait(futures, mode, None)).0.len();
                // Asleep in every second round, at any moment in the others.
                if round % 2 == 0 { waiting(scope, count) } else { scope.spawn(count) }
            });
            gate.open();
            let [first, exception, all] = waiters.map(|waiter| waiter.join().unwrap());
            assert!(first > 0);
            assert_eq!((exception, all), (100, 100));
        });
    }
}

/// WA-08: a cancelled future is done for every waiter at once, although no worker has noticed.
pub fn wa_08_cancelled_is_done(place: Place) {
    let executor = Subject::new(place, 1);
    let mut gate = Gate::new();
    let running = executor.submit(pass, gate.path());
    until(|| running.is_running());
    let queued: Vec<_> = (0..20).map(|n| executor.submit(add_one, n)).collect();
    assert!(queued[3].cancel());
    let waited = wait(&queued, Until::FirstCompleted, None);
    assert_eq!(partition(&queued, &waited).0, [3]);
    // The same when the executor cancels them while the worker is held up.
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| wait(&queued, Until::AllCompleted, None).done.len());
        let counter = scope.spawn(|| as_completed(&queued).count());
        executor.shutdown_with(ShutdownOptions::new().no_wait().cancel_queued()).unwrap();
        assert_eq!((waiter.join().unwrap(), counter.join().unwrap()), (20, 20));
    });
    assert!(running.is_running() && queued.iter().all(TaskFuture::is_cancelled));
    gate.open();
    running.result().unwrap();
}

/// WA-06, AC-01: futures of the executors of all places can be waited for together, and come in the order
/// of their ends.
///
/// # Panics
/// If they do not.
pub fn wa_06_mixed_executors() {
    let executors = Place::ALL.map(|place| Subject::new(place, 1));
    let mut gates = Place::ALL.map(|_| Gate::new());
    // In line the task ends before `submit` does.
    assert!(!Place::ALL[0].is_concurrent());
    gates[0].open();
    let mut futures = vec![];
    for (executor, gate) in executors.iter().zip(&gates) {
        futures.push(executor.submit(pass, gate.path()));
    }
    let pending: Vec<_> = (1..futures.len()).collect();
    for mode in [Until::FirstCompleted, Until::AllCompleted] {
        let waited = wait(&futures, mode, Some(Duration::from_millis(2)));
        assert_eq!(partition(&futures, &waited), (vec![0], pending.clone()), "{mode:?}");
    }
    let number =
        |future: &TaskFuture<()>| futures.iter().position(|other| std::ptr::eq(other, future));
    let mut ends = as_completed(&futures).map(number);
    assert_eq!(ends.next(), Some(Some(0)));
    // The last first.
    for n in pending.into_iter().skip(1).rev() {
        gates[n].open();
        assert_eq!(ends.next(), Some(Some(n)));
    }
    let ended = wait_while(&futures, Until::AllCompleted, || gates[1].open());
    assert_eq!(ended, ((0..futures.len()).collect(), vec![]));
    assert_eq!((ends.next(), ends.next()), (Some(Some(1)), None));
}
