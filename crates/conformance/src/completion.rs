//! Futures in the order in which they end: the rows of `as_completed`.

use crate::gate::{Gate, pass};
use crate::harness::{Subject, until};
use crate::place::Place;
use crate::rows::{add_one, fail_on_three};
use crate::waiting::pass_and_fail;
use horsepower::{
    Executor, TaskFuture, Until, as_completed, as_completed_timeout, completions, wait, wait_async,
};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// The index of a future in a list.
fn number<T>(futures: &[TaskFuture<T>], future: &TaskFuture<T>) -> usize {
    futures.iter().position(|other| std::ptr::eq(other, future)).expect("one of them")
}

/// AC-01: futures that have already ended come first, each once, failed ones too; an empty list yields
/// nothing.
pub fn ac_01_at_once(place: Place) {
    let executor = Subject::new(place, 2);
    let futures: Vec<_> = (0..10).map(|n| executor.submit(fail_on_three, n)).collect();
    let ends = as_completed(futures);
    assert_eq!(ends.len(), 10);
    let mut outcomes: Vec<_> = ends.map(|future| future.result().ok()).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes[0], None);
    assert!(outcomes[1..].iter().flatten().copied().eq((0..10).filter(|&n| n != 3)));
    assert!(as_completed(Vec::<TaskFuture<u64>>::new()).next().is_none());
    let none = Vec::<TaskFuture<u64>>::new();
    assert!(as_completed_timeout(none, Duration::ZERO).next().is_none());
    // AC-03: a timeout of zero is enough for what has ended.
    let futures: Vec<_> = (0..3).map(|n| executor.submit(add_one, n)).collect();
    until(|| futures.iter().all(TaskFuture::is_done));
    let mut ends = as_completed_timeout(&futures, Duration::ZERO);
    assert!(ends.by_ref().take(3).all(|end| end.is_ok()) && ends.next().is_none());
    let mut ends = as_completed(&futures);
    (0..3).for_each(|_| assert!(ends.next_timeout(Duration::ZERO).unwrap().is_ok()));
    assert!(ends.next_timeout(Duration::ZERO).is_none());
}

/// AC-01: futures come in the order in which they end, however they end.
pub fn ac_01_in_the_order_of_their_ends(place: Place) {
    let executor = Subject::new(place, 3);
    let mut gates = [Gate::new(), Gate::new(), Gate::new(), Gate::new()];
    let futures = [
        executor.submit(pass, gates[0].path()),
        executor.submit(pass_and_fail, gates[1].path()),
        executor.submit(pass, gates[2].path()),
        executor.submit(pass, gates[3].path()),
    ];
    until(|| futures[..3].iter().all(TaskFuture::is_running));
    gates[2].open();
    until(|| futures[2].is_done());
    let mut ends = as_completed(&futures);
    assert_eq!(ends.next().map(|future| number(&futures, future)), Some(2), "it had ended before");
    for millis in [0, 1, 5] {
        let error = ends.next_timeout(Duration::from_millis(millis)).unwrap().unwrap_err();
        let text = "timed out with 3 of 4 futures pending; ";
        assert!(error.is_timeout() && error.to_string().starts_with(text), "{error}");
    }
    let mut next = || ends.next().map(|future| number(&futures, future));
    gates[1].open();
    assert_eq!(next(), Some(1), "a failed one");
    gates[3].open();
    assert_eq!(next(), Some(3));
    gates[0].open();
    assert_eq!(next(), Some(0));
    assert_eq!((next(), next()), (None, None));
    assert!(futures[1].error().unwrap().is_panic());

    // Futures cancelled before the iteration, and during it.
    let gates = [Gate::new(), Gate::new(), Gate::new()];
    let busy = gates.each_ref().map(|gate| executor.submit(pass, gate.path()));
    until(|| busy.iter().all(TaskFuture::is_running));
    let queued: Vec<_> = (0..3).map(|n| executor.submit(add_one, n)).collect();
    assert!(queued[1].cancel());
    let mut ends = as_completed(&queued);
    assert_eq!(number(&queued, ends.next().unwrap()), 1);
    assert!(queued[2].cancel());
    assert_eq!(number(&queued, ends.next().unwrap()), 2);
    drop(gates);
    assert_eq!(number(&queued, ends.next().unwrap()), 0);
    assert_eq!(ends.len(), 0);
}

/// AC-02: a future given three times comes once.
pub fn ac_02_duplicates(place: Place) {
    let executor = Subject::new(place, 1);
    let future = executor.submit(add_one, 1);
    let list = std::iter::repeat_n(&future, 3);
    assert_eq!(as_completed(list.clone()).count(), 1);
    assert_eq!(as_completed_timeout(list, Duration::MAX).map(Result::unwrap).count(), 1);
    // Also through different pointers.
    let shared = Arc::new(executor.submit(add_one, 2));
    assert_eq!(as_completed([shared.clone(), shared.clone(), shared]).len(), 1);
}

