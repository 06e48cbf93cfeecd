//! [`ThreadPoolExecutor`].

use super::builder::ThreadPoolBuilder;
use super::chunk::Chunk;
use super::queue::Pool;
use super::single::{Once, Retried};
use crate::admission::{Permit, QueueLimit};
use crate::complete::Promise;
use crate::error::{Error, Kind};
use crate::executor::Executor;
use crate::executor::again::Again;
use crate::future::TaskFuture;
use crate::map::{Map, MapOptions};
use crate::options::TaskOptions;
use crate::origin::Origin;
use crate::shutdown::ShutdownOptions;
use crate::timer;
use crate::value::Value;
use horsepower_core::assert_plain;
use horsepower_core::stats::Stats;
use std::any::type_name;
use std::io;
use std::mem::ManuallyDrop;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::runtime::{Handle, Runtime};

/// Runs tasks on threads of this process. They are started when tasks need them, at most as many as
/// there are workers, and let go after ten idle seconds.
///
/// A panic in a task is the future's error. A crash is the whole program's, and a running task
/// cannot be stopped: for that there is [`ProcessPoolExecutor`](crate::ProcessPoolExecutor). A task
/// that waits for another task of the same pool may wait for ever when all threads do so.
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
#[derive(Debug)]
pub struct ThreadPoolExecutor {
    pool: Arc<Pool>,
    /// How the threads find the pool; they only look.
    _found: Arc<OnceLock<Arc<Pool>>>,
    runtime: Mutex<Option<Runtime>>,
    limit: Option<QueueLimit>,
}

impl ThreadPoolExecutor {
    pub(super) fn of(
        pool: Arc<Pool>,
        found: Arc<OnceLock<Arc<Pool>>>,
        runtime: Runtime,
        limit: Option<QueueLimit>,
    ) -> ThreadPoolExecutor {
        ThreadPoolExecutor { pool, _found: found, runtime: Mutex::new(Some(runtime)), limit }
    }

    /// A pool with as many threads as this process may use CPUs.
    ///
    /// # Errors
    /// Those of [`ThreadPoolBuilder::build`].
    pub fn new() -> Result<ThreadPoolExecutor, Error> {
        ThreadPoolExecutor::builder().build()
    }

    /// A pool with at most so many threads.
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

    /// Runs any closure on a thread of the pool.
    pub fn spawn<C, R>(&self, closure: C) -> TaskFuture<R>
    where
        C: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let permit = self.permit(None);
        let promise = Promise::new(type_name::<C>(), Origin::Here).admitted(permit);
        let promise = Arc::new(promise);
        self.pool.submit(Box::new(Once { promise: promise.clone(), call: closure }));
        TaskFuture::new(promise)
    }

    /// [`map`](Executor::map) with a function that may capture, and values that need no serde.
    pub fn spawn_map<'e, F, A, R, I>(&'e self, function: F, items: I) -> Map<'e, R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Send + 'static,
        R: Send + 'static,
        I: IntoIterator<Item = A>,
        I::IntoIter: 'e,
    {
        self.map_any(MapOptions::new(), function, items)
    }

    /// What the pool has done and is doing.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.pool.stats()
    }

    fn map_any<'e, F, A, R, I>(&'e self, options: MapOptions, function: F, items: I) -> Map<'e, R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Send + 'static,
        R: Send + 'static,
        I: IntoIterator<Item = A>,
        I::IntoIter: 'e,
    {
        let function = Arc::new(function);
        let refused = options.needs_process();
        Map::start(
            options,
            self.pool.workers,
            items.into_iter(),
            move |items, clock| match &refused {
                Some(why) => TaskFuture::failed(type_name::<F>(), Kind::Invalid(why.clone())),
                None => Chunk::submit(&self.pool, &function, items, clock),
            },
        )
    }

    /// A place in the queue, if places are limited: the one that was taken before, or the next. A task
    /// of this very pool does not wait for one: the pool might be waiting for the task.
    fn permit(&self, taken: Option<Arc<Permit>>) -> Option<Arc<Permit>> {
        let limit = self.limit.as_ref()?;
        taken.or_else(|| {
            let here = self.pool.is_here();
            Some(if here { limit.enter_anyway() } else { limit.enter_blocking() })
        })
    }

    /// Joins the threads on a thread of its own; where the system gives none, they stay until they
    /// have been idle for their idle timeout.
    fn join_elsewhere(&self, runtime: Runtime) -> io::Result<JoinHandle<()>> {
        // What is not called is dropped, and a runtime must not be dropped here.
        let runtime = ManuallyDrop::new(runtime);
        let pool = self.pool.clone();
        std::thread::Builder::new()
            .name("hp-farewell".into())
            .spawn(move || join(&pool, ManuallyDrop::into_inner(runtime)))
    }
}

