//! Tracing events: for each start, death, retry and deadline, for each replaced worker, and for a broken
//! pool. A program has one global subscriber, so these tests run one after the other.

use horsepower::prelude::*;
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{assert_gone, guarded, threads, until};
use horsepower_conformance::subprocess::die;
use horsepower_conformance::subscriber::on_event;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

/// The text of every event so far.
static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Collects events from now on, for one test at a time.
fn collect() -> MutexGuard<'static, ()> {
    static ONCE: Once = Once::new();
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    ONCE.call_once(|| on_event(|text| SEEN.lock().unwrap().push(text)));
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).clear();
    alone
}

/// The events with all of these words.
fn seen_with(words: &[&str]) -> Vec<String> {
    let seen = SEEN.lock().unwrap();
    seen.iter().filter(|line| words.iter().all(|word| line.contains(word))).cloned().collect()
}

#[test]
fn births_deaths_retries_and_deadlines_are_told() {
    horsepower::init();
    guarded("events", || {
        let _alone = collect();
        let pool = ProcessPoolExecutor::with_workers(1).unwrap();
        assert!(pool.task(die, "abort".to_owned()).retries(1).submit().result().is_err());
        let hang = |(): ()| loop {
            std::thread::park();
        };
        let hangs: TaskFuture<u32> =
            pool.task(hang, ()).deadline(Duration::from_millis(5)).submit();
        assert!(hangs.result().unwrap_err().is_deadline());
        let pid = pool.submit(|(): ()| std::process::id(), ()).result().unwrap();
        let pids = pool.worker_pids();
        drop(pool);
        assert_gone(&pids);

        let count = |words: &[&str]| seen_with(words).len();
        let seen = SEEN.lock().unwrap().clone();
        assert_eq!(count(&["DEBUG", "worker started"]), 4, "{seen:#?}");
        assert_eq!(count(&["worker started", &format!("pid={pid} ")]), 1, "{seen:#?}");
        let aborted =
            ["WARN", "worker died", "cause=was killed by SIGABRT", "task=", "::die", "name="];
        assert_eq!(count(&aborted), 2, "{seen:#?}");
        assert_eq!(count(&["DEBUG", "retrying task", "die"]), 1, "{seen:#?}");
        assert_eq!(count(&["WARN", "task exceeded its deadline", "limit=5ms"]), 1, "{seen:#?}");
        let ended = ["worker died", "cause=was killed by SIGKILL", "why=\"deadline of 5ms\""];
        assert_eq!(count(&ended), 1, "{seen:#?}");
    });
}

/// A thread pool reports starts, ends, retries and deadlines too; the in-line executor reports retries.
#[test]
fn what_threads_do_is_told() {
    guarded("events_of_threads", || {
        let _alone = collect();
        let pool = ThreadPoolExecutor::builder().workers(2).name("told").build().unwrap();
        let fail = |n: u64| -> u64 { panic!("{n}") };
        assert!(pool.task(fail, 1).name("failing").retries(2).submit().result().is_err());
        let mut gate = Gate::new();
        let held = [(); 2].map(|()| pool.submit(pass, gate.path()));
        until(|| held.iter().all(TaskFuture::is_running));
        let limit = Duration::from_millis(1);
        let late = pool.task(fail, 1).name("late").queue_deadline(limit).submit();
        assert!(late.result().unwrap_err().is_deadline());
        gate.open();
        drop(pool);
        let inline = InlineExecutor::new();
        assert!(inline.task(fail, 1).name("in line").retries(1).submit().result().is_err());

        let count = |words: &[&str]| seen_with(words).len();
        // The event comes after the future has ended.
        let late = ["WARN", "task exceeded its queue deadline", "late", "limit=1ms"];
        until(|| count(&late) == 1);
        let seen = SEEN.lock().unwrap().clone();
        assert_eq!(count(&["DEBUG", "thread started", "told"]), 2, "{seen:#?}");
        assert_eq!(count(&["DEBUG", "thread exited", "told"]), 2, "{seen:#?}");
        assert_eq!(count(&["DEBUG", "retrying task", "failing"]), 2, "{seen:#?}");
        assert_eq!(count(&["DEBUG", "retrying task", "in line"]), 1, "{seen:#?}");
    });
}

/// EX-16: a broken thread pool is reported once, although each of its threads fails.
#[test]
fn ex_16_a_broken_thread_pool_is_told() {
    guarded("ex_16_threads", || {
        let _alone = collect();
        let mut gate = Gate::new();
        let fail = |gate| {
            pass(gate);
            panic!("there is no database");
        };
        let builder = ThreadPoolExecutor::builder().workers(4).name("breaks");
        let pool = builder.initializer(fail, gate.path()).build().unwrap();
        let futures: Vec<_> = (0..20).map(|n| pool.submit(|n: u64| n, n)).collect();
        until(|| threads("breaks") == 4);
        gate.open();
        assert!(futures.into_iter().all(|future| future.result().unwrap_err().is_broken()));
        drop(pool);
        let told = seen_with(&["ERROR", "pool is broken", "there is no database", "breaks"]);
        assert_eq!(told.len(), 1, "{told:#?}");
    });
}

/// EX-28: there is one warning for each worker that is replaced because it has grown, and no other.
#[test]
fn ex_28_a_worker_that_is_replaced_is_told() {
    horsepower::init();
    guarded("ex_28_events", || {
        let _alone = collect();
        let builder = ProcessPoolExecutor::builder().workers(1).replace_above(64 << 20);
        let pool = builder.build().unwrap();
        let leak = |n: u8| {
            std::mem::forget(std::hint::black_box(vec![n | 1; 16 << 20]));
            // Long enough for its memory to be measured.
            std::thread::sleep(Duration::from_millis(25));
            std::process::id()
        };
        let mut pids = vec![];
        while pids.len() < 4 {
            pids.push(pool.submit(leak, 1).result().unwrap());
            pids.dedup();
        }
        pool.shutdown();
        // The last one has not grown yet.
        let told = seen_with(&["WARN", "replacing a worker that uses too much memory"]);
        assert_eq!(told.len(), 3, "{told:#?}");
        for (pid, told) in pids.iter().zip(told) {
            assert!(told.contains(&format!("pid={pid} ")), "{told} {pids:?}");
        }
        assert_eq!(pool.stats().restarts, 3);
        assert_gone(&pids);
    });
}

/// EX-16: an initializer that fails is reported once, as an error with its message.
#[test]
fn ex_16_a_pool_that_is_broken_is_told() {
    horsepower::init();
    guarded("ex_16_events", || {
        let _alone = collect();
        let fail = |_: PathBuf| panic!("there is no database");
        let builder = ProcessPoolExecutor::builder().workers(2).initializer(fail, PathBuf::new());
        let pool = builder.build().unwrap();
        let futures: Vec<_> = (0..10).map(|_| pool.submit(|(): ()| (), ())).collect();
        assert!(futures.into_iter().all(|future| future.result().unwrap_err().is_broken()));
        assert!(pool.submit(|(): ()| (), ()).result().unwrap_err().is_broken());
        let pids = pool.worker_pids();
        drop(pool);
        assert_gone(&pids);
        let told = seen_with(&["ERROR"]);
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(told[0].contains("pool is broken"), "{told:#?}");
        assert!(told[0].contains("there is no database"), "{told:#?}");
    });
}
