//! Callbacks that are slow, or that wait for other tasks, delay nothing else.

use horsepower::prelude::*;
use horsepower::{Error, ShutdownOptions, Until, as_completed, wait};
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{assert_gone, guarded, in_time, until};
use horsepower_conformance::pools::{end, hang, pid_of, pool};
use horsepower_conformance::subprocess::die;
use std::cell::OnceCell;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(3600);

/// Task: fails.
fn fail(n: u64) -> u64 {
    panic!("{n} on purpose")
}

/// Task: takes a moment.
fn take_time(n: u64) -> u64 {
    std::thread::sleep(Duration::from_millis(2));
    n
}

/// A callback that runs until the sender is dropped, and a receiver that hears when it begins.
fn slow<T>() -> (impl FnOnce(&T) + Send + 'static, Receiver<()>, Sender<()>) {
    let (begin, begun) = channel();
    let (release, wait) = channel::<()>();
    let adder = std::thread::current().id();
    let callback = move |_: &T| {
        // On a future that has ended it runs at once; the thread that adds it must not wait.
        if std::thread::current().id() != adder {
            begin.send(()).unwrap();
            let _ = wait.recv();
        }
    };
    (callback, begun, release)
}

/// Adds such a callback, and returns once it runs; `None` if the future had ended already.
fn hold<T>(future: &TaskFuture<T>) -> Option<Sender<()>> {
    let (callback, begun, release) = slow();
    future.add_done_callback(callback);
    begun.recv().ok().map(|()| release)
}

/// Task: waits at the gate.
fn pass_and_return((gate, n): (PathBuf, u64)) -> (u64, u32) {
    pass(gate);
    pid_of(n)
}

/// A future whose callback runs, until the sender is dropped.
fn held(pool: &ProcessPoolExecutor, n: u64) -> (TaskFuture<(u64, u32)>, Sender<()>) {
    let mut gate = Gate::new();
    let future = pool.submit(pass_and_return, (gate.path(), n));
    let (callback, begun, release) = slow();
    future.add_done_callback(callback);
    gate.open();
    begun.recv().unwrap();
    (future, release)
}

/// FU-11: while a callback runs, deadlines end tasks, dead workers are replaced, failed tasks are
/// retried, other results arrive, and a wait for that very future returns when its timeout is over.
#[test]
fn fu_11_a_slow_callback_delays_nobody() {
    horsepower::init();
    guarded("slow", || {
        let pool = pool(2);
        let (mut first, release) = held(&pool, 1);

        let endless = pool.task(hang, ()).deadline(SHORT).submit();
        assert!(endless.result().unwrap_err().is_deadline());
        assert!(pool.submit(die, "abort".to_owned()).result().unwrap_err().is_worker_death());
        let late = pool.task(die, "abort".to_owned()).retries(2).backoff(SHORT).submit();
        assert!(late.result().unwrap_err().is_worker_death());
        assert!(pool.map(pid_of, 0..100).map(|pair| pair.unwrap().0).eq(0..100));
        let futures: Vec<_> = (0..10).map(|n| pool.submit(pid_of, n)).collect();
        assert_eq!(wait(&futures, Until::AllCompleted, None).done.len(), 10);

        let start = Instant::now();
        assert!(first.is_done() && !first.is_running());
        assert!(first.result_timeout(SHORT).unwrap_err().is_timeout());
        assert!(first.error_timeout(SHORT).unwrap_err().is_timeout());
        assert!(wait([&first], Until::AllCompleted, Some(SHORT)).done.is_empty());
        assert!(start.elapsed() >= 3 * SHORT);
        drop(release);
        assert_eq!(first.result().unwrap().0, 1);
        end(pool);
    });
}

