//! [`InlineExecutor`]: tasks run where they are submitted. The baseline.

use super::Executor;
use super::again::Again;
use crate::complete::Promise;
use crate::error::{Error, Kind, Name};
use crate::future::TaskFuture;
use crate::map::{Map, MapOptions};
use crate::options::TaskOptions;
use crate::origin::Origin;
use crate::shutdown::ShutdownOptions;
use crate::value::Value;
use horsepower_core::assert_zero_sized;
use horsepower_core::stats::Stats;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Runs each task on the thread that submits it, before `submit` returns. What parallel work is
/// measured against, and what a program falls back to when there is one CPU.
///
/// A panic in a task is the future's error, as everywhere. A crash is the whole program's.
///
/// ```
/// use horsepower::{Executor, InlineExecutor};
///
/// let mut total = 0;
/// let future = InlineExecutor::new().spawn(|| { total += 5; total }); // captures are fine here
/// assert_eq!(future.result()?, 5);
/// # Ok::<(), horsepower::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct InlineExecutor {
    closed: AtomicBool,
    running: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    retried: AtomicU64,
}

impl InlineExecutor {
    /// An executor without threads or processes.
    #[must_use]
    pub fn new() -> InlineExecutor {
        InlineExecutor::default()
    }

    /// Runs any closure, now, on this thread.
    pub fn spawn<R>(&self, closure: impl FnOnce() -> R) -> TaskFuture<R> {
        self.run(std::any::type_name_of_val(&closure), closure)
    }

    /// [`map`](Executor::map) with a function that may capture, and values that need no serde.
    pub fn spawn_map<'e, F, A, R, I>(&'e self, function: F, items: I) -> Map<'e, R>
    where
        F: Fn(A) -> R + 'e,
        A: 'e,
        R: 'e,
        I: IntoIterator<Item = A>,
        I::IntoIter: 'e,
    {
        self.spawn_map_with(MapOptions::new(), function, items)
    }

    /// [`spawn_map`](Self::spawn_map) with settings of its own.
    pub fn spawn_map_with<'e, F, A, R, I>(
        &'e self,
        options: MapOptions,
        function: F,
        items: I,
    ) -> Map<'e, R>
    where
        F: Fn(A) -> R + 'e,
        A: 'e,
        R: 'e,
        I: IntoIterator<Item = A>,
        I::IntoIter: 'e,
    {
        let name = std::any::type_name::<F>();
        let refused = options.needs_process();
        Map::start(options, 1, items.into_iter(), move |items, clock| {
            if let Some(kind) = &refused {
                return TaskFuture::failed(name, Kind::Invalid(kind.clone()));
            }
            let started = Instant::now();
            let count = items.len();
            let answers: Vec<_> =
                items.into_iter().map(|item| self.run(name, || function(item)).result()).collect();
            clock.learn(count, started.elapsed());
            let promise = Promise::new(name, Origin::Here);
            promise.complete(Ok(answers));
            TaskFuture::new(Arc::new(promise))
        })
    }

    fn run<R>(&self, name: impl Into<Name>, call: impl FnOnce() -> R) -> TaskFuture<R> {
        match self.refused(name) {
            Ok(name) => self.run_accepted(name, call),
            Err(refused) => refused,
        }
    }

    /// The answer to a task that comes after the end.
    fn refused<R>(&self, name: impl Into<Name>) -> Result<Name, TaskFuture<R>> {
        // Relaxed: a flag; whoever needs the order of calls has it by other means.
        match self.closed.load(Ordering::Relaxed) {
            true => Err(TaskFuture::failed(name, Kind::Shutdown)),
            false => Ok(name.into()),
        }
    }

    fn run_accepted<R>(&self, name: Name, call: impl FnOnce() -> R) -> TaskFuture<R> {
        let promise = Promise::new(name, Origin::Here);
        // Relaxed: only numbers.
        self.running.fetch_add(1, Ordering::Relaxed);
        let outcome = horsepower_core::panic::catch(call);
        self.running.fetch_sub(1, Ordering::Relaxed);
        match outcome {
            Ok(result) => {
                self.done.fetch_add(1, Ordering::Relaxed);
                promise.complete(Ok(result));
            }
            Err(report) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                promise.fail(Kind::Panicked(report));
            }
        }
        TaskFuture::new(Arc::new(promise))
    }
}

impl Executor for InlineExecutor {
    fn workers(&self) -> usize {
        1
    }

    fn stats(&self) -> Stats {
        // Relaxed: only numbers.
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let mut stats = Stats::default();
        stats.running = read(&self.running);
        stats.done = read(&self.done);
        stats.failed = read(&self.failed);
        stats.retried = read(&self.retried);
        stats
    }

    fn submit_with<F, A, R>(&self, options: TaskOptions, function: F, argument: A) -> TaskFuture<R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
    {
        const { assert_zero_sized::<F>() }
        let name = options.name_or(std::any::type_name::<F>());
        if let Some(kind) = options.needs_process() {
            return TaskFuture::failed(name, kind);
        }
        if options.retries == 0 {
            return self.run(name, || function(argument));
        }
        let again = match Again::new(function, argument) {
            Ok(again) => again,
            Err(kind) => return TaskFuture::failed(name, kind),
        };
        let name = match self.refused(name) {
            Ok(name) => name,
            Err(refused) => return refused,
        };
        let mut pause = options.backoff;
        for _ in 0..options.retries {
            let future = self.run_accepted(name.clone(), || again.call());
            if !future.exception().is_some_and(|error| error.is_panic()) {
                return future;
            }
            // It has not failed for good.
            self.failed.fetch_sub(1, Ordering::Relaxed);
            self.retried.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(task = name.as_str(), ?pause, "task is tried again");
            std::thread::sleep(pause);
            pause = pause.saturating_mul(2);
        }
        self.run_accepted(name, || again.call())
    }

    fn map_with<'e, F, A, R, I>(&'e self, options: MapOptions, function: F, items: I) -> Map<'e, R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
        I: IntoIterator<Item = A>,
        I::IntoIter: 'e,
    {
        const { assert_zero_sized::<F>() }
        self.spawn_map_with(options, function, items)
    }

    fn shutdown_with(&self, _options: ShutdownOptions) -> Result<(), Error> {
        // Every task has ended by the time that anybody can call this.
        self.closed.store(true, Ordering::Relaxed);
        Ok(())
    }
}
