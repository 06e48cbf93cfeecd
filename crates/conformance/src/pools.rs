//! Process pools of tests that look at the processes themselves, and what those tests have run.

use horsepower::ProcessPoolExecutor;
use std::path::PathBuf;

/// A pool.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn pool(workers: usize) -> ProcessPoolExecutor {
    ProcessPoolExecutor::with_workers(workers).expect("a pool")
}

/// Ends the pool and shows that nothing of it is left.
///
/// # Panics
/// If a worker is.
pub fn end(pool: ProcessPoolExecutor) {
    let pids = pool.worker_pids();
    drop(pool);
    crate::harness::assert_gone(&pids);
}

/// Task: what it was given, and in which process that was.
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

/// Task: does not end by SIGTERM either; the file is there once that is so.
///
/// # Panics
/// If the file cannot be made.
pub fn hang_on(ready: PathBuf) {
    signal_hook::flag::register(signal_hook::consts::SIGTERM, std::sync::Arc::default())
        .expect("a handler");
    std::fs::write(ready, "").expect("a file");
    hang(());
}
