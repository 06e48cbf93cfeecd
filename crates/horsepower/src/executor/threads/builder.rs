//! [`ThreadPoolBuilder`]: the settings of a thread pool that is to be made.

use super::executor::ThreadPoolExecutor;
use super::queue::Pool;
use crate::admission::QueueLimit;
use crate::error::{Error, Kind};
use crate::info::usable_cpus;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::Builder;

/// Settings of a [`ThreadPoolExecutor`] that is to be made.
#[derive(Clone, Default)]
#[must_use = "`build` makes the pool"]
pub struct ThreadPoolBuilder {
    workers: Option<usize>,
    name: Option<String>,
    queue_limit: Option<usize>,
    idle_timeout: Option<Duration>,
    initializer: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl ThreadPoolBuilder {
    /// Most threads at a time. Default: the CPUs that this process may use.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// The threads are called `NAME_0`, `NAME_1`, …. Default: `ThreadPoolExecutor-K`, where `K`
    /// counts the pools of this process.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How many tasks may wait beside those that run; then [`submit`](crate::Executor::submit) waits
    /// for room. What `map` submits is bounded by its window, and does not count. Default: any number.
    pub fn queue_limit(mut self, tasks: usize) -> Self {
        self.queue_limit = Some(tasks);
        self
    }

    /// How long a thread may have nothing to do until it is let go. Default: 10 seconds.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// Calls `function` with `argument` once on each thread, before its first task. If that panics,
    /// the pool is broken, and every task fails with the reason.
    pub fn initializer<F, A>(mut self, function: F, argument: A) -> Self
    where
        F: Fn(A) + Send + Sync + 'static,
        A: Clone + Send + Sync + 'static,
    {
        self.initializer = Some(Arc::new(move || function(argument.clone())));
        self
    }

    /// Makes the pool. No thread is started yet.
    ///
    /// # Errors
    /// If `workers` is 0.
    pub fn build(self) -> Result<ThreadPoolExecutor, Error> {
        static POOLS: AtomicUsize = AtomicUsize::new(0);
        let workers = self.workers.unwrap_or_else(|| usable_cpus().get());
        if workers == 0 {
            return Err(Error::new(Kind::Invalid("workers must be greater than 0".into())));
        }
        let name = self.name.filter(|name| !name.is_empty()).unwrap_or_else(|| {
            // Relaxed: only a number.
            format!("ThreadPoolExecutor-{}", POOLS.fetch_add(1, Ordering::Relaxed))
        });
        let threads = AtomicUsize::new(0);
        let mut builder = Builder::new_current_thread();
        builder
            .max_blocking_threads(workers)
            .thread_name_fn(move || format!("{name}_{}", threads.fetch_add(1, Ordering::Relaxed)));
        if let Some(timeout) = self.idle_timeout {
            builder.thread_keep_alive(timeout);
        }
        // The threads know their pool, which does not exist before them.
        let pool: Arc<OnceLock<Arc<Pool>>> = Arc::default();
        if let Some(initializer) = self.initializer {
            let pool = Arc::downgrade(&pool);
            builder.on_thread_start(move || {
                let Err(report) = horsepower_core::panic::catch(|| initializer()) else { return };
                if let Some(pool) = pool.upgrade().as_deref().and_then(OnceLock::get) {
                    pool.break_down(&format!("the initializer failed: {report}"));
                }
            });
        }
        let runtime = builder
            .build()
            .map_err(|source| Error::new(Kind::System { doing: "make a thread pool", source }))?;
        let inner = pool.get_or_init(|| Arc::new(Pool::new(runtime.handle().clone(), workers)));
        let limit = self.queue_limit.map(|tasks| QueueLimit::new(workers.saturating_add(tasks)));
        Ok(ThreadPoolExecutor::of(inner.clone(), pool, runtime, limit))
    }
}

impl fmt::Debug for ThreadPoolBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPoolBuilder")
            .field("workers", &self.workers)
            .field("name", &self.name)
            .field("queue_limit", &self.queue_limit)
            .field("idle_timeout", &self.idle_timeout)
            .finish_non_exhaustive()
    }
}
