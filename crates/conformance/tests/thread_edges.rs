//! Thread pools where user code runs at unusual moments: when values are dropped, when threads begin and
//! end.

use horsepower::prelude::*;
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{guarded, threads, until};
use std::cell::RefCell;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

fn add_one(n: u64) -> u64 {
    n + 1
}

fn pool(workers: usize) -> ThreadPoolExecutor {
    ThreadPoolExecutor::with_workers(workers).unwrap()
}

/// Calls a function when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// An unwanted result waits for another task of its pool when it is dropped: the pool does not count the
/// dropping thread as free.
#[test]
fn a_result_that_waits_when_it_is_dropped() {
    guarded("a_result_that_waits", || {
        let pool = pool(2);
        let (begin, begun) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let mut gate = Gate::new();
        let path = gate.path();
        drop(pool.spawn(move || {
            pass(path);
            OnDrop(move || {
                begin.send(()).unwrap();
                ended.recv().unwrap();
            })
        }));
        gate.open();
        begun.recv().unwrap();
        for n in 0..10 {
            assert_eq!(pool.submit(add_one, n).result().unwrap(), n + 1);
        }
        end.send(()).unwrap();
    });
}

/// Items that panic when they are dropped, in a cancelled map: all others get their answer.
#[test]
fn items_that_panic_when_they_are_dropped() {
    guarded("items_that_panic", || {
        struct Item(u64);
        impl Drop for Item {
            fn drop(&mut self) {
                assert!(self.0 != 3, "released");
            }
        }
        let pool = pool(1);
        let options = MapOptions::new().chunk_size(5).on_error(OnError::Continue);
        let mut gate = Gate::new();
        let path = gate.path();
        let task = move |item: Item| {
            pass(path.clone());
            // A thread hands back the rest of a chunk after 5 ms.
            std::thread::sleep(Duration::from_millis(8));
            let n = item.0;
            std::mem::forget(item);
            n
        };
        let map = pool.spawn_tasks(task, (0..5).map(Item)).options(options).map();
        // The rest of the chunk waits behind this one.
        let mut behind = Gate::new();
        let busy = pool.submit(pass, behind.path());
        gate.open();
        until(|| busy.is_running());
        pool.shutdown_with(ShutdownOptions::new().cancel_queued().no_wait()).unwrap();
        behind.open();
        let results: Vec<_> = map.collect();
        assert_eq!(results.len(), 5);
        let cancelled = |error: &horsepower::Error| error.is_cancelled();
        assert!(results[1..].iter().all(|result| result.as_ref().is_err_and(cancelled)));
    });
}

/// A pool in a thread-local ends with its thread.
#[test]
fn a_pool_of_one_thread_alone() {
    thread_local! {
        static POOL: RefCell<Option<ThreadPoolExecutor>> = const { RefCell::new(None) };
    }
    guarded("a_pool_of_one_thread", || {
        let owner = std::thread::spawn(|| {
            let pool = ThreadPoolExecutor::builder().workers(2).name("alone").build().unwrap();
            assert_eq!(pool.submit(add_one, 1).result().unwrap(), 2);
            POOL.set(Some(pool));
        });
        owner.join().unwrap();
        until(|| threads("alone") == 0);
    });
}

/// An initializer may submit to its own pool, which does not wait for that thread.
#[test]
fn an_initializer_that_uses_its_own_pool() {
    static POOL: OnceLock<ThreadPoolExecutor> = OnceLock::new();
    guarded("an_initializer", || {
        let begin = |()| {
            let pool = POOL.wait();
            // There is no room in the queue, and `submit` does not wait.
            drop(pool.submit(add_one, 1));
            assert!(pool.shutdown_with(ShutdownOptions::new()).unwrap_err().is_invalid());
        };
        let pool = ThreadPoolExecutor::builder().workers(1).queue_limit(0).initializer(begin, ());
        let pool = POOL.get_or_init(|| pool.build().unwrap());
        assert_eq!(pool.submit(add_one, 1).result().unwrap(), 2);
        pool.shutdown();
        assert_eq!(pool.stats().done, 2);
    });
}

/// EX-25: the thread that was idle last gets the next task, so that the others can leave.
#[test]
fn ex_25_those_that_are_not_needed_leave() {
    guarded("ex_25", || {
        let short = Duration::from_millis(300);
        let pool = ThreadPoolExecutor::builder().workers(8).name("light").idle_timeout(short);
        let pool = pool.build().unwrap();
        let mut gate = Gate::new();
        let held: Vec<_> = (0..8).map(|_| pool.submit(pass, gate.path())).collect();
        until(|| held.iter().all(TaskFuture::is_running));
        assert_eq!(threads("light"), 8);
        gate.open();
        // Tasks come rarely enough for a thread to become idle, and often enough that eight threads would
        // all stay if they took turns.
        until(|| {
            std::thread::sleep(Duration::from_millis(4));
            pool.submit(add_one, 1).result().unwrap();
            threads("light") == 1
        });
    });
}

/// A task that is cancelled while it waits for a retry keeps nothing of its pool alive.
#[test]
fn a_cancelled_retry_keeps_no_pool() {
    guarded("a_cancelled_retry", || {
        let argument = Arc::new(());
        let initializer = |_: Arc<()>| ();
        let builder = ThreadPoolExecutor::builder().workers(1);
        let pool = builder.initializer(initializer, argument.clone()).build().unwrap();
        let fail = |(): ()| panic!("on purpose");
        let hour = Duration::from_secs(3600);
        let future: TaskFuture<()> = pool.task(fail, ()).retries(1).backoff(hour).submit();
        until(|| pool.stats().retried == 1 && future.cancel());
        drop(pool);
        until(|| Arc::strong_count(&argument) == 1);
    });
}

/// A task that was cancelled before the pool broke counts as cancelled.
#[test]
fn stats_of_a_pool_that_breaks() {
    guarded("stats_of_a_broken_pool", || {
        let mut gate = Gate::new();
        let begin = |gate| {
            pass(gate);
            panic!("there is no database");
        };
        let pool = ThreadPoolExecutor::builder().workers(1).initializer(begin, gate.path());
        let pool = pool.build().unwrap();
        let futures: Vec<_> = (0..5).map(|n| pool.submit(add_one, n)).collect();
        assert!(futures[1..].iter().all(TaskFuture::cancel));
        assert_eq!((pool.stats().cancelled, pool.stats().queued), (4, 1));
        gate.open();
        assert!(futures[0].error().unwrap().is_broken());
        until(|| pool.stats().queued == 0);
        assert_eq!((pool.stats().cancelled, pool.stats().failed), (4, 1));
    });
}

/// The largest possible number of workers.
#[test]
fn very_many_workers() {
    guarded("very_many_workers", || {
        for pool in [pool(1), pool(usize::MAX)] {
            pool.resize(usize::MAX).unwrap();
            let least = MapOptions::new().window(3);
            assert!(pool.map(add_one, 0..10).map(Result::unwrap).eq(1..=10));
            assert!(pool.tasks(add_one, 0..10).options(least).map().map(Result::unwrap).eq(1..=10));
        }
    });
}