impl Executor for ThreadPoolExecutor {
    fn workers(&self) -> usize {
        self.pool.workers
    }

    fn queue_limit(&self) -> Option<&QueueLimit> {
        self.limit.as_ref()
    }

    fn submit_with<F, A, R>(&self, options: TaskOptions, function: F, argument: A) -> TaskFuture<R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
    {
        const { assert_plain::<F>() }
        let name = options.name_or(type_name::<F>());
        if let Some(kind) = options.needs_process() {
            return TaskFuture::failed(name, kind);
        }
        let promise = Promise::new(name, Origin::Here).admitted(self.permit(options.permit));
        let promise = Arc::new(promise);
        if let Some(limit) = options.queue_deadline
            && let Some(at) = Instant::now().checked_add(limit)
        {
            let (promise, pool) = (Arc::downgrade(&promise), Arc::downgrade(&self.pool));
            let waits = promise.clone();
            let wanted = move || waits.strong_count() > 0;
            timer::at(at, wanted, move || {
                if let (Some(promise), Some(pool)) = (promise.upgrade(), pool.upgrade()) {
                    pool.within(|| {
                        promise.fail_pending(Kind::QueueDeadline { limit });
                    });
                }
            });
        }
        let future = TaskFuture::new(promise.clone());
        if options.retries == 0 {
            self.pool.submit(Box::new(Once { promise, call: move || function(argument) }));
            return future;
        }
        match Again::new(function, argument) {
            Ok(again) => self.pool.submit(Box::new(Retried {
                promise,
                call: Arc::new(move || again.call()),
                left: options.retries,
                pause: options.backoff,
            })),
            Err(kind) => promise.fail(kind),
        }
        future
    }

    fn map_with<'e, F, A, R, I>(&'e self, options: MapOptions, function: F, items: I) -> Map<'e, R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
        I: IntoIterator<Item = A>,
        I::IntoIter: 'e,
    {
        const { assert_plain::<F>() }
        self.map_any(options, function, items)
    }

    fn shutdown_with(&self, options: ShutdownOptions) -> Result<(), Error> {
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
        let runtime = || self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
        if self.pool.is_here() {
            // In one of its own tasks: waiting would be for ever. What is queued still runs.
            if let Some(runtime) = runtime() {
                let _ = self.join_elsewhere(runtime);
            }
            let why = "a thread pool cannot wait for its end in one of its own tasks";
            return Err(Error::new(Kind::Invalid(why.into())));
        }
        let deadline = options.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        if !self.pool.wait(deadline) {
            return Err(Error::new(Kind::ShutdownTimedOut));
        }
        if let Some(runtime) = runtime() {
            if Handle::try_current().is_ok() {
                // tokio lets nobody join threads in asynchronous code; this blocks all the same,
                // because that is what leaving the scope promises.
                let _ = self.join_elsewhere(runtime).map(JoinHandle::join);
            } else {
                join(&self.pool, runtime);
            }
        }
        Ok(())
    }
}

/// Waits for every task, then for every thread.
fn join(pool: &Pool, runtime: Runtime) {
    pool.wait(None);
    drop(runtime);
}

impl Drop for ThreadPoolExecutor {
    fn drop(&mut self) {
        self.shutdown();
    }
}
