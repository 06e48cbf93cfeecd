//! Callbacks of process pools that take their time, or wait for other tasks: nobody else has to wait for
//! them. And those of tasks that came too late on threads.

use horsepower::prelude::*;
use horsepower::{Error, Until, as_completed, wait};
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::lab::{guarded, until};
use horsepower_conformance::pools::{end, hang, pid_of, pool};
use horsepower_conformance::roles::die;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(3600);

/// A callback that does not end before the sender has gone, and what tells of its beginning.
fn slow<T>() -> (impl FnOnce(&T) + Send + 'static, Receiver<()>, Sender<()>) {
    let (begin, begun) = channel();
    let (release, wait) = channel::<()>();
    let callback = move |_: &T| {
        begin.send(()).unwrap();
        let _ = wait.recv();
    };
    (callback, begun, release)
}

/// While a callback runs, deadlines end tasks, the dead are replaced, what has failed is tried again, and
/// whoever waits for another task has its result; and who waits for that very future, no longer than asked.
#[test]
fn fu_11_a_slow_callback_delays_nobody() {
    horsepower::init();
    guarded("slow", || {
        let pool = pool(2);
        let (callback, begun, release) = slow();
        let mut first = pool.submit(pid_of, 1);
        first.add_done_callback(callback);
        begun.recv().unwrap();

        let endless = pool.task(hang, ()).deadline(SHORT).submit();
        assert!(endless.result().unwrap_err().is_deadline());
        assert!(pool.submit(die, "abort".to_owned()).result().unwrap_err().is_worker_death());
        let late = pool.task(die, "abort".to_owned()).retries(2).backoff(SHORT).submit();
        assert!(late.result().unwrap_err().is_worker_death());
        assert!(pool.map(pid_of, 0..100).map(|pair| pair.unwrap().0).eq(0..100));
        let futures: Vec<_> = (0..10).map(|n| pool.submit(pid_of, n)).collect();
        assert_eq!(wait(&futures, Until::AllCompleted, None).done.len(), 10);

        let start = Instant::now();
        assert!(first.done() && !first.running());
        assert!(first.result_timeout(SHORT).unwrap_err().is_timeout());
        assert!(first.exception_timeout(SHORT).unwrap_err().is_timeout());
        assert!(wait([&first], Until::AllCompleted, Some(SHORT)).done.is_empty());
        assert!(start.elapsed() >= 3 * SHORT);
        drop(release);
        assert_eq!(first.result().unwrap().0, 1);
        end(pool);
    });
}

/// Callbacks of other tasks are not called by a thread that waits for its own.
#[test]
fn fu_11_who_waits_does_not_call() {
    horsepower::init();
    guarded("who waits", || {
        let pool = pool(1);
        let here = std::thread::current().id();
        let (tell, told) = channel();
        for n in 0..300 {
            let others = [(); 3].map(|()| pool.submit(pid_of, n));
            for other in &others {
                let tell = tell.clone();
                // Where it has ended already it is called here, and rightly so.
                other.add_done_callback(move |_| {
                    let _ = tell.send(std::thread::current().name() == Some("hp-caller"));
                });
            }
            let added = told.try_iter().count();
            assert_eq!(pool.submit(pid_of, n).result().unwrap().0, n);
            let called = others.each_ref().map(|other| other.get().unwrap().0);
            assert_eq!((called, std::thread::current().id()), ([n; 3], here));
            let rest: Vec<bool> = told.iter().take(3 - added).collect();
            assert!(rest.iter().all(|caller| *caller), "{rest:?}");
        }
        end(pool);
    });
}

