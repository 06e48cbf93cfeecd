//! [`ThreadPoolExecutor`].

use super::job::Job;
use super::pool::Pool;
use super::{ThreadPoolBuilder, timer};
use crate::error::{Error, Kind};
use crate::executor::backend::{Backend, CallRunner, Capability, Carrier};
use crate::executor::settings::at_least_one;
use crate::executor::{Call, Executor as _, MapBuilder, QueueLimit, ShutdownOptions, front};
use crate::map::{Items, Map, MapOptions};
use crate::task::TaskFuture;
use crate::task::local::{AnyPromise, Single, once};
use crate::task::promise::Promise;
use horsepower_core::callback_threads::FollowUp;
use horsepower_core::stats::Stats;
use std::any::type_name;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Runs tasks on threads of this process. Threads are started when tasks need them, up to the number of
/// workers, and end after ten idle seconds.
///
/// A panic in a task becomes the error of its future. A crash ends the whole program, and a running task
/// cannot be stopped; [`ProcessPoolExecutor`](crate::ProcessPoolExecutor) handles both. A task that waits
/// for another task of the same pool waits forever if all threads do so.
///
/// ```
/// use horsepower::ThreadPoolExecutor;
/// use std::sync::Arc;
///
/// let pool = ThreadPoolExecutor::with_workers(2)?;
/// let words = Arc::new(vec!["threads", "share", "memory"]);
/// let futures: Vec<_> = (0..3)
///     .map(|i| {
///         let words = words.clone(); // captures are fine here
///         pool.spawn(move || words[i].len())
///     })
///     .collect();
/// let lengths: Result<Vec<_>, _> = futures.into_iter().map(|future| future.result()).collect();
/// assert_eq!(lengths?, [7, 5, 6]);
/// # Ok::<(), horsepower::Error>(())
/// ```
pub struct ThreadPoolExecutor {
    pool: Arc<Pool>,
    limit: Option<QueueLimit>,
}

impl ThreadPoolExecutor {
    pub(super) fn of(pool: Arc<Pool>, workers: usize, queue_limit: Option<usize>) -> Self {
        let limit = queue_limit.map(|tasks| QueueLimit::new(workers, tasks));
        ThreadPoolExecutor { pool, limit }
    }

    /// A pool with as many threads as this process may use CPUs.
    ///
    /// # Errors
    /// Those of [`ThreadPoolBuilder::build`].
    pub fn new() -> Result<ThreadPoolExecutor, Error> {
        ThreadPoolExecutor::builder().build()
    }

    /// A pool with at most `workers` threads.
    ///
    /// # Errors
    /// Those of [`ThreadPoolBuilder::build`].
    pub fn with_workers(workers: usize) -> Result<ThreadPoolExecutor, Error> {
        ThreadPoolExecutor::builder().workers(workers).build()
    }

    /// Settings for a pool.
    pub fn builder() -> ThreadPoolBuilder {
        ThreadPoolBuilder::default()
    }

