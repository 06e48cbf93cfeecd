//! What an executor has done and is doing, for those who operate it: the one part of this crate
//! that users of `horsepower` see as it is.

use std::time::Duration;

/// What an executor has done, and what it is doing. A call is one task, or one item of a `map`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Calls that wait.
    pub queued: u64,
    /// Tasks that run at this moment; a chunk of a `map` is one.
    pub running: u64,
    /// Calls that have returned: not those that have failed, or were cancelled.
    pub done: u64,
    /// Calls that have failed.
    pub failed: u64,
    /// Calls that were cancelled, or killed.
    pub cancelled: u64,
    /// How often tasks were begun again.
    pub retried: u64,
    /// The worker processes that live.
    pub workers: Vec<WorkerStats>,
    /// How many worker processes have ended although they were wanted, or were replaced.
    pub restarts: u64,
    /// The last of them, the latest first.
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
    /// It has come to `init`, has run the initializer, and serves.
    pub ready: bool,
    /// Tasks that wait in its lane or run.
    pub in_flight: usize,
    /// Tasks that it has ended; a chunk of a `map` is one.
    pub tasks: u64,
    /// How long it has worked on those.
    pub busy: Duration,
    /// Bytes of memory that it has for itself: resident, and not shared with others.
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

/// A worker process that has ended although it was wanted, or was replaced.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Restart {
    /// Its process id.
    pub pid: u32,
    /// How and why it has ended.
    pub why: String,
}

impl Restart {
    /// The end of the worker process `pid`: for those who write an executor of their own.
    #[must_use]
    pub fn new(pid: u32, why: impl Into<String>) -> Restart {
        Restart { pid, why: why.into() }
    }
}
