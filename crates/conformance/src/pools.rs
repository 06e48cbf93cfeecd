//! Process pools for tests that look at the processes themselves, and tasks for them.

use horsepower::ProcessPoolExecutor;
use std::path::PathBuf;

/// A pool with so many workers.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn pool(workers: usize) -> ProcessPoolExecutor {
    ProcessPoolExecutor::with_workers(workers).expect("a pool")
}

/// Drops the pool and checks that its workers are gone.
///
/// # Panics
/// If a worker is.
pub fn end(pool: ProcessPoolExecutor) {
    let pids = pool.worker_pids();
    drop(pool);
    crate::harness::assert_gone(&pids);
}

/// Task: returns its argument and the id of its process.
#[must_use]
pub fn pid_of(n: u64) -> (u64, u32) {
    (n, std::process::id())
}

/// Task: never ends.
pub fn hang((): ()) {
    loop {
        std::thread::park();
    }
}

/// Task: ignores SIGTERM and never ends; makes the file once it ignores the signal.
///
/// # Panics
/// If the file cannot be made.
pub fn hang_on(ready: PathBuf) {
    signal_hook::flag::register(signal_hook::consts::SIGTERM, std::sync::Arc::default())
        .expect("a handler");
    std::fs::write(ready, "").expect("a file");
    hang(());
}
