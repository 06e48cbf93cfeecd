//! What an executor has done and is doing, for monitoring. The one part of this crate that
//! `horsepower` re-exports unchanged.

use std::time::Duration;

/// What an executor has done and is doing. A call is one task, or one item of a `map`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Calls that are waiting.
    pub queued: u64,
    /// Tasks that are running now; a chunk of a `map` counts as one.
    pub running: u64,
    /// Calls that have returned; failed and cancelled ones do not count.
    pub done: u64,
    /// Calls that have failed.
    pub failed: u64,
    /// Calls that were cancelled or killed.
    pub cancelled: u64,
    /// How often tasks were retried.
    pub retried: u64,
    /// The living worker processes.
    pub workers: Vec<WorkerStats>,
    /// How many worker processes died unexpectedly or were replaced.
    pub restarts: u64,
    /// The most recent of these, latest first.
    pub last_restarts: Vec<Restart>,
}

/// What one worker process has done and is doing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WorkerStats {
    /// Its name.
    pub name: String,
    /// Its process id.
    pub pid: u32,
    /// How long ago it was started.
    pub age: Duration,
    /// It has reached `init`, has run the initializer, and serves tasks.
    pub ready: bool,
    /// Tasks that wait in its lane or are running.
    pub in_flight: usize,
    /// Tasks that it has finished; a chunk of a `map` counts as one.
    pub tasks: u64,
    /// How long it has worked on those tasks.
    pub busy: Duration,
    /// Private memory in bytes: resident and not shared with other processes.
    pub memory_bytes: u64,
}

impl WorkerStats {
    /// A worker that has done nothing yet: for those who write an executor of their own.
    #[must_use]
    pub fn new(name: impl Into<String>, pid: u32) -> WorkerStats {
        WorkerStats {
            name: name.into(),
            pid,
            age: Duration::ZERO,
            ready: false,
            in_flight: 0,
            tasks: 0,
            busy: Duration::ZERO,
            memory_bytes: 0,
        }
    }
}

/// A worker process that died unexpectedly or was replaced.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Restart {
    /// Its process id.
    pub pid: u32,
    /// How and why it ended.
    pub why: String,
}

impl Restart {
    /// The end of the worker process `pid`: for those who write an executor of their own.
    #[must_use]
    pub fn new(pid: u32, why: impl Into<String>) -> Restart {
        Restart { pid, why: why.into() }
    }
}
