//! What an operator can see of a pool: `tracing` events, and what is reported of the past.
//!
//! Whoever collects the events is code of the user. So they are noted in the [`Log`] under the lock, and
//! told without it, by `Shared::commit`.

use super::counts::Restarts;
use crate::death::Cause;
use std::sync::Arc;
use std::time::Duration;

/// What has happened in a pool.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// To be told without the lock.
    pub(crate) events: Vec<Event>,
    /// How many times tasks were begun again.
    pub(crate) retried: u64,
    pub(crate) restarts: Restarts,
}

impl Log {
    pub(crate) fn add(&mut self, event: Event) {
        self.events.push(event);
    }
}

/// Something that has happened.
#[derive(Debug)]
pub(crate) enum Event {
    WorkerStarted { pid: u32, name: String },
    WorkerNotStarted { error: String },
    WorkerDied { pid: u32, cause: Cause, why: Option<String> },
    WorkerLeft { pid: u32 },
    WorkerIdle { pid: u32 },
    WorkerGrown { pid: u32, used: u64 },
    MemoryLimit { pid: u32, used: u64, limit: u64 },
    ServerStarted { pid: u32 },
    ServerEnded { pid: u32 },
    Deadline { pid: u32, task: &'static str, limit: Duration },
    QueueDeadline { limit: Duration },
    Retry { task: &'static str, pause: Duration },
    Killed { pid: u32, task: &'static str },
    Broken { reason: Arc<str> },
}

impl Event {
    pub(crate) fn tell(self) {
        match self {
            Event::WorkerStarted { pid, name } => tracing::debug!(pid, name, "worker is started"),
            Event::WorkerNotStarted { error } => {
                tracing::warn!(error, "worker cannot be started");
            }
            Event::WorkerDied { pid, cause, why } => {
                tracing::warn!(pid, ?cause, why, "worker has died");
            }
            Event::WorkerLeft { pid } => tracing::debug!(pid, "worker has left"),
            Event::WorkerIdle { pid } => tracing::debug!(pid, "worker was idle and is let go"),
            Event::WorkerGrown { pid, used } => {
                tracing::warn!(pid, used, "worker has grown and is replaced");
            }
            Event::MemoryLimit { pid, used, limit } => {
                tracing::warn!(pid, used, limit, "worker is past its memory limit");
            }
            Event::ServerStarted { pid } => tracing::debug!(pid, "fork server is started"),
            Event::ServerEnded { pid } => tracing::warn!(pid, "fork server has ended"),
            Event::Deadline { pid, task, limit } => {
                tracing::warn!(pid, task, ?limit, "task is past its deadline");
            }
            Event::QueueDeadline { limit } => {
                tracing::warn!(?limit, "task has not begun in time");
            }
            Event::Retry { task, pause } => tracing::debug!(task, ?pause, "task is tried again"),
            Event::Killed { pid, task } => tracing::warn!(pid, task, "task is killed"),
            Event::Broken { reason } => tracing::error!(%reason, "pool is broken"),
        }
    }
}
