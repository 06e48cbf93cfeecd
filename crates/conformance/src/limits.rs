//! Rows about the settings of a pool: queue limit, initializer, idle timeout.

use crate::built;
use crate::gate::{Gate, pass};
use crate::harness::until;
use crate::place::Place;
use crate::rows::{add_one, lines, write_line};
use horsepower::Executor;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// EX-15: the initializer runs once in each worker before its first task, and tasks see its effects.
pub fn ex_15(place: Place) {
    // One for each worker, whether that is a process or a thread.
    thread_local! {
        static RUNS: AtomicU64 = const { AtomicU64::new(0) };
    }
    let initialize = |(file, n): (PathBuf, u64)| {
        write_line((file, n));
        RUNS.with(|runs| runs.fetch_add(n, Ordering::Relaxed));
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let executor = built!(place, .workers(2).initializer(initialize, (file.clone(), 7)));
    assert!(lines(&file).is_empty(), "no worker yet");
    let mut gate = Gate::new();
    let task = |gate| {
        pass(gate);
        RUNS.with(|runs| runs.load(Ordering::Relaxed))
    };
    let both = [(); 2].map(|()| executor.submit(task, gate.path()));
    until(|| both.iter().all(|future| future.is_running()));
    gate.open();
    let both = both.map(|future| future.result().unwrap());
    assert_eq!(both, [7, 7], "once in each, with its argument");
    let again = executor.map(|_: u64| RUNS.with(|runs| runs.load(Ordering::Relaxed)), 0..200);
    assert!(again.map(Result::unwrap).all(|runs| runs == 7));
    assert_eq!(lines(&file), [7, 7]);
}

/// EX-16, PO-16: an initializer that fails breaks the pool after a bounded number of tries. Queued tasks
/// and later ones fail with its message, and nothing hangs.
pub fn ex_16(place: Place) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let fail = |file: PathBuf| {
        write_line((file, 1));
        panic!("there is no database");
    };
    let executor = built!(place, .workers(2).initializer(fail, file.clone()));
    let waiting: Vec<_> = (0..10).map(|n| executor.submit(add_one, n)).collect();
    for future in waiting {
        let error = future.result().unwrap_err();
        assert!(error.is_broken() && !error.is_panic(), "{error}");
        assert!(error.to_string().contains("there is no database"), "{error}");
        assert!(error.to_string().contains("limits.rs:"), "{error}");
    }
    let error = executor.submit(add_one, 1).result().unwrap_err();
    assert!(error.is_broken(), "{error}");
    let error = executor.map(add_one, 0..10).next().unwrap().unwrap_err();
    assert!(error.is_broken(), "{error}");
    executor.shutdown();
    let starts = lines(&file).len();
    assert!((1..=7).contains(&starts), "{starts} tries");
}

/// EX-25: idle workers leave, the next task gets a new one, and no task is lost in between.
pub fn ex_25(place: Place) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let idle = Duration::from_millis(1);
    let executor = built!(
        place,
        .workers(2).idle_timeout(idle).initializer(write_line, (file.clone(), 1))
    );
    for round in 1..=5 {
        assert_eq!(executor.submit(add_one, round).result().unwrap(), round + 1);
        // A new worker has run the initializer, so the one before has left.
        until(|| {
            executor.submit(add_one, 1).result().unwrap();
            std::thread::sleep(2 * idle);
            lines(&file).len() > round as usize
        });
    }
    // Tasks that arrive just as the idle timeout is over; some take as long to send.
    for n in 0..100 {
        if n % 3 == 0 {
            std::thread::sleep(idle);
        }
        let bytes = executor.submit(|bytes: Vec<u8>| bytes.len(), vec![1; n * 2000]);
        assert_eq!(bytes.result().unwrap(), n * 2000);
    }
}

/// With a queue limit, `submit` waits for room and goes on as soon as there is some.
pub fn queue_limit(place: Place) {
    let executor = built!(place, .workers(1).queue_limit(2));
    let mut gate = Gate::new();
    let taken = [(); 3].map(|()| executor.submit(pass, gate.path()));
    let (send, receive) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let future = executor.submit(add_one, 1);
            send.send(()).unwrap();
            assert_eq!(future.result().unwrap(), 2);
        });
        let early = receive.recv_timeout(Duration::from_millis(30));
        assert!(early.is_err(), "one runs and two wait: there is no room");
        // Any task that leaves the queue makes room.
        assert!(taken[2].cancel());
        receive.recv().unwrap();
        gate.open();
    });
    let [one, two, three] = taken;
    assert!(one.result().is_ok() && two.result().is_ok());
    assert!(three.result().unwrap_err().is_cancelled());
    // Tasks that succeed, fail or are cancelled all give their room back.
    for n in 0..20 {
        assert_eq!(executor.submit(add_one, n).result().unwrap(), n + 1);
        assert!(executor.submit(|n: u64| assert_eq!(n, 1), n + 2).result().is_err());
    }
    drop((0..3).map(|n| executor.try_submit(add_one, n).unwrap()).collect::<Vec<_>>());
}

