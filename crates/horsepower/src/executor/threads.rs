//! [`ThreadPoolExecutor`]: tasks run on threads of this process.
//!
//! The threads are those of tokio's blocking pool: the best-kept one that starts threads when they
//! are needed, names them, and joins them at the end. Nothing else of tokio is used, and no runtime
//! is needed by the user.

use super::Executor;
use crate::complete::{Outcome, Promise};
use crate::error::{Error, Kind};
use crate::future::TaskFuture;
use crate::info::usable_cpus;
use crate::map::{ChunkFuture, Clock, Map, MapOptions};
use crate::origin::Origin;
use crate::value::Value;
use horsepower_core::assert_plain;
use std::any::type_name;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle, Runtime};

/// How long a thread goes on with the items of one chunk before it shares the rest.
const PATIENCE: Duration = Duration::from_millis(5);

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
    inner: Arc<Inner>,
    runtime: Mutex<Option<Runtime>>,
}

#[derive(Debug)]
struct Inner {
    handle: Handle,
    workers: usize,
    state: Mutex<State>,
    idle: Condvar,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    /// Tasks that have not ended.
    unended: usize,
}

thread_local! {
    /// The pool whose task or callback runs on this thread.
    static WITHIN: Cell<*const Inner> = const { Cell::new(std::ptr::null()) };
}

/// Settings of a [`ThreadPoolExecutor`] that is to be made.
#[derive(Clone, Debug, Default)]
#[must_use = "`build` makes the pool"]
pub struct ThreadPoolBuilder {
    workers: Option<usize>,
    name: Option<String>,
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
        let name = self.name.unwrap_or_else(|| {
            // Relaxed: only a number.
            format!("ThreadPoolExecutor-{}", POOLS.fetch_add(1, Ordering::Relaxed))
        });
        let threads = AtomicUsize::new(0);
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(workers)
            .thread_name_fn(move || format!("{name}_{}", threads.fetch_add(1, Ordering::Relaxed)))
            .build()
            .map_err(|source| Error::new(Kind::System { doing: "make a thread pool", source }))?;
        let inner = Inner {
            handle: runtime.handle().clone(),
            workers,
            state: Mutex::default(),
            idle: Condvar::new(),
        };
        Ok(ThreadPoolExecutor { inner: Arc::new(inner), runtime: Mutex::new(Some(runtime)) })
    }
}

impl ThreadPoolExecutor {
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
        self.inner.run_task(type_name::<C>(), closure)
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

    fn map_any<'e, F, A, R, I>(&'e self, options: MapOptions, function: F, items: I) -> Map<'e, R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Send + 'static,
        R: Send + 'static,
        I: IntoIterator<Item = A>,
        I::IntoIter: 'e,
    {
        let function = Arc::new(function);
        Map::start(options, self.inner.workers, items.into_iter(), move |items, clock| {
            Chunk::submit(&self.inner, &function, items, clock)
        })
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one task on a thread of the pool.
    fn run_task<R: Send + 'static>(
        self: &Arc<Self>,
        name: &'static str,
        call: impl FnOnce() -> R + Send + 'static,
    ) -> TaskFuture<R> {
        let promise = Arc::new(Promise::new(name, Origin::Here));
        let future = TaskFuture::new(promise.clone());
        self.run(promise.clone(), move |_| {
            if promise.begin() {
                match horsepower_core::panic::catch(call) {
                    Ok(result) => promise.complete(Ok(result)),
                    Err(report) => promise.fail(Kind::Panicked(report)),
                }
            }
        });
        future
    }

    /// Runs `job` on a thread of the pool; if there will be none, fails the promise.
    fn run<T: Send + 'static>(
        self: &Arc<Self>,
        promise: Arc<Promise<T>>,
        job: impl FnOnce(&Arc<Inner>) + Send + 'static,
    ) {
        {
            let mut state = self.lock();
            if state.closed {
                drop(state);
                return promise.fail(Kind::Shutdown);
            }
            state.unended += 1;
        }
        self.run_accepted(promise, job);
    }

    fn run_accepted<T: Send + 'static>(
        self: &Arc<Self>,
        promise: Arc<Promise<T>>,
        job: impl FnOnce(&Arc<Inner>) + Send + 'static,
    ) {
        let inner = self.clone();
        let spawned = horsepower_core::panic::catch(|| {
            self.handle.spawn_blocking(move || {
                let outer = WITHIN.replace(Arc::as_ptr(&inner));
                // A `Drop` of the user's may panic; the count has to stay right.
                let _ = horsepower_core::panic::catch(|| job(&inner));
                WITHIN.set(outer);
                inner.ended();
            });
        });
        if let Err(panic) = spawned {
            // tokio says in this way that the system gives no first thread.
            let source = std::io::Error::other(panic.message);
            promise.fail(Kind::System { doing: "start a thread", source });
            self.ended();
        }
    }

    fn ended(&self) {
        let mut state = self.lock();
        state.unended -= 1;
        if state.unended == 0 && state.closed {
            self.idle.notify_all();
        }
    }
}

