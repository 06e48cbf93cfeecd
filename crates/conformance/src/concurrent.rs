//! Rows about tasks that run while the caller goes on: their states, cancelling them, waiting for them.
//! In line, tasks have ended when `submit` returns; most of these rows are not for that.

use crate::gate::{Gate, pass};
use crate::harness::{Subject, until, waiting};
use crate::place::Place;
use crate::rows::{add_one, fail_on_three, lines, write_line};
use horsepower::{Error, Executor, MapOptions, TaskFuture};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// Task of maps: writes a line when it begins, and waits at a gate.
fn begin_and_pass((gate, file, n): (PathBuf, PathBuf, u64)) -> u64 {
    write_line((file, n));
    pass(gate);
    assert!(n > 0, "the first fails");
    n
}

/// EX-09, EX-11: after the first error, and after the map is dropped, no further item begins, even of
/// those already handed to a worker.
pub fn ex_11(place: Place) {
    let executor = Subject::new(place, 1);
    // Tiny tasks make the pool hand out many ahead.
    assert_eq!(executor.tasks(add_one, 0..1000).chunk_size(1).map().count(), 1000);
    for dropped in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lines");
        let (mut first, mut others) = (Gate::new(), Gate::new());
        let gate = |n| if n == 0 { first.path() } else { others.path() };
        let items: Vec<_> = (0..200).map(|n| (gate(n), file.clone(), n)).collect();
        let options = MapOptions::new().chunk_size(1);
        let mut map = executor.tasks(begin_and_pass, items).options(options).map();
        until(|| lines(&file) == [0]);
        if dropped {
            drop(map);
            first.open();
        } else {
            first.open();
            assert!(map.next().unwrap().unwrap_err().is_panic());
            assert!(map.next().is_none());
        }
        others.open();
        // The one worker has now passed everything that could have begun.
        assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2);
        // One more item may have begun before the error was read.
        let begun = lines(&file).len();
        assert!(begun == 1 || begun == 2 && !dropped, "{begun} have begun");
    }
}

/// EX-11: the rest of a chunk that has begun does not run either.
pub fn ex_11_within_a_chunk(place: Place) {
    let executor = Subject::new(place, 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let mut gate = Gate::new();
    let task = |(gate, file, n): (PathBuf, PathBuf, u64)| {
        write_line((file, n));
        if n == 3 {
            pass(gate);
        }
    };
    let items: Vec<_> = (0..1000).map(|n| (gate.path(), file.clone(), n)).collect();
    let map = executor.tasks(task, items).chunk_size(1000).map();
    until(|| lines(&file).len() == 4);
    drop(map);
    gate.open();
    executor.shutdown();
    assert_eq!(lines(&file), [0, 1, 2, 3]);
}

/// EX-20: ten threads use one executor.
pub fn ex_20(place: Place) {
    let executor = Subject::new(place, 2);
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

/// FU-01, FU-05: the states of a future that is pending, running, cancelled; a cancelled task never runs.
pub fn fu_05(place: Place) {
    let executor = Subject::new(place, 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let mut gate = Gate::new();
    let running = executor.submit(pass, gate.path());
    until(|| running.is_running());
    assert_eq!(
        (running.is_done(), running.is_running(), running.is_cancelled()),
        (false, true, false)
    );
    assert!(!running.cancel(), "it has begun");
    assert_eq!(
        (running.is_done(), running.is_running(), running.is_cancelled()),
        (false, true, false)
    );
    let waiting: Vec<_> =
        (0..300).map(|n| executor.submit(write_line, (file.clone(), n))).collect();
    let future = &waiting[7];
    assert_eq!(
        (future.is_done(), future.is_running(), future.is_cancelled()),
        (false, false, false)
    );
    let called = Arc::new(AtomicUsize::new(0));
    let count = called.clone();
    future.add_done_callback(move |outcome| {
        assert!(outcome.as_ref().unwrap_err().is_cancelled());
        count.fetch_add(1, Ordering::Relaxed);
    });
    for future in &waiting {
        assert!(future.cancel());
        assert!(future.cancel(), "it is cancelled already");
        assert_eq!(
            (future.is_done(), future.is_running(), future.is_cancelled()),
            (true, false, true)
        );
    }
    assert_eq!(called.load(Ordering::Relaxed), 1);
    let error = waiting.into_iter().nth(7).unwrap().result().unwrap_err();
    assert!(error.is_cancelled() && error.to_string().ends_with("cancelled before it started"));
    gate.open();
    running.result().unwrap();
    assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2);
    assert!(lines(&file).is_empty(), "none of them has run");
}

/// FU-05: `cancel` wakes every waiter, with a timeout or without.
pub fn fu_05_wakes(place: Place) {
    let executor = Subject::new(place, 1);
    let mut gate = Gate::new();
    let first = executor.submit(pass, gate.path());
    until(|| first.is_running());
    const LONG: Duration = Duration::from_secs(100);
    let waits: [fn(&TaskFuture<u64>) -> bool; 4] = [
        |future| future.get().unwrap_err().is_cancelled(),
        |future| future.error().unwrap().is_cancelled(),
        |future| future.get_timeout(LONG).unwrap_err().is_cancelled(),
        |future| future.error_timeout(LONG).unwrap().unwrap().is_cancelled(),
    ];
    for round in 0..20 {
        let second = executor.submit(add_one, 1);
        std::thread::scope(|scope| {
            // Every second round the waiters sleep; in the others they are anywhere.
            let second = &second;
            let waiters = waits.map(|wait| {
                let wait = move || wait(second);
                if round % 2 == 0 { waiting(scope, wait) } else { scope.spawn(wait) }
            });
            assert!(second.cancel());
            assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap()));
        });
    }
    gate.open();
    first.result().unwrap();
}

