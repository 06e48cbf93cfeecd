//! [`ShutdownOptions`]: how to shut an executor down.

use std::time::Duration;

/// How [`Executor::shutdown_with`](crate::Executor::shutdown_with) shuts an executor down.
///
/// ```
/// use horsepower::{Executor, ShutdownOptions, ThreadPoolExecutor};
///
/// let pool = ThreadPoolExecutor::with_workers(1)?;
/// pool.shutdown_with(ShutdownOptions::new().cancel_queued())?;
/// # Ok::<(), horsepower::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct ShutdownOptions {
    pub(crate) wait: bool,
    pub(crate) cancel_queued: bool,
    pub(crate) kill_running: bool,
    pub(crate) timeout: Option<Duration>,
}

impl Default for ShutdownOptions {
    fn default() -> Self {
        ShutdownOptions::new()
    }
}

impl ShutdownOptions {
    /// Run everything that was submitted, and wait for it.
    pub fn new() -> ShutdownOptions {
        ShutdownOptions { wait: true, cancel_queued: false, kill_running: false, timeout: None }
    }

    /// Do not wait. What was submitted still runs, and the workers exit afterwards; dropping the
    /// executor still waits for that.
    pub fn no_wait(mut self) -> Self {
        self.wait = false;
        self
    }

    /// Cancel the tasks that have not started.
    pub fn cancel_queued(mut self) -> Self {
        self.cancel_queued = true;
        self
    }

    /// Kill the worker processes that are running tasks, and those tasks with them: their errors
    /// have [`is_cancelled`](crate::Error::is_cancelled). Waiting tasks then run on other workers,
    /// unless they are [cancelled](Self::cancel_queued) too. Tasks on threads cannot be killed and
    /// continue.
    pub fn kill_running(mut self) -> Self {
        self.kill_running = true;
        self
    }

    /// How long to wait for the shutdown. Default: forever.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// True unless [`no_wait`](Self::no_wait) was asked for. This and the next ones are for those who
    /// write a [`Backend`](crate::backend::Backend).
    #[must_use]
    pub fn waits(&self) -> bool {
        self.wait
    }

    /// True if [`cancel_queued`](Self::cancel_queued) was asked for.
    #[must_use]
    pub fn cancels_queued(&self) -> bool {
        self.cancel_queued
    }

    /// True if [`kill_running`](Self::kill_running) was asked for.
    #[must_use]
    pub fn kills_running(&self) -> bool {
        self.kill_running
    }

    /// How long to wait for the end: the [`timeout`](Self::timeout), if there is one.
    #[must_use]
    pub fn wait_limit(&self) -> Option<Duration> {
        self.timeout
    }
}
