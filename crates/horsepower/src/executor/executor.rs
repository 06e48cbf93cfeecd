//! [`Executor`]: the typed interface that every place to run has in common.
//!
//! Written once, for every [`Backend`]. What happens to a task from here on is in `front`.

use super::backend::Backend;
use super::{MapBuilder, ShutdownOptions, front};
use crate::error::Error;
use crate::map::{Map, MapOptions};
use crate::task::{QueueFull, TaskBuilder, TaskFuture};
use crate::value::Value;
use horsepower_core::stats::Stats;
use std::future::Future;

/// A place where tasks run. A program moves from one to another by changing one line.
///
/// A task is a plain function, or a closure that captures nothing, and one argument; several are a
/// tuple. That is checked while compiling, and the same for every executor, so that what runs in
/// line today runs in processes tomorrow. (Threads and the in-line executor take capturing closures
/// too, by methods of their own.)
///
/// ```
/// use horsepower::{Executor, InlineExecutor, ThreadPoolExecutor};
///
/// fn squares(executor: &impl Executor) -> Result<Vec<u64>, horsepower::Error> {
///     executor.map(|n: u64| n * n, 1..=5).collect()
/// }
///
/// assert_eq!(squares(&InlineExecutor::new())?, [1, 4, 9, 16, 25]);
/// assert_eq!(squares(&ThreadPoolExecutor::new()?)?, [1, 4, 9, 16, 25]);
/// # Ok::<(), horsepower::Error>(())
/// ```
///
/// A capture is refused:
///
/// ```compile_fail
/// use horsepower::{Executor, InlineExecutor};
///
/// let offset = 3;
/// let future = InlineExecutor::new().submit(move |n: u64| n + offset, 1);
/// ```
///
/// and so is a function pointer:
///
/// ```compile_fail
/// use horsepower::{Executor, InlineExecutor};
///
/// let function: fn(u64) -> u64 = |n| n + 1;
/// let future = InlineExecutor::new().submit(function, 1);
/// ```
pub trait Executor: Backend {
    /// How many tasks can run at the same time.
    fn workers(&self) -> usize {
        self.parallelism()
    }

    /// How many tasks may wait in addition to those that run, if a limit was set.
    fn queue_limit(&self) -> Option<usize> {
        self.queue().map(super::QueueLimit::tasks)
    }