/// Without room, `try_submit` returns the argument; `map` does not count towards the limit.
pub fn queue_limit_try(place: Place) {
    let executor = built!(place, .workers(1).queue_limit(1));
    let mut gate = Gate::new();
    let running = executor.try_submit(pass, gate.path()).unwrap();
    let waiting = executor.try_submit(|text: String| text.len(), "four".to_owned()).unwrap();
    for _ in 0..3 {
        let full = executor.try_submit(|text: String| text.len(), "mine".to_owned()).unwrap_err();
        assert_eq!(full.to_string(), "the executor's queue is full; the task was not submitted");
        assert_eq!(full.into_argument(), "mine");
    }
    let named = executor.task(add_one, 5).name("five").try_submit();
    assert_eq!(named.unwrap_err().into_argument(), 5);
    let map = executor.tasks(add_one, 0..100).chunk_size(1).map();
    gate.open();
    assert!(map.map(Result::unwrap).eq(1..=100));
    running.result().unwrap();
    assert_eq!(waiting.result().unwrap(), 4);
    assert_eq!(executor.try_submit(add_one, 1).unwrap().result().unwrap(), 2);
}

/// Without room, `submit_async` is pending, is woken when there is room, and may be dropped.
pub fn queue_limit_async(place: Place) {
    let executor = built!(place, .workers(1).queue_limit(1));
    let mut gate = Gate::new();
    let taken = [(); 2].map(|()| executor.submit(pass, gate.path()));
    let mut given_up = Box::pin(executor.task(add_one, 0).submit_async::<u64>());
    let mut waits = Box::pin(executor.task(add_one, 1).submit_async::<u64>());
    let mut context = Context::from_waker(Waker::noop());
    assert!(given_up.as_mut().poll(&mut context).is_pending());
    let (send, receive) = mpsc::channel();
    struct Told(mpsc::Sender<()>);
    impl std::task::Wake for Told {
        fn wake(self: Arc<Self>) {
            self.0.send(()).unwrap();
        }
    }
    let waker = Waker::from(Arc::new(Told(send)));
    let mut context = Context::from_waker(&waker);
    assert!(waits.as_mut().poll(&mut context).is_pending());
    drop(given_up);
    gate.open();
    let future = loop {
        receive.recv().unwrap();
        if let Poll::Ready(future) = waits.as_mut().poll(&mut context) {
            break future;
        }
    };
    assert_eq!(future.result().unwrap(), 2);
    for future in taken {
        future.result().unwrap();
    }
}

/// A callback that submits does not wait for room, or it would wait for itself.
pub fn queue_limit_in_a_callback(place: Place) {
    let executor = Arc::new(built!(place, .workers(1).queue_limit(1)));
    let mut gate = Gate::new();
    let first = executor.submit(pass, gate.path());
    let second = executor.submit(pass, gate.path());
    let (send, receive) = mpsc::channel();
    let inside = Arc::downgrade(&executor);
    first.add_done_callback(move |_| {
        let executor = inside.upgrade().unwrap();
        send.send([1, 2, 3].map(|n| executor.submit(add_one, n))).unwrap();
    });
    gate.open();
    let futures = receive.recv().unwrap();
    assert_eq!(futures.map(|future| future.result().unwrap()), [2, 3, 4]);
    first.result().unwrap();
    second.result().unwrap();
    // The callback drops its handle at any moment now.
    until(|| Arc::strong_count(&executor) == 1);
}

/// FA-05: in a bounded queue, a hundred arguments that cannot be encoded fail alone, and a hundred others
/// arrive.
pub fn fa_05(place: Place) {
    #[derive(serde::Deserialize)]
    struct Odd(u64);
    impl serde::Serialize for Odd {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0 % 2 {
                0 => Err(serde::ser::Error::custom("it is even")),
                _ => serializer.serialize_newtype_struct("Odd", &self.0),
            }
        }
    }
    let executor = built!(place, .workers(2).queue_limit(3));
    let submit = |n| executor.submit(|odd: Odd| odd.0, Odd(n));
    let futures: Vec<_> = (0..200).map(submit).collect();
    for (n, future) in (0..).zip(futures) {
        match future.result() {
            // Arguments that stay in the process are not encoded.
            Ok(value) => assert!(value == n && (n % 2 == 1 || !place.encodes_arguments())),
            Err(error) => assert!(n % 2 == 0 && error.is_encoding(), "{n}: {error}"),
        }
    }
    assert_eq!(executor.submit(add_one, 1).result().unwrap(), 2);
}
