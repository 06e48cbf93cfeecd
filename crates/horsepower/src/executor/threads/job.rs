//! [`Job`]: a task that waits for a thread of the pool, or runs on one.

use crate::error::Kind;
use crate::task::local::LocalTask;
use horsepower_core::task::TaskPolicy;
use std::time::Duration;

/// One call, or a chunk of a `map` or a part of one.
pub(super) struct Job {
    pub(super) task: Box<dyn LocalTask>,
    /// How often it may be called again after a panic.
    pub(super) retries: u32,
    /// How long to wait before that.
    pub(super) pause: Duration,
}

impl Job {
    pub(super) fn new(task: Box<dyn LocalTask>, policy: Option<&TaskPolicy>) -> Job {
        let retries = policy.map_or(0, |policy| policy.retries);
        let pause = policy.map_or(Duration::ZERO, |policy| policy.backoff);
        Job { task, retries, pause }
    }

    /// A part of a chunk that runs.
    pub(super) fn part(task: Box<dyn LocalTask>) -> Job {
        Job::new(task, None)
    }

    /// How many calls it is.
    pub(super) fn calls(&self) -> usize {
        self.task.remaining().max(1)
    }

    /// True if it has ended, and nothing is to be called.
    pub(super) fn is_over(&self) -> bool {
        !self.task.is_part() && self.task.promise().is_over()
    }

    /// True if that is because it was cancelled.
    pub(super) fn is_cancelled(&self) -> bool {
        !self.task.is_part() && self.task.promise().is_cancelled()
    }

    /// It will never run; why. Runs code of the user.
    pub(super) fn refuse(mut self, kind: Kind) {
        self.task.refuse(kind);
        self.task.publish(None);
    }
}
