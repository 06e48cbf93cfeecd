//! [`TaskOptions`]: what is asked for a task beyond being run.

use crate::error::Name;
use horsepower_core::task::TaskPolicy;
use std::sync::Arc;
use std::time::Duration;

/// What is asked for a task beyond being run. Most programs set it with the builder that
/// [`Executor::task`](crate::Executor::task) returns; this is for those who pass it on.
///
/// Everything holds on every executor, but for what ends or watches the process of the task:
/// [`deadline`](Self::deadline) and [`capture_output`](Self::capture_output) need a
/// [`ProcessPoolExecutor`](crate::ProcessPoolExecutor). Elsewhere such a task does not run, and its
/// error says so: a thread cannot be ended, and a limit that holds only sometimes is none.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TaskOptions {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) grace: Duration,
    pub(crate) queue_deadline: Option<Duration>,
    pub(crate) retries: u32,
    pub(crate) backoff: Duration,
    pub(crate) capture: bool,
}

impl TaskOptions {
    /// Nothing special.
    pub fn new() -> TaskOptions {
        TaskOptions::default()
    }

    /// What the task is called in errors and events. Default: the path of its function.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into());
        self
    }

    /// How long the task may run (a length of time), from the moment it begins in its worker. Then the worker is ended,
    /// and replaced, and the error says so ([`is_deadline`](crate::Error::is_deadline)). Time in the queue
    /// does not count. (Processes only.)
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// With a [`deadline`](Self::deadline): the worker gets a SIGTERM first, and so long to end by
    /// itself. Default: none, it is ended at once.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How long the task may wait until it begins. Then it never does, and its error says so
    /// ([`is_deadline`](crate::Error::is_deadline)).
    pub fn queue_deadline(mut self, deadline: Duration) -> Self {
        self.queue_deadline = Some(deadline);
        self
    }

    /// How often the task is begun again after it has panicked, or lost its worker in whichever way.
    /// Only for a task that may run more than once: without this one never does. Cancelling, killing,
    /// and values that cannot be encoded are final.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// How long to wait before the first retry; twice as long before each further one. Default: not at
    /// all.
    pub fn backoff(mut self, pause: Duration) -> Self {
        self.backoff = pause;
        self
    }

    /// Keep what the task prints, of each stream the last 16 MiB, and hand it over with the result:
    /// [`TaskFuture::output`](crate::TaskFuture::output). (Processes only.)
    pub fn capture_output(mut self) -> Self {
        self.capture = true;
        self
    }

    /// What the task is called.
    pub(crate) fn name_or(&self, function: &'static str) -> Name {
        self.name.clone().map_or(Name::Function(function), Name::Given)
    }

    /// What the executor has to see to; `None` for a task without special needs.
    pub(crate) fn policy(&self) -> Option<TaskPolicy> {
        let &TaskOptions { deadline, grace, queue_deadline, retries, backoff, capture, .. } = self;
        let special = deadline.is_some() || queue_deadline.is_some() || retries > 0 || capture;
        special.then_some(TaskPolicy { deadline, grace, queue_deadline, retries, backoff, capture })
    }
}

/// What a task has printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskOutput {
    /// On standard output.
    pub stdout: Vec<u8>,
    /// On standard error.
    pub stderr: Vec<u8>,
}

/// A task was to be submitted without waiting, and the queue is full. It gives the argument back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct QueueFull<A>(pub(crate) A);

impl<A> QueueFull<A> {
    /// The argument of the task.
    pub fn into_argument(self) -> A {
        self.0
    }
}

impl<A> std::fmt::Debug for QueueFull<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("QueueFull")
    }
}

impl<A> std::fmt::Display for QueueFull<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the executor's queue is full; the task was not submitted")
    }
}

impl<A> std::error::Error for QueueFull<A> {}