/// FU-11: a thread that waits for its own task does not run the callbacks of other tasks.
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
                // If it has ended already, this thread runs it, as it should.
                other.add_done_callback(move |_| {
                    let _ = tell.send(std::thread::current().name() == Some("hp-callback"));
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

/// FU-11: a callback may submit again and wait for that, although a worker must be started for it; in
/// every way of waiting, and with callbacks on the new futures too.
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
                // Each of these callbacks waits in turn.
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

/// FU-11: more callbacks than there will ever be threads may resubmit what has failed and wait for it.
#[test]
fn fu_11_any_number_of_callbacks_may_wait() {
    const TASKS: u64 = 200;
    horsepower::init();
    guarded("any number", || {
        let pool = Arc::new(pool(2));
        let called = Arc::new(AtomicUsize::new(0));
        let callers = Arc::new(Mutex::new(vec![]));
        let futures: Vec<_> = (0..TASKS)
            .map(|n| {
                let future = pool.submit(fail, n);
                let (again, callers, called) = (pool.clone(), callers.clone(), called.clone());
                future.add_done_callback(move |outcome| {
                    assert!(outcome.as_ref().unwrap_err().is_panic());
                    callers.lock().unwrap().push(std::thread::current().id());
                    // Slow enough to get its callback before it ends.
                    let second = again.submit(take_time, n);
                    second.add_done_callback(move |_| {
                        called.fetch_add(1, Ordering::SeqCst);
                    });
                    assert_eq!(second.result().unwrap(), n);
                });
                future
            })
            .collect();
        assert!(futures.into_iter().all(|future| future.result().is_err()));
        let callers = callers.lock().unwrap();
        let all = TASKS as usize;
        assert_eq!((callers.len(), called.load(Ordering::SeqCst)), (all, all));
        // A waiting callback thread runs the next callback: there is no thread for each.
        assert!(callers.iter().collect::<HashSet<_>>().len() < callers.len() / 2);
        until(|| Arc::strong_count(&pool) == 1);
        end(Arc::into_inner(pool).unwrap());
    });
}

/// FU-11: callbacks may wait for each other in ways that the pool cannot see; after a while it adds
/// threads for them.
#[test]
fn fu_11_callbacks_may_wait_for_each_other() {
    horsepower::init();
    guarded("each other", || {
        let pool = pool(1);
        let (tell, told) = channel();
        let mut gate = Gate::new();
        // Each but the last waits for the one after it.
        let mut previous = Some(tell);
        for n in 0..4 {
            let (tell, next) = channel::<()>();
            let then = previous.replace(tell).unwrap();
            let future = pool.submit(pass_and_return, (gate.path(), n));
            future.add_done_callback(move |_| {
                if n < 3 {
                    next.recv().unwrap();
                }
                then.send(()).unwrap();
            });
        }
        gate.open();
        told.recv().unwrap();
        end(pool);
    });
}

/// A large result that is slow to decode delays no deadline, although nobody waits for it.
#[test]
fn a_slow_decoding_delays_nobody() {
    /// Decoding blocks while it is forbidden.
    #[derive(serde::Serialize)]
    struct Heavy(Vec<u8>);
    static FORBIDDEN: AtomicBool = AtomicBool::new(false);
    static DECODING: AtomicBool = AtomicBool::new(false);
    impl<'de> serde::Deserialize<'de> for Heavy {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Heavy, D::Error> {
            DECODING.store(true, Ordering::SeqCst);
            until(|| !FORBIDDEN.load(Ordering::SeqCst));
            Vec::deserialize(from).map(Heavy)
        }
    }
    horsepower::init();
    guarded("decoding", || {
        let pool = pool(2);
        FORBIDDEN.store(true, Ordering::SeqCst);
        let heavy = pool.submit(|n| Heavy(vec![7; n]), 1 << 20);
        let called = Arc::new(AtomicBool::new(false));
        let call = called.clone();
        heavy.add_done_callback(move |_| call.store(true, Ordering::SeqCst));
        until(|| DECODING.load(Ordering::SeqCst));
        let endless = pool.task(hang, ()).deadline(SHORT).submit();
        assert!(endless.result().unwrap_err().is_deadline());
        assert!(!called.load(Ordering::SeqCst));
        FORBIDDEN.store(false, Ordering::SeqCst);
        assert_eq!(heavy.result().unwrap().0.len(), 1 << 20);
        assert!(called.load(Ordering::SeqCst));
        end(pool);
    });
}

/// Large results do not wait for callbacks, however many and however slow.
#[test]
fn a_large_result_does_not_wait_for_callbacks() {
    const CALLBACKS: usize = 400;
    horsepower::init();
    guarded("large", || {
        let pool = pool(2);
        let (mut first, release) = held(&pool, 0);
        let begun = Arc::new(AtomicUsize::new(0));
        let (go, wait_for_it) = channel::<()>();
        let wait_for_it = Arc::new(Mutex::new(wait_for_it));
        let mut gate = Gate::new();
        let futures: Vec<_> = (0..CALLBACKS).map(|_| pool.submit(pass, gate.path())).collect();
        for future in &futures {
            let (begun, wait_for_it) = (begun.clone(), wait_for_it.clone());
            future.add_done_callback(move |_| {
                begun.fetch_add(1, Ordering::SeqCst);
                let _ = wait_for_it.lock().unwrap().recv();
            });
        }
        gate.open();
        until(|| futures.iter().all(TaskFuture::is_done));
        for len in [1 << 20, 1 << 21] {
            let large = [(); 3].map(|()| pool.submit(|len| vec![7u8; len], len));
            let waited = wait(&large, Until::AllCompleted, None);
            assert_eq!(waited.done.len(), 3);
            assert!(large.into_iter().all(|large| large.result().unwrap().len() == len));
        }
        // The pool adds threads slowly.
        assert!(begun.load(Ordering::SeqCst) < CALLBACKS / 2);
        assert!(first.result_timeout(Duration::ZERO).is_err(), "its callback is still there");
        drop((go, release));
        end(pool);
    });
}

/// SH-02: a callback that waits for a task of another pool does not run that pool's callbacks; the end of
/// that pool waits for them.
#[test]
fn sh_02_the_end_of_another_pool_waits_for_its_callbacks() {
    horsepower::init();
    guarded("another", || {
        let (here, other) = (pool(1), Arc::new(pool(1)));
        let (callback, begun, release) = slow();
        let mut gate = Gate::new();
        let (tell, told) = channel();
        let (path, pool) = (gate.path(), other.clone());
        here.submit(pid_of, 0).add_done_callback(move |_| {
            let slow = pool.submit(pass, path);
            slow.add_done_callback(callback);
            drop(pool);
            tell.send(()).unwrap();
            slow.result().unwrap();
        });
        told.recv().unwrap();
        gate.open();
        begun.recv().unwrap();
        let end_soon = ShutdownOptions::new().timeout(SHORT);
        assert!(other.shutdown_with(end_soon).unwrap_err().is_timeout());
        drop(release);
        other.shutdown();
        end(here);
    });
}

/// The thread that runs a callback may hold the last handle of the pool.
#[test]
fn a_caller_may_be_the_last_to_hold_its_pool() {
    thread_local! {
        static POOL: OnceCell<Arc<ProcessPoolExecutor>> = const { OnceCell::new() };
    }
    horsepower::init();
    guarded("the last", || {
        let pool = Arc::new(pool(1));
        let pids = {
            assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
            pool.worker_pids()
        };
        let (held, weak) = (pool.clone(), Arc::downgrade(&pool));
        let mut gate = Gate::new();
        let future = pool.submit(pass_and_return, (gate.path(), 2));
        future.add_done_callback(move |_| POOL.with(|place| drop(place.set(held))));
        gate.open();
        assert_eq!(future.result().unwrap().0, 2);
        pool.shutdown_with(ShutdownOptions::new().no_wait()).unwrap();
        drop(pool);
        until(|| weak.strong_count() == 0);
        assert_gone(&pids);
    });
}

/// SH-02: the end of the pool waits for all callbacks.
#[test]
fn sh_02_the_end_waits_for_callbacks() {
    horsepower::init();
    guarded("the end", || {
        let pool = pool(1);
        let (_first, release) = held(&pool, 0);
        let calls = Arc::new(Mutex::new(vec![]));
        let mut gate = Gate::new();
        let closed = pool.submit(pass, gate.path());
        let futures = (0..500).map(|n| {
            let (future, calls) = (pool.submit(pid_of, n), calls.clone());
            future.add_done_callback(move |outcome| {
                calls.lock().unwrap().push(outcome.as_ref().unwrap().0);
            });
            future
        });
        let futures: Vec<_> = futures.collect();
        gate.open();
        closed.result().unwrap();
        until(|| futures.iter().all(TaskFuture::is_done));
        drop(release);
        end(pool);
        let mut calls = calls.lock().unwrap();
        calls.sort_unstable();
        assert!(calls.iter().copied().eq(0..500));
    });
}

/// On threads, the callbacks of a task that missed its queue deadline delay no other such task; the end
/// of the pool waits for them.
#[test]
fn late_callbacks_on_threads_delay_nobody() {
    guarded("late", || {
        let pool = ThreadPoolExecutor::with_workers(1).unwrap();
        let mut gate = Gate::new();
        let running = pool.submit(pass, gate.path());
        until(|| running.is_running());
        let (first, release) = in_time(SHORT, |limit| {
            let first = pool.task(pid_of, 1).queue_deadline(limit).submit();
            let release = hold(&first)?;
            Some((first, release))
        });
        let second = pool.task(pid_of, 2).queue_deadline(SHORT).submit();
        assert!(second.result().unwrap_err().is_deadline());
        let kept = pool.task(pid_of, 3).queue_deadline(LONG).submit();
        assert!(first.is_done());
        gate.open();
        running.result().unwrap();
        assert_eq!(kept.result().unwrap().0, 3);
        let end = ShutdownOptions::new().timeout(SHORT);
        assert!(pool.shutdown_with(end).unwrap_err().is_timeout());
        drop(release);
        drop(pool);
        assert!(first.error_timeout(Duration::ZERO).unwrap().unwrap().is_deadline());
    });
}

/// FU-07: while the system gives no thread for callbacks, they are called all the same, and the pool ends.
#[test]
fn fu_07_no_thread_for_callbacks() {
    use horsepower_conformance::subprocess::{another, role};
    use rustix::process::{Resource, Rlimit, setrlimit};
    horsepower::init();
    if role().is_some() {
        let pool = pool(1);
        assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
        let mut gate = Gate::new();
        let futures: Vec<_> = (0..5).map(|_| pool.submit(pass, gate.path())).collect();
        // Too little address space for one more stack.
        let used = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = used.split(' ').next().unwrap().parse().unwrap();
        let limit = pages * rustix::param::page_size() as u64 + (1 << 20);
        setrlimit(Resource::As, Rlimit { current: Some(limit), maximum: Some(limit) }).unwrap();
        assert!(std::thread::Builder::new().stack_size(2 << 20).spawn(|| ()).is_err());
        let (tell, told) = channel();
        for future in &futures {
            let tell = tell.clone();
            future.add_done_callback(move |outcome| tell.send(outcome.is_ok()).unwrap());
        }
        drop(tell);
        gate.open();
        assert_eq!(told.iter().collect::<Vec<_>>(), [true; 5]);
        drop(pool);
        std::io::Write::write_all(&mut std::io::stdout(), b"all told\n").unwrap();
        return;
    }
    guarded("fu_07_no_thread", || {
        let output = another("fu_07_no_thread_for_callbacks", "short").output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("all told"), "{output:?}");
    });
}