/// A callback may begin again what has crashed, and wait for it, though a worker has to be started for
/// that; in whichever way it waits, and whatever it is with which the other futures are burdened.
#[test]
fn fu_11_a_callback_may_wait() {
    horsepower::init();
    guarded("may wait", || {
        let pool = Arc::new(pool(1));
        let (tell, told) = channel::<Result<u64, Error>>();
        let again = pool.clone();
        let crash = pool.submit(die, "abort".to_owned());
        crash.add_done_callback(move |outcome| {
            assert!(outcome.as_ref().unwrap_err().is_worker_death());
            let two = again.submit(pid_of, 2);
            let called = Arc::new(AtomicUsize::new(0));
            for future in [&two, &again.submit(pid_of, 3)] {
                let (called, again) = (called.clone(), again.clone());
                // Each of them waits in turn, in the same place.
                future.add_done_callback(move |_| {
                    assert_eq!(again.submit(pid_of, 4).result().unwrap().0, 4);
                    called.fetch_add(1, Ordering::SeqCst);
                });
            }
            assert_eq!(two.get().unwrap().0, 2);
            assert_eq!(wait([&two], Until::FirstCompleted, None).done.len(), 1);
            let ends = as_completed([5, 6].map(|n| {
                let future = again.submit(pid_of, n);
                let called = called.clone();
                future.add_done_callback(move |_| {
                    called.fetch_add(1, Ordering::SeqCst);
                });
                future
            }));
            assert_eq!(ends.count(), 2);
            until(|| called.load(Ordering::SeqCst) == 4);
            let sum = again.map(pid_of, 0..10).map(|pair| pair.map(|(n, _)| n)).sum();
            tell.send(sum).unwrap();
        });
        assert_eq!(told.recv().unwrap().unwrap(), 45);
        assert!(crash.result().unwrap_err().is_worker_death());
        until(|| Arc::strong_count(&pool) == 1);
        end(Arc::into_inner(pool).unwrap());
    });
}

/// Callbacks are called by one thread, one after the other; the end of the pool waits for all of them.
#[test]
fn fu_07_callbacks_come_one_after_the_other() {
    horsepower::init();
    guarded("in order", || {
        let pool = pool(1);
        let (callback, begun, release) = slow();
        let first = pool.submit(pid_of, 0);
        first.add_done_callback(callback);
        begun.recv().unwrap();
        let calls = Arc::new(Mutex::new(vec![]));
        let mut gate = Gate::new();
        let closed = pool.submit(pass, gate.path());
        let futures = (0..500).map(|n| {
            let (future, calls) = (pool.submit(pid_of, n), calls.clone());
            future.add_done_callback(move |outcome| {
                let id = std::thread::current().id();
                calls.lock().unwrap().push((outcome.as_ref().unwrap().0, id));
            });
            future
        });
        let futures: Vec<_> = futures.collect();
        gate.open();
        closed.result().unwrap();
        until(|| futures.iter().all(TaskFuture::done));
        assert!(calls.lock().unwrap().is_empty());
        drop(release);
        end(pool);
        let mut calls = calls.lock().unwrap();
        calls.sort_unstable_by_key(|call| call.0);
        assert!(calls.iter().map(|call| call.0).eq(0..500));
        assert!(calls.iter().all(|call| call.1 == calls[0].1));
    });
}

/// On threads: callbacks of a task that has not begun in time delay no other such task.
#[test]
fn late_callbacks_on_threads_delay_nobody() {
    guarded("late", || {
        let pool = ThreadPoolExecutor::with_workers(1).unwrap();
        let mut gate = Gate::new();
        let running = pool.submit(pass, gate.path());
        until(|| running.running());
        let (callback, begun, release) = slow();
        let first = pool.task(pid_of, 1).queue_deadline(SHORT).submit();
        first.add_done_callback(callback);
        begun.recv().unwrap();
        let second = pool.task(pid_of, 2).queue_deadline(SHORT).submit();
        assert!(second.result().unwrap_err().is_deadline());
        let kept = pool.task(pid_of, 3).queue_deadline(LONG).submit();
        assert!(first.done());
        drop(release);
        assert!(first.result().unwrap_err().is_deadline());
        gate.open();
        running.result().unwrap();
        assert_eq!(kept.result().unwrap().0, 3);
    });
}
