//! Waiting without blocking a thread, on any runtime: rows that are asynchronous functions, and the
//! smallest runtime there is.

use crate::built;
use crate::gate::{Gate, pass};
use crate::harness::{Subject, ThreadEntry, until};
use crate::place::Place;
use crate::rows::{add_one, fail_on_three};
use crate::waiting::{partition, pass_and_fail};
use futures_core::Stream;
use horsepower::{Executor, TaskFuture, Until, completions, wait_async};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

/// Runs a future on this thread, which sleeps while there is nothing to do.
pub fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// Opens the gate on another thread, once the calling one sleeps.
fn open_later(mut gate: Gate) -> std::thread::JoinHandle<Gate> {
    let caller = ThreadEntry::current();
    std::thread::spawn(move || {
        caller.wait_until_asleep();
        gate.open();
        gate
    })
}

/// A future can be awaited, however its task ends; one that is dropped half-way leaves the task alone.
pub async fn awaiting_a_future(place: Place) {
    let executor = Subject::new(place, 2);
    let (one, two) = (executor.submit(add_one, 1), executor.submit(add_one, 2));
    assert_eq!((two.await.unwrap(), one.await.unwrap()), (3, 2));
    assert!(executor.submit(fail_on_three, 3).await.unwrap_err().is_panic());
    let gate = Gate::new();
    if place.is_concurrent() {
        let late = executor.submit(pass, gate.path());
        let failing = executor.submit(pass_and_fail, gate.path());
        let queued = executor.submit(add_one, 1);
        assert!(queued.cancel());
        assert!(queued.await.unwrap_err().is_cancelled());
        let opening = open_later(gate);
        late.await.unwrap();
        assert!(failing.await.unwrap_err().is_panic());
        opening.join().unwrap();
    }
    // A result that was lent can be awaited too.
    let lent = executor.submit(add_one, 5);
    assert_eq!(lent.get().unwrap(), &6);
    assert_eq!(lent.await.unwrap(), 6);
}

/// WA-01, WA-02, WA-03, WA-06: `wait` in asynchronous code.
pub async fn wa_01_without_blocking(place: Place) {
    let executor = Subject::new(place, 2);
    let futures: Vec<_> = (2..5).map(|n| executor.submit(fail_on_three, n)).collect();
    let waited = wait_async(&futures, Until::AllCompleted).await;
    assert_eq!(partition(&futures, &waited), (vec![0, 1, 2], vec![]));
    let none = Vec::<TaskFuture<u64>>::new();
    assert!(wait_async(none, Until::AllCompleted).await.done.is_empty());
    if !place.is_concurrent() {
        return;
    }
    let slow = Gate::new();
    let mut quick = Gate::new();
    let futures =
        [executor.submit(pass, slow.path()), executor.submit(pass_and_fail, quick.path())];
    for until in [Until::FirstCompleted, Until::FirstFailed] {
        let opening = open_later(quick);
        let waited = wait_async(&futures, until).await;
        assert_eq!(partition(&futures, &waited), (vec![1], vec![0]));
        quick = opening.join().unwrap();
    }
    let opening = open_later(slow);
    let waited = wait_async(futures, Until::AllCompleted).await;
    assert_eq!((waited.done.len(), waited.not_done.len()), (2, 0));
    opening.join().unwrap();
}

/// WA-07: without blocking, no wake-up is lost either.
pub async fn wa_07_without_blocking(place: Place) {
    let executor = Subject::new(place, 4);
    for round in 0..20 {
        let gate = Gate::new();
        let futures: Vec<_> = (0..100).map(|_| executor.submit(pass, gate.path())).collect();
        let opening = open_later(gate);
        if round % 2 == 0 {
            assert_eq!(wait_async(&futures, Until::AllCompleted).await.done.len(), 100);
        } else {
            for future in futures {
                future.await.unwrap();
            }
        }
        opening.join().unwrap();
    }
}

/// AC-01, AC-02: `completions` yields each once, by `next` and as a stream.
pub async fn ac_01_without_blocking(place: Place) {
    let executor = Subject::new(place, 2);
    let futures: Vec<_> = (0..10).map(|n| executor.submit(fail_on_three, n)).collect();
    let mut ends = completions(futures.iter().chain(&futures));
    assert_eq!(ends.size_hint(), (10, Some(10)));
    let mut seen = 0;
    while let Some(future) = ends.next().await {
        assert!(future.is_done());
        seen += 1;
    }
    assert_eq!(seen, 10);
    assert!(ends.next().await.is_none());
    drop(ends);

    let mut stream = completions(futures);
    let mut returned: Vec<u64> = vec![];
    while let Some(future) = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await {
        returned.extend(future.await);
    }
    returned.sort_unstable();
    assert!(returned.into_iter().eq((0..10).filter(|&n| n != 3)));
    let mut none = completions(Vec::<TaskFuture<u64>>::new());
    assert!(none.next().await.is_none());
}

/// AC-01, AC-05: `completions` waits for the ends, in their order, and gives the rest back.
pub async fn ac_01_in_order_without_blocking(place: Place) {
    let executor = Subject::new(place, 2);
    let (slow, quick) = (Gate::new(), Gate::new());
    let futures =
        [executor.submit(pass, slow.path()), executor.submit(pass_and_fail, quick.path())];
    until(|| futures.iter().all(TaskFuture::is_running));
    let mut ends = completions(&futures);
    let opening = open_later(quick);
    assert!(std::ptr::eq(ends.next().await.unwrap(), &raw const futures[1]));
    opening.join().unwrap();
    let rest = ends.into_rest();
    assert!(std::ptr::eq(rest[0], &raw const futures[0]) && rest.len() == 1);
    let opening = open_later(slow);
    assert!(completions(rest).next().await.unwrap().error().is_none());
    opening.join().unwrap();
}

/// Where there is room, `submit_async` submits at once, and every task runs.
pub async fn submitting_without_blocking(place: Place) {
    let executor = Subject::new(place, 1);
    let mut futures = vec![];
    for n in 0..50 {
        futures.push(executor.task(add_one, n).submit_async().await);
    }
    for (n, future) in (0..).zip(futures) {
        assert_eq!(future.await.unwrap(), n + 1);
    }
    drop(executor.task(add_one, 1).submit_async::<u64>().await);
    let named = executor.task(add_one, 1).name("a name").submit_async().await;
    assert_eq!(named.name(), "a name");
    assert_eq!(named.await.unwrap(), 2);
}

/// With a queue limit, `submit_async` waits for room without blocking, and every task runs.
pub async fn submitting_waits_for_room_without_blocking(place: Place) {
    let executor = built!(place, .workers(1).queue_limit(2));
    let gate = Gate::new();
    let mut futures = vec![];
    for _ in 0..3 {
        futures.push(executor.task(pass, gate.path()).submit_async().await);
    }
    {
        let mut fourth = pin!(executor.task(pass, gate.path()).submit_async());
        let polled = poll_fn(|context| Poll::Ready(fourth.as_mut().poll(context))).await;
        assert!(polled.is_pending(), "there is no room");
        // Dropped before there was room, it is never submitted.
    }
    let opening = open_later(gate);
    let task = executor.task(add_one, 1).name("fifth");
    assert_eq!(task.submit_async().await.await.unwrap(), 2);
    opening.join().unwrap();
    for future in futures {
        future.await.unwrap();
    }
    for n in 0..50 {
        drop(executor.task(add_one, n).submit_async::<u64>().await);
    }
}
