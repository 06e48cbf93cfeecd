//! [`TaskBuilder`]: a task and its options, before it is submitted.

use crate::executor::{Backend, Permit, QueueLimit, start_task};
use crate::task::{QueueFull, TaskFuture, TaskOptions};
use crate::value::Value;
use std::fmt;
use std::time::Duration;

/// A task and its options, created by [`Executor::task`](crate::Executor::task).
/// [`submit`](Self::submit) submits it.
#[must_use = "`submit` gives the task to the executor"]
pub struct TaskBuilder<'e, E: ?Sized, F, A> {
    executor: &'e E,
    function: F,
    argument: A,
    options: TaskOptions,
}

impl<'e, E: Backend + ?Sized, F, A> TaskBuilder<'e, E, F, A> {
    pub(crate) fn new(executor: &'e E, function: F, argument: A) -> Self {
        TaskBuilder { executor, function, argument, options: TaskOptions::new() }
    }

    fn with(mut self, change: impl FnOnce(TaskOptions) -> TaskOptions) -> Self {
        self.options = change(self.options);
        self
    }

    /// Replaces all options set so far.
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

    /// Submits the task, like [`Executor::submit`](crate::Executor::submit).
    pub fn submit<R>(self) -> TaskFuture<R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
    {
        let permit = self.executor.queue().map(|q| q.enter(|| self.executor.is_inside()));
        self.start(permit)
    }

    /// Submits the task if the queue has room, like
    /// [`Executor::try_submit`](crate::Executor::try_submit).
    ///
    /// # Errors
    /// Returns the argument if the queue is full.
    pub fn try_submit<R>(self) -> Result<TaskFuture<R>, QueueFull<A>>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
    {
        match self.executor.queue().map(QueueLimit::try_enter) {
            Some(None) => Err(QueueFull(self.argument)),
            permit => Ok(self.start(permit.flatten())),
        }
    }

    /// Submits the task as soon as the queue has room, without blocking the thread.
    pub async fn submit_async<R>(self) -> TaskFuture<R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
    {
        let permit = match self.executor.queue() {
            Some(queue) => Some(queue.enter_async().await),
            None => None,
        };
        self.start(permit)
    }

    fn start<R>(self, permit: Option<Permit>) -> TaskFuture<R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
    {
        start_task(self.executor, permit, &self.options, self.function, self.argument)
    }
}

impl<E: ?Sized, F, A> fmt::Debug for TaskBuilder<'_, E, F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskBuilder({}, {:?})", std::any::type_name::<F>(), self.options)
    }
}
