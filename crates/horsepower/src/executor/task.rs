//! [`TaskBuilder`]: a task and what is asked for it, before it is submitted.

use super::Executor;
use crate::future::TaskFuture;
use crate::options::{QueueFull, TaskOptions};
use crate::value::Value;
use std::fmt;
use std::time::Duration;

/// A task that is to be submitted, with what is asked for it. See [`Executor::task`].
#[must_use = "`submit` gives the task to the executor"]
pub struct TaskBuilder<'e, E: ?Sized, F, A> {
    executor: &'e E,
    function: F,
    argument: A,
    options: TaskOptions,
}

impl<'e, E: Executor + ?Sized, F, A> TaskBuilder<'e, E, F, A> {
    pub(super) fn new(executor: &'e E, function: F, argument: A) -> Self {
        TaskBuilder { executor, function, argument, options: TaskOptions::new() }
    }

    fn with(mut self, change: impl FnOnce(TaskOptions) -> TaskOptions) -> Self {
        self.options = change(self.options);
        self
    }

    /// All that was asked for so far is forgotten, and this is asked for instead.
    pub fn options(mut self, options: TaskOptions) -> Self {
        self.options = options;
        self
    }

    /// See [`TaskOptions::name`].
    pub fn name(self, name: impl Into<String>) -> Self {
        self.with(|options| options.name(name))
    }

    /// See [`TaskOptions::deadline`].
    pub fn deadline(self, deadline: Duration) -> Self {
        self.with(|options| options.deadline(deadline))
    }

    /// See [`TaskOptions::grace`].
    pub fn grace(self, grace: Duration) -> Self {
        self.with(|options| options.grace(grace))
    }

    /// See [`TaskOptions::queue_deadline`].
    pub fn queue_deadline(self, deadline: Duration) -> Self {
        self.with(|options| options.queue_deadline(deadline))
    }

    /// See [`TaskOptions::retries`].
    pub fn retries(self, retries: u32) -> Self {
        self.with(|options| options.retries(retries))
    }

    /// See [`TaskOptions::backoff`].
    pub fn backoff(self, pause: Duration) -> Self {
        self.with(|options| options.backoff(pause))
    }

    /// See [`TaskOptions::capture_output`].
    pub fn capture_output(self) -> Self {
        self.with(TaskOptions::capture_output)
    }

    /// Gives the task to the executor; as [`Executor::submit`].
    pub fn submit<R>(self) -> TaskFuture<R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
    {
        self.executor.submit_with(self.options, self.function, self.argument)
    }

    /// Gives the task to the executor if its queue has room; as [`Executor::try_submit`].
    ///
    /// # Errors
    /// The argument, if the queue is full.
    pub fn try_submit<R>(self) -> Result<TaskFuture<R>, QueueFull<A>>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
    {
        self.executor.try_submit_with(self.options, self.function, self.argument)
    }

    /// Gives the task to the executor as soon as its queue has room, without blocking the thread.
    pub async fn submit_async<R>(self) -> TaskFuture<R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
    {
        self.executor.submit_async_with(self.options, self.function, self.argument).await
    }
}

impl<E: ?Sized, F, A> fmt::Debug for TaskBuilder<'_, E, F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskBuilder({}, {:?})", std::any::type_name::<F>(), self.options)
    }
}