/// AC-03: with a timeout of zero, the futures that have ended come, and then an error that counts the
/// others.
pub fn ac_03_no_time(place: Place) {
    let executor = Subject::new(place, 2);
    let gate = Gate::new();
    let futures = [
        executor.submit(pass, gate.path()),
        executor.submit(|_| (), std::path::PathBuf::new()),
        executor.submit(|_| panic!("on purpose"), std::path::PathBuf::new()),
        executor.submit(pass, gate.path()),
    ];
    until(|| futures[1].is_done() && futures[2].is_done());
    let mut ends = as_completed_timeout(&futures, Duration::ZERO);
    let mut ended = [ends.next(), ends.next()].map(|end| number(&futures, end.unwrap().unwrap()));
    ended.sort_unstable();
    assert_eq!(ended, [1, 2]);
    let error = ends.next().unwrap().unwrap_err();
    assert!(
        error.is_timeout()
            && error.to_string().starts_with("timed out with 2 of 4 futures pending; ")
    );
    assert!(ends.next().is_none(), "the error is the last");
    assert_eq!(ends.into_rest().len(), 2, "and the others are given back");
    assert!(!futures[0].is_done() && !futures[3].is_done(), "they go on");
}

/// AC-04: the timeout counts from the call, not from the first `next`.
pub fn ac_04_the_clock_starts_with_the_call(place: Place) {
    let executor = Subject::new(place, 1);
    let mut gate = Gate::new();
    let future = executor.submit(pass, gate.path());
    let timeout = Duration::from_millis(1200);
    let mut ends = as_completed_timeout([&future], timeout);
    std::thread::sleep(timeout);
    let (looked, has_looked) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        // If it counted from `next`, the future would end in time.
        let gate = &mut gate;
        scope.spawn(move || {
            let _ = has_looked.recv_timeout(timeout * 3 / 4);
            gate.open();
        });
        assert!(ends.next().unwrap().unwrap_err().is_timeout());
        drop(looked);
    });
    future.get().unwrap();
}

/// AC-05: the iterator keeps no reference to a future it has yielded; dropping it leaves the others as
/// they are.
pub fn ac_05_no_reference_is_kept(place: Place) {
    let executor = Subject::new(place, 2);
    let mut gates = [Gate::new(), Gate::new()];
    let futures: Vec<_> =
        gates.iter().map(|gate| Arc::new(executor.submit(pass, gate.path()))).collect();
    let counts = || futures.iter().map(Arc::strong_count).collect::<Vec<_>>();
    let mut ends = as_completed(futures.clone());
    assert_eq!(counts(), [2, 2]);
    gates[1].open();
    drop(ends.next());
    assert_eq!(counts(), [2, 1], "the iterator has let go of it");
    drop(ends);
    assert_eq!(counts(), [1, 1]);
    assert!(!futures[0].is_done() && !futures[0].is_cancelled());
    drop(wait(futures.clone(), Until::AllCompleted, Some(Duration::ZERO)));
    assert_eq!(counts(), [1, 1]);
    gates[0].open();
    futures[0].get().unwrap();
}

/// AC-05: a future forgets a waiter that stops waiting, and releases its waker. The asynchronous forms
/// show it because their wakers can be counted; the blocking forms register in the same way.
pub fn ac_05_watchers_are_removed(place: Place) {
    struct Counted;
    impl Wake for Counted {
        fn wake(self: Arc<Self>) {}
    }
    let executor = Subject::new(place, 1);
    let mut gate = Gate::new();
    let futures = [executor.submit(pass, gate.path()), executor.submit(pass, gate.path())];
    let counted = Arc::new(Counted);
    for _ in 0..100 {
        let waker = Waker::from(counted.clone());
        let mut context = Context::from_waker(&waker);
        let mut ends = completions(&futures);
        {
            let mut next = std::pin::pin!(ends.next());
            assert!(matches!(next.as_mut().poll(&mut context), Poll::Pending));
        }
        let mut all = Box::pin(wait_async(&futures, Until::AllCompleted));
        assert!(all.as_mut().poll(&mut context).is_pending());
        assert_eq!(Arc::strong_count(&counted), 4, "ours, the waker, and one for each who waits");
        drop(ends);
        assert_eq!(Arc::strong_count(&counted), 3);
        drop(all);
        assert_eq!(Arc::strong_count(&counted), 2);
    }
    gate.open();
    assert_eq!(as_completed(&futures).count(), 2);
}