/// FU-02, FU-04: every method of a cancelled future says at once that it was cancelled.
pub fn fu_04_cancelled(place: Place) {
    let executor = Subject::new(place, 1);
    let gate = Gate::new();
    let running = executor.submit(pass, gate.path());
    let mut queued = executor.submit(add_one, 1);
    until(|| running.is_running());
    assert!(queued.cancel());
    assert!(queued.error().unwrap().is_cancelled());
    assert!(queued.error_timeout(Duration::ZERO).unwrap().unwrap().is_cancelled());
    assert!(queued.get().unwrap_err().is_cancelled());
    let error = queued.result_timeout(Duration::ZERO).unwrap_err();
    assert!(error.is_cancelled() && !error.may_have_begun());
    drop(gate);
    running.result().unwrap();
}

/// FU-15: `Debug` shows the state of the task.
pub fn fu_15_states(place: Place) {
    let executor = Subject::new(place, 1);
    let text = |future: &dyn std::fmt::Debug, end: &str| {
        let text = format!("{future:?}");
        assert!(text.starts_with("TaskFuture(") && text.ends_with(end), "{text}");
    };
    let mut gate = Gate::new();
    let running = executor.submit(pass, gate.path());
    let queued = executor.submit(add_one, 1);
    until(|| running.is_running());
    text(&running, "gate::pass: running)");
    text(&queued, "rows::add_one: pending)");
    assert!(queued.cancel());
    text(&queued, "rows::add_one: cancelled)");
    gate.open();
    assert!(running.get().is_ok());
    text(&running, "gate::pass: returned)");
}

/// FU-02: a wait that times out changes nothing.
pub fn fu_02(place: Place) {
    let executor = Subject::new(place, 1);
    let mut gate = Gate::new();
    let mut future = executor.submit(pass, gate.path());
    let start = Instant::now();
    for millis in [0, 1, 30] {
        let error = future.result_timeout(Duration::from_millis(millis)).unwrap_err();
        assert!(error.is_timeout() && !error.is_cancelled(), "{error}");
    }
    assert!(start.elapsed() >= Duration::from_millis(31));
    assert!(future.get_timeout(Duration::from_millis(1)).unwrap_err().is_timeout());
    assert!(future.error_timeout(Duration::ZERO).unwrap_err().is_timeout());
    assert!(!future.is_done());
    gate.open();
    assert!(future.result_timeout(Duration::from_secs(100)).is_ok());
}

/// FU-03: ten threads wait for one future, and each gets its result.
pub fn fu_03_waiters(place: Place) {
    let executor = Subject::new(place, 1);
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
            (0..10).map(|_| waiting(scope, || future.get().unwrap().len())).collect();
        gate.open();
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), 4);
        }
    });
}

/// Futures can be awaited on any runtime, even on a hand-written one.
pub fn fu_await(place: Place) {
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
    let executor = Subject::new(place, 2);
    let sum: Result<u64, Error> = block_on(async {
        let (one, two) = (executor.submit(add_one, 1), executor.submit(add_one, 2));
        Ok(one.await? + two.await?)
    });
    assert_eq!(sum.unwrap(), 5);
    let error = block_on(executor.submit(fail_on_three, 3)).unwrap_err();
    assert!(error.is_panic());
}

/// SH-09: a task that is cancelled at once does not delay the shutdown.
pub fn sh_09(place: Place) {
    for _ in 0..20 {
        let executor = Subject::new(place, 1);
        executor.submit(add_one, 1).cancel();
        executor.shutdown();
    }
}

/// SH-11: an executor may be dropped in a callback of one of its tasks; it does not wait for itself, and
/// no work is lost.
pub fn sh_11(place: Place) {
    let (send, receive) = mpsc::channel();
    let executor = place.executor(1).unwrap();
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

/// Workers share the items of a chunk that turn out to be slow.
pub fn slow_items_are_shared(place: Place) {
    const ITEMS: usize = 1500;
    let executor = Subject::new(place, 2);
    let folder = tempfile::tempdir().unwrap();
    // Each worker that runs an item makes a file.
    let who = |folder: PathBuf| {
        let thread = std::fs::read_link("/proc/thread-self").unwrap();
        let file = folder.join(thread.display().to_string().replace('/', "-"));
        std::fs::write(file, "").unwrap();
        if folder.read_dir().unwrap().count() < 2 {
            // Slow until a second worker has run an item.
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let items = vec![folder.path().to_owned(); ITEMS];
    let options = MapOptions::new().chunk_size(ITEMS);
    assert!(executor.tasks(who, items).options(options).map().all(|result| result.is_ok()));
    assert_eq!(folder.path().read_dir().unwrap().count(), 2);
}