    /// Runs any closure on a thread of the pool. Like [`submit`](crate::Executor::submit), it waits for room
    /// if the queue has a limit.
    pub fn spawn<C, R>(&self, closure: C) -> TaskFuture<R>
    where
        C: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let permit = self.limit.as_ref().map(|limit| limit.enter(|| self.is_inside()));
        let promise = Arc::new(Promise::new(type_name::<C>(), None).admitted(permit));
        let task = Single::new(promise.clone(), once(closure));
        self.pool.submit(Job::new(Box::new(task), None));
        TaskFuture::new(promise)
    }

    /// [`map`](crate::Executor::map) with a function that may capture, and values that need no serde.
    pub fn spawn_map<'e, F, A, R, I>(&'e self, function: F, items: I) -> Map<'e, R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Send + 'static,
        R: Send + 'static,
        I: IntoIterator<Item = A>,
        I::IntoIter: 'e,
    {
        self.start_map(MapOptions::new(), function, items)
    }

    /// Builds a [`spawn_map`](Self::spawn_map) with options. [`MapBuilder::map`] starts it.
    pub fn spawn_tasks<'e, F, A, R, I>(&'e self, function: F, items: I) -> MapBuilder<'e, R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Send + 'static,
        R: Send + 'static,
        I: IntoIterator<Item = A> + 'e,
        I::IntoIter: 'e,
    {
        MapBuilder::new(move |options| self.start_map(options, function, items))
    }

    fn start_map<'e, F, A, R, I>(&'e self, options: MapOptions, function: F, items: I) -> Map<'e, R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Send + 'static,
        R: Send + 'static,
        I: IntoIterator<Item = A>,
        I::IntoIter: 'e,
    {
        let function = Arc::new(function);
        let policy = options.policy();
        let refusal = policy.and_then(|policy| front::refusal(self, &policy));
        let refusal = refusal.map(|kind| kind.to_string());
        Map::start(options, self.workers(), Items::of(items), move |items, clock| match &refusal {
            Some(why) => TaskFuture::failed(type_name::<F>(), Kind::Invalid(why.clone())),
            None => front::start_chunk(self, &function, items, clock),
        })
    }

    /// Changes the maximum number of threads. Additional threads are started when tasks need them. Surplus
    /// threads end: idle ones at once, the others when their tasks have ended.
    ///
    /// # Errors
    /// If `workers` is 0.
    pub fn resize(&self, workers: usize) -> Result<(), Error> {
        at_least_one("workers", workers)?;
        if self.pool.is_copy() {
            return Err(Error::new(Kind::Copied));
        }
        self.pool.resize(workers);
        if let Some(limit) = &self.limit {
            limit.resize(workers);
        }
        Ok(())
    }

    /// Fails the task if it has not begun when `limit` is over.
    fn limit_wait(&self, promise: &Arc<dyn AnyPromise>, limit: Duration) {
        // What is too long for the clock is for ever.
        let Some(at) = Instant::now().checked_add(limit) else { return };
        let (promise, pool) = (Arc::downgrade(promise), Arc::downgrade(&self.pool));
        let waits = promise.clone();
        let wanted = move || waits.strong_count() > 0;
        timer::at(at, wanted, move || {
            if let (Some(promise), Some(pool)) = (promise.upgrade(), pool.upgrade()) {
                // Not before its callbacks were called is the pool at its end.
                pool.hold();
                if let Some(left) = promise.fail_late(limit) {
                    let name = promise.name().clone();
                    if left == FollowUp::Callbacks {
                        pool.have_called(move || promise.call_back());
                    }
                    pool.within(|| {
                        let task = name.as_str();
                        tracing::warn!(task, ?limit, "task exceeded its queue deadline");
                    });
                }
                pool.ended();
            }
        });
    }
}

impl CallRunner for ThreadPoolExecutor {
    fn start(&self, call: Call<'_>) {
        let (task, policy) = call.into_parts();
        let task = task.detach();
        if let Some(limit) = policy.and_then(|policy| policy.queue_deadline) {
            self.limit_wait(&task.share_promise(), limit);
        }
        self.pool.submit(Job::new(task, policy));
    }
}

impl Backend for ThreadPoolExecutor {
    fn carrier(&self) -> Carrier<'_> {
        Carrier::Calls(self)
    }

    fn parallelism(&self) -> usize {
        self.pool.workers()
    }

    fn snapshot(&self) -> Stats {
        self.pool.stats()
    }

    fn can(&self, what: Capability) -> bool {
        matches!(what, Capability::Retries | Capability::QueueDeadline)
    }

    fn queue(&self) -> Option<&QueueLimit> {
        self.limit.as_ref()
    }

    fn is_inside(&self) -> bool {
        // The pool might be waiting for the task that submits.
        self.pool.is_here() || self.pool.is_copy()
    }

    fn stop(&self, options: ShutdownOptions) -> Result<(), Error> {
        if self.pool.is_copy() {
            return Err(Error::new(Kind::Copied));
        }
        self.pool.close();
        if let Some(limit) = &self.limit {
            limit.close();
        }
        if options.cancel_queued {
            self.pool.cancel_queued();
        }
        if !options.wait {
            return Ok(());
        }
        if self.pool.is_here() {
            // In one of its own tasks: waiting would be for ever. What is queued still runs.
            let why = "a thread pool cannot wait for its own shutdown in one of its own tasks";
            return Err(Error::new(Kind::Invalid(why.into())));
        }
        let deadline = options.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        if !self.pool.wait(deadline) {
            return Err(Error::new(Kind::ShutdownTimedOut));
        }
        if options.timeout.is_none() {
            // That cannot be cut short, so not with a limit of time.
            self.pool.join();
        }
        Ok(())
    }
}

impl fmt::Debug for ThreadPoolExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.pool.settings.name;
        write!(f, "ThreadPoolExecutor({name}, {} workers)", self.workers())
    }
}

impl Drop for ThreadPoolExecutor {
    fn drop(&mut self) {
        self.shutdown();
    }
}