impl Executor for ThreadPoolExecutor {
    fn workers(&self) -> usize {
        self.inner.workers
    }

    fn submit<F, A, R>(&self, function: F, argument: A) -> TaskFuture<R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
    {
        const { assert_plain::<F>() }
        self.inner.run_task(type_name::<F>(), move || function(argument))
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

    fn shutdown(&self) {
        let mut state = self.inner.lock();
        state.closed = true;
        if WITHIN.get() == Arc::as_ptr(&self.inner) {
            // In one of its own tasks: waiting would be for ever. What is queued still runs.
            drop(state);
            let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(runtime) = runtime {
                let inner = self.inner.clone();
                std::thread::spawn(move || inner.join(runtime));
            }
            return;
        }
        drop(state);
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(runtime) = runtime {
            let inner = self.inner.clone();
            if Handle::try_current().is_ok() {
                // tokio lets nobody join threads in asynchronous code; this blocks all the same,
                // because that is what leaving the scope promises.
                let _ = std::thread::spawn(move || inner.join(runtime)).join();
            } else {
                inner.join(runtime);
            }
        }
    }
}

impl Inner {
    /// Waits for every task, then for every thread.
    fn join(&self, runtime: Runtime) {
        let mut state = self.lock();
        while state.unended > 0 {
            state = self.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        drop(runtime);
    }
}

impl Drop for ThreadPoolExecutor {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// Items of a `map` that run as one task; when they take longer than expected, as several.
struct Chunk<F, R> {
    function: Arc<F>,
    clock: Arc<Clock>,
    answers: Mutex<Answers<R>>,
    promise: Arc<Promise<Vec<Outcome<R>>>>,
}

struct Answers<R> {
    answers: Vec<Option<Outcome<R>>>,
    missing: usize,
}

impl<F, R> Chunk<F, R>
where
    F: Send + Sync + 'static,
    R: Send + 'static,
{
    fn submit<A>(
        inner: &Arc<Inner>,
        function: &Arc<F>,
        items: Vec<A>,
        clock: &Arc<Clock>,
    ) -> ChunkFuture<R>
    where
        F: Fn(A) -> R,
        A: Send + 'static,
    {
        let promise = Arc::new(Promise::new(type_name::<F>(), Origin::Here));
        let missing = items.len();
        let answers = Answers { answers: items.iter().map(|_| None).collect(), missing };
        let chunk = Arc::new(Chunk {
            function: function.clone(),
            clock: clock.clone(),
            answers: Mutex::new(answers),
            promise: promise.clone(),
        });
        let items: Vec<_> = items.into_iter().enumerate().collect();
        inner.run(promise.clone(), move |inner| {
            if chunk.promise.begin() {
                chunk.run(inner, items);
            }
        });
        TaskFuture::new(promise)
    }

    /// Runs items until they are done or patience is over; the rest is split among the threads.
    fn run<A>(self: Arc<Self>, inner: &Arc<Inner>, items: Vec<(usize, A)>)
    where
        F: Fn(A) -> R,
        A: Send + 'static,
    {
        let started = Instant::now();
        let count = items.len();
        let mut items = items.into_iter();
        let mut done = Vec::with_capacity(count);
        while started.elapsed() < PATIENCE
            && let Some((place, item)) = items.next()
        {
            let outcome = horsepower_core::panic::catch(|| (self.function)(item));
            let failed = |report| Error::of_task(Kind::Panicked(report), self.promise.task.clone());
            done.push((place, outcome.map_err(failed)));
        }
        self.clock.learn(done.len(), started.elapsed());
        let mut rest: Vec<_> = items.collect();
        let share = rest.len().div_ceil(inner.workers).max(1);
        while !rest.is_empty() {
            let part = rest.split_off(rest.len().saturating_sub(share));
            let chunk = self.clone();
            inner.lock().unended += 1;
            inner.run_accepted(self.promise.clone(), move |inner| chunk.run(inner, part));
        }
        self.answer(done);
    }

    fn answer(&self, done: Vec<(usize, Outcome<R>)>) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, outcome) in done {
            answers.answers[place] = Some(outcome);
            answers.missing -= 1;
        }
        if answers.missing == 0 {
            let answers = std::mem::take(&mut answers.answers);
            self.promise.complete(Ok(answers.into_iter().flatten().collect()));
        }
    }
}
