//! What only a thread pool can show: its threads.

use horsepower::prelude::*;
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::lab::{guarded, until};
use std::collections::HashSet;

/// The system's names of this process's threads that begin with `prefix`.
fn threads(prefix: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with(prefix))
        .count()
}

fn name_of_thread(_: u64) -> String {
    std::thread::current().name().unwrap_or_default().to_owned()
}

/// EX-04: threads are started on demand, never more than there are workers, and joined at the end.
#[test]
fn ex_04_threads_start_on_demand() {
    guarded("ex_04", || {
        let pool = ThreadPoolExecutor::builder().workers(4).name("demand").build().unwrap();
        assert_eq!(threads("demand"), 0);
        let mut gate = Gate::new();
        let three: Vec<_> = (0..3).map(|_| pool.submit(pass, gate.path())).collect();
        until(|| three.iter().all(TaskFuture::running));
        assert_eq!(threads("demand"), 3);
        let sixty: Vec<_> = (0..60).map(|_| pool.submit(pass, gate.path())).collect();
        until(|| sixty.iter().filter(|future| future.running()).count() == 1);
        assert_eq!(threads("demand"), 4);
        gate.open();
        drop(pool);
        assert!(three.iter().chain(&sixty).all(TaskFuture::done));
        // A joined thread is on the kernel's list for a moment more.
        until(|| threads("demand") == 0);
    });
}

/// EX-06: threads are named after their pool, and pools are told apart.
#[test]
fn ex_06_threads_have_names() {
    guarded("ex_06", || {
        let pool = ThreadPoolExecutor::builder().workers(2).name("worker").build().unwrap();
        let names: Result<HashSet<_>, _> = pool.map(name_of_thread, 0..50).collect();
        for name in names.unwrap() {
            assert!(name == "worker_0" || name == "worker_1", "{name}");
        }
        let mut defaults = HashSet::new();
        for _ in 0..2 {
            let pool = ThreadPoolExecutor::with_workers(1).unwrap();
            let name = pool.submit(name_of_thread, 0).result().unwrap();
            assert!(name.starts_with("ThreadPoolExecutor-") && name.ends_with("_0"), "{name}");
            defaults.insert(name);
        }
        assert_eq!(defaults.len(), 2);
    });
}

/// A thread pool can be dropped in asynchronous code, whatever runtime that runs on.
#[test]
fn a_pool_may_be_dropped_in_asynchronous_code() {
    guarded("asynchronous", || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let sum = runtime.block_on(async {
            let pool = ThreadPoolExecutor::with_workers(2).unwrap();
            let sum = pool.submit(|(a, b): (u64, u64)| a + b, (1, 2)).await;
            drop(pool.submit(|n: u64| n, 1));
            sum
        });
        assert_eq!(sum.unwrap(), 3);
    });
}

/// Capturing closures, without serde, by methods of their own; in line they may even borrow.
#[test]
fn spawn_takes_captures() {
    guarded("spawn", || {
        let pool = ThreadPoolExecutor::with_workers(2).unwrap();
        let offset = String::from("12");
        let captured = offset.clone();
        let future = pool.spawn(move || std::sync::Arc::new(captured.len()));
        assert_eq!(*future.result().unwrap(), 2);
        let captured = offset.clone();
        let lens = pool.spawn_map(move |n: usize| n + captured.len(), 0..100);
        assert!(lens.map(Result::unwrap).eq(2..102));
        let failed: TaskFuture<()> = pool.spawn(|| panic!("no"));
        let error = failed.result().unwrap_err();
        assert_eq!(error.panic_message(), Some("no"));

        let inline = InlineExecutor::new();
        let mut seen = vec![];
        inline.spawn(|| seen.push(&offset)).result().unwrap();
        assert_eq!(seen, [&offset]);
        assert!(inline.spawn_map(|n: usize| n + offset.len(), 0..5).map(Result::unwrap).eq(2..7));
    });
}
