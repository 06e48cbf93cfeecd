//! [`ThreadPoolBuilder`]: the settings of a thread pool.

use super::executor::ThreadPoolExecutor;
use super::pool::{Pool, Settings};
use crate::error::{Error, Kind};
use crate::executor::settings::at_least_one;
use crate::info::usable_cpus;
use crate::thread::stack_size;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The default idle timeout.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Settings of a [`ThreadPoolExecutor`].
#[derive(Clone, Default)]
#[must_use = "`build` makes the pool"]
pub struct ThreadPoolBuilder {
    workers: Option<usize>,
    name: Option<String>,
    queue_limit: Option<usize>,
    idle_timeout: Option<Duration>,
    stack_size: Option<usize>,
    initializer: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl ThreadPoolBuilder {
    /// The maximum number of threads. Default: the CPUs that this process may use.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// The threads are called `NAME_0`, `NAME_1`, …; a thread that replaces another one reuses its name.
    /// Default: `ThreadPoolExecutor-K`, where `K` counts the pools of this process.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How many tasks may wait in addition to those that run; when the queue is full,
    /// [`submit`](crate::Executor::submit) waits for room. Items of a `map` are bounded by its window and do
    /// not count. Default: no limit.
    pub fn queue_limit(mut self, tasks: usize) -> Self {
        self.queue_limit = Some(tasks);
        self
    }

    /// How long a thread may be idle before it ends. Default: 10 seconds.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// The size of the stack of each thread, in bytes of address space; memory is used only as far as the
    /// stack is. Default: that of the main thread on most systems, 8 MiB, so what runs in line runs here too;
    /// or what the variable `RUST_MIN_STACK` says, if that is more.
    ///
    /// ```
    /// use horsepower::{Executor, ThreadPoolExecutor};
    ///
    /// fn depth(n: u64) -> u64 {
    ///     if n == 0 { 0 } else { 1 + std::hint::black_box(depth(n - 1)) }
    /// }
    ///
    /// let pool = ThreadPoolExecutor::builder().workers(1).stack_size(64 << 20).build()?;
    /// assert_eq!(pool.submit(depth, 100_000).result()?, 100_000);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// Calls `function` with `argument` once on each thread, before its first task. If the call panics,
    /// the pool is broken and every task fails with the reason.
    pub fn initializer<F, A>(mut self, function: F, argument: A) -> Self
    where
        F: Fn(A) + Send + Sync + 'static,
        A: Clone + Send + Sync + 'static,
    {
        self.initializer = Some(Arc::new(move || function(argument.clone())));
        self
    }

    /// Creates the pool. Threads are started later, when tasks need them.
    ///
    /// # Errors
    /// If `workers` is 0 or the name contains a NUL byte.
    pub fn build(self) -> Result<ThreadPoolExecutor, Error> {
        static POOLS: AtomicUsize = AtomicUsize::new(0);
        let workers = self.workers.unwrap_or_else(|| usable_cpus().get());
        at_least_one("workers", workers)?;
        let name = self.name.filter(|name| !name.is_empty()).unwrap_or_else(|| {
            // Relaxed: only a number.
            format!("ThreadPoolExecutor-{}", POOLS.fetch_add(1, Ordering::Relaxed))
        });
        if name.contains('\0') {
            let why = "the name of a pool contains a NUL byte, which the system does not allow";
            return Err(Error::new(Kind::Invalid(why.into())));
        }
        let idle_timeout = self.idle_timeout.unwrap_or(IDLE_TIMEOUT);
        let stack_size = self.stack_size.unwrap_or_else(stack_size);
        let settings = Settings { name, idle_timeout, stack_size, initializer: self.initializer };
        Ok(ThreadPoolExecutor::of(
            Arc::new(Pool::new(settings, workers)),
            workers,
            self.queue_limit,
        ))
    }
}

impl fmt::Debug for ThreadPoolBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPoolBuilder")
            .field("workers", &self.workers)
            .field("name", &self.name)
            .field("queue_limit", &self.queue_limit)
            .field("idle_timeout", &self.idle_timeout)
            .field("stack_size", &self.stack_size)
            .finish_non_exhaustive()
    }
}
