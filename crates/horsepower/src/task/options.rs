//! [`TaskOptions`]: the options of a task.

use crate::error::Name;
use horsepower_core::task::TaskPolicy;
use std::sync::Arc;
use std::time::Duration;

/// The options of a task. Most programs set them with the builder that
/// [`Executor::task`](crate::Executor::task) returns; this type is for passing them on.
///
/// All options work on every executor, except those that kill or redirect the process of the task:
/// [`deadline`](Self::deadline) and [`capture_output`](Self::capture_output) need a
/// [`ProcessPoolExecutor`](crate::ProcessPoolExecutor). On another executor such a task does not
/// run, and its error says so: a thread cannot be killed, and a limit that holds only sometimes is
/// no limit.
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
    /// No options set.
    pub fn new() -> TaskOptions {
        TaskOptions::default()
    }

    /// The name of the task in errors and events. Default: the path of its function.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into());
        self
    }

    /// How long the task may run, counted from the moment it starts in its worker. After that the
    /// worker is killed and replaced, and the error has [`is_deadline`](crate::Error::is_deadline).
    /// Time in the queue does not count. (Processes only.)
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// With a [`deadline`](Self::deadline): the worker first gets a SIGTERM, and is killed if it
    /// has not exited after this time. Default: it is killed at once.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How long the task may wait before it starts. After that it never starts, and its error has
    /// [`is_deadline`](crate::Error::is_deadline).
    pub fn queue_deadline(mut self, deadline: Duration) -> Self {
        self.queue_deadline = Some(deadline);
        self
    }

    /// How often the task is started again after it panics or loses its worker. Only for a task
    /// that may run more than once: without this option none does. Cancelling, killing, and values
    /// that cannot be encoded are final. An `Err` that the task returns is an answer, and is not
    /// retried: have the task panic, or try again inside it.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// How long to wait before the first retry; the wait doubles with each further one. Default: no
    /// wait.
    pub fn backoff(mut self, pause: Duration) -> Self {
        self.backoff = pause;
        self
    }

    /// Captures what the task prints, the last 16 MiB of each stream, and delivers it with the
    /// result: [`TaskFuture::output`](crate::TaskFuture::output). (Processes only.)
    pub fn capture_output(mut self) -> Self {
        self.capture = true;
        self
    }

    /// The name of the task.
    pub(crate) fn name_or(&self, function: &'static str) -> Name {
        self.name.clone().map_or(Name::Function(function), Name::Given)
    }

    /// What the executor has to take care of; `None` if no such option is set.
    pub(crate) fn policy(&self) -> Option<TaskPolicy> {
        let &TaskOptions { deadline, grace, queue_deadline, retries, backoff, capture, .. } = self;
        let special = deadline.is_some() || queue_deadline.is_some() || retries > 0 || capture;
        special.then_some(TaskPolicy { deadline, grace, queue_deadline, retries, backoff, capture })
    }
}

/// What a task printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskOutput {
    /// On standard output.
    pub stdout: Vec<u8>,
    /// On standard error.
    pub stderr: Vec<u8>,
}

/// The error of submitting without waiting to a full queue. It returns the argument.
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