    /// What the executor has done, and what it is doing.
    ///
    /// ```
    /// use horsepower::{Executor, InlineExecutor};
    ///
    /// let executor = InlineExecutor::new();
    /// executor.submit(|n: u32| n + 1, 1).result()?;
    /// assert_eq!(executor.stats().done, 1);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    fn stats(&self) -> Stats {
        self.snapshot()
    }

    /// Submits one task. Never fails and never waits: whatever goes wrong is the future's answer. (The
    /// in-line executor runs the task before it returns. With a queue limit it waits for room, but not in
    /// the executor's own tasks and callbacks, which would wait for themselves.)
    fn submit<F, A, R>(&self, function: F, argument: A) -> TaskFuture<R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
    {
        self.task(function, argument).submit()
    }

    /// Builds a task with options: a deadline, retries, a name. [`TaskBuilder::submit`] submits it.
    ///
    /// ```
    /// use horsepower::{Executor, ProcessPoolExecutor};
    /// use std::time::Duration;
    ///
    /// fn main() -> Result<(), horsepower::Error> {
    ///     horsepower::init();
    ///     let pool = ProcessPoolExecutor::with_workers(1)?;
    ///     let endless = |n: u64| if n > 0 { loop { std::thread::park() } };
    ///     let future = pool.task(endless, 1).name("endless").deadline(Duration::from_millis(20)).submit();
    ///     let error = future.result().unwrap_err();
    ///     assert!(error.is_deadline() && error.task_name() == Some("endless"));
    ///     assert!(pool.submit(endless, 0).result().is_ok(), "in another worker");
    ///     Ok(())
    /// }
    /// ```
    fn task<F, A>(&self, function: F, argument: A) -> TaskBuilder<'_, Self, F, A> {
        TaskBuilder::new(self, function, argument)
    }

    /// Submits one task if the queue has room; without a queue limit it always has.
    ///
    /// # Errors
    /// The argument, if the queue is full.
    ///
    /// ```
    /// use horsepower::{Executor, ThreadPoolExecutor};
    ///
    /// let pool = ThreadPoolExecutor::builder().workers(1).queue_limit(10).build()?;
    /// match pool.try_submit(|n: u64| n * n, 7) {
    ///     Ok(future) => assert_eq!(future.result()?, 49),
    ///     Err(full) => println!("later: {}", full.into_argument()),
    /// }
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    fn try_submit<F, A, R>(&self, function: F, argument: A) -> Result<TaskFuture<R>, QueueFull<A>>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
    {
        self.task(function, argument).try_submit()
    }

    /// Submits one task as soon as the queue has room, without blocking the thread.
    fn submit_async<F, A, R>(
        &self,
        function: F,
        argument: A,
    ) -> impl Future<Output = TaskFuture<R>> + Send
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
    {
        self.task(function, argument).submit_async()
    }

    /// Calls `function` with each of the items, in parallel, and yields the results in the order of
    /// the items.
    ///
    /// It starts at once, and it is lazy beyond a window: at least 1,024 items are under way
    /// although nobody reads their results, and for each result that is read another item is
    /// drawn. So the input may be endless. Many tiny items travel as one task; how many is found out
    /// by measuring them. Each item is a call by itself all the same: a panic or a crash is the
    /// error of that item alone.
    ///
    /// After the first error the iteration ends, and what has not begun is cancelled; so it is when
    /// the iterator is dropped. [`MapOptions::on_error`] asks to go on.
    ///
    /// # Panics
    /// If the input panics while it is drawn from here; if it does so later, the iterator panics, after
    /// the results of what came before.
    ///
    /// ```
    /// use horsepower::{Executor, ThreadPoolExecutor};
    ///
    /// let pool = ThreadPoolExecutor::new()?;
    /// let even: Vec<u64> = pool.map(|n| 2 * n, 0..).take(3).collect::<Result<_, _>>()?;
    /// assert_eq!(even, [0, 2, 4]);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    fn map<'e, F, A, R, I>(&'e self, function: F, items: I) -> Map<'e, R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
        I: IntoIterator<Item = A>,
        I::IntoIter: 'e,
    {
        front::start_map(self, MapOptions::new(), function, items)
    }

    /// Builds a [`map`](Self::map) with options: results in any order, deadlines, progress.
    /// [`MapBuilder::map`] starts it.
    ///
    /// ```
    /// use horsepower::{Executor, ThreadPoolExecutor};
    ///
    /// let pool = ThreadPoolExecutor::new()?;
    /// let squares = pool.tasks(|n: u64| n * n, 1..=100).unordered().map();
    /// assert_eq!(squares.sum::<Result<u64, _>>()?, 338_350);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    fn tasks<'e, F, A, R, I>(&'e self, function: F, items: I) -> MapBuilder<'e, R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
        I: IntoIterator<Item = A> + 'e,
        I::IntoIter: 'e,
    {
        MapBuilder::new(move |options| front::start_map(self, options, function, items))
    }

    /// Takes no more tasks, waits until all have ended, and lets threads and processes go. Dropping
    /// the executor does the same; `std::process::exit`, which drops nothing, does not, and what has
    /// not ended by then is lost. A task that is submitted later fails with an error for which
    /// [`is_shutdown`](crate::Error::is_shutdown) holds. Calling it again does nothing more. In a
    /// done-callback, or in a task on one of its threads, it does not wait, since that could only wait
    /// for itself. It blocks the thread, in asynchronous code too: where that matters, await the futures
    /// first.
    fn shutdown(&self) {
        // Without a limit of time, what can be wrong is that it was called where it cannot wait.
        let _ = self.stop(ShutdownOptions::new());
    }

    /// [`shutdown`](Self::shutdown), but sooner: without waiting, or without doing all that was
    /// submitted.
    ///
    /// # Errors
    /// One with [`is_timeout`](Error::is_timeout) if it has not come to its end in the time that was
    /// given: it goes on, and one may wait again. One with [`is_invalid`](Error::is_invalid) if it
    /// was called where it cannot wait.
    fn shutdown_with(&self, options: ShutdownOptions) -> Result<(), Error> {
        self.stop(options)
    }
}

impl<B: Backend + ?Sized> Executor for B {}
