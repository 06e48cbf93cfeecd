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
    WorkerStarted {
        pid: u32,
        name: String,
    },
    WorkerNotStarted {
        error: String,
    },
    WorkerDied {
        pid: u32,
        name: String,
        task: Option<&'static str>,
        cause: Cause,
        why: Option<String>,
    },
    WorkerLeft {
        pid: u32,
    },
    WorkerIdle {
        pid: u32,
    },
    WorkerGrown {
        pid: u32,
        used: u64,
    },
    MemoryLimit {
        pid: u32,
        used: u64,
        limit: u64,
    },
    ServerStarted {
        pid: u32,
    },
    ServerEnded {
        pid: u32,
    },
    Deadline {
        pid: u32,
        task: &'static str,
        limit: Duration,
    },
    QueueDeadline {
        limit: Duration,
    },
    Retry {
        task: &'static str,
        pause: Duration,
    },
    Killed {
        pid: u32,
        task: &'static str,
    },
    Broken {
        reason: Arc<str>,
    },
}

impl Event {
    pub(crate) fn tell(self) {
        match self {
            Event::WorkerStarted { pid, name } => tracing::debug!(pid, name, "worker started"),
            Event::WorkerNotStarted { error } => {
                tracing::warn!(error, "cannot start a worker");
            }
            Event::WorkerDied { pid, name, task, cause, why } => {
                tracing::warn!(pid, name, task, %cause, why, "worker died");
            }
            Event::WorkerLeft { pid } => tracing::debug!(pid, "worker exited"),
            Event::WorkerIdle { pid } => tracing::debug!(pid, "stopping an idle worker"),
            Event::WorkerGrown { pid, used } => {
                tracing::warn!(pid, used, "replacing a worker that uses too much memory");
            }
            Event::MemoryLimit { pid, used, limit } => {
                tracing::warn!(pid, used, limit, "worker exceeded its memory limit");
            }
            Event::ServerStarted { pid } => tracing::debug!(pid, "fork server started"),
            Event::ServerEnded { pid } => tracing::warn!(pid, "fork server died"),
            Event::Deadline { pid, task, limit } => {
                tracing::warn!(pid, task, ?limit, "task exceeded its deadline");
            }
            Event::QueueDeadline { limit } => {
                tracing::warn!(?limit, "task exceeded its queue deadline");
            }
            Event::Retry { task, pause } => tracing::debug!(task, ?pause, "retrying task"),
            Event::Killed { pid, task } => tracing::warn!(pid, task, "task killed"),
            Event::Broken { reason } => tracing::error!(%reason, "pool is broken"),
        }
    }
}
