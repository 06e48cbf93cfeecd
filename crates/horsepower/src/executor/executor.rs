//! [`Executor`]: the typed interface that all executors share.
//!
//! It is written once, on top of [`Backend`]. `front` takes over from here.

use super::backend::Backend;
use super::{MapBuilder, ShutdownOptions, front};
use crate::error::Error;
use crate::map::{Items, Map, MapOptions};
use crate::task::{QueueFull, TaskBuilder, TaskFuture};
use crate::value::Value;
use horsepower_core::stats::Stats;
use std::future::Future;

/// A place where tasks run. A program switches from one to another by changing one line.
///
/// A task is a plain function, or a closure that captures nothing, and one argument; a tuple
/// carries several. The compiler checks this for every executor, so what runs in line today runs in
/// processes tomorrow. (Threads and the in-line executor have additional methods that take
/// capturing closures.)
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
/// A closure that captures does not compile:
///
/// ```compile_fail
/// use horsepower::{Executor, InlineExecutor};
///
/// let offset = 3;
/// let future = InlineExecutor::new().submit(move |n: u64| n + offset, 1);
/// ```
///
/// Neither does a function pointer:
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

    /// How many tasks may wait in addition to the running ones, if a limit is set.
    fn queue_limit(&self) -> Option<usize> {
        self.queue().map(super::QueueLimit::tasks)
    }

    /// What the executor has done and is doing.
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

    /// Submits one task. It never fails and never waits: the future reports whatever goes wrong.
    /// (The in-line executor runs the task before it returns. With a queue limit, `submit` waits
    /// for room, except in the executor's own tasks and callbacks, where waiting could deadlock.)
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
    ///     assert!(pool.submit(endless, 0).result().is_ok(), "runs in a new worker");
    ///     Ok(())
    /// }
    /// ```
    fn task<F, A>(&self, function: F, argument: A) -> TaskBuilder<'_, Self, F, A> {
        TaskBuilder::new(self, function, argument)
    }

    /// Submits one task if the queue has room; without a queue limit it always has.
    ///
    /// # Errors
    /// Returns the argument if the queue is full.
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

    /// Submits one task once the queue has room, without blocking the thread.
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

    /// Calls `function` with each item, in parallel, and yields the results in input order.
    ///
    /// It starts at once and keeps a bounded window of items in flight: at least 1,024 before any
    /// result is read, and one more for each result that is read. So the input may be endless. Many
    /// tiny items travel as one task; their measured time determines how many. Each item is still a
    /// call of its own: a panic or a crash is the error of that item alone.
    ///
    /// The thread that reads the results draws the items. If that takes long, it draws no further items
    /// once a result can be yielded, and looks at limits of time between two items. It cannot leave an
    /// input that makes it wait: for such an input there is [`stream`](Self::stream). The receiver of a
    /// channel ([`std::sync::mpsc`]) is such an input, and is treated like that here too.
    ///
    /// The first error ends the iteration and cancels the items that have not started; so does
    /// dropping the iterator. [`MapOptions::on_error`] can continue instead.
    ///
    /// # Panics
    /// If the input panics while this call draws from it. If it panics later, the iterator panics,
    /// after the results of the earlier items.
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
        front::start_map(self, MapOptions::new(), function, Items::of(items))
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
        MapBuilder::new(move |options| front::start_map(self, options, function, Items::of(items)))
    }

    /// Like [`tasks`](Self::tasks), but a thread of its own draws the items. For an input that may make
    /// its reader wait, such as a pipe: results are yielded as soon as they are there, and all limits of
    /// time are kept, whatever the input does. The thread ends with the input; if the map is dropped
    /// before, as soon as the input returns from the call that it is in.
    ///
    /// ```
    /// use horsepower::{Executor, ThreadPoolExecutor};
    /// use std::io::BufRead;
    ///
    /// let pool = ThreadPoolExecutor::new()?;
    /// let input = std::io::Cursor::new("one\nthree\n"); // or standard input
    /// let lines = input.lines().map_while(Result::ok);
    /// let lengths = pool.stream(|line: String| line.len(), lines).map();
    /// assert_eq!(lengths.collect::<Result<Vec<_>, _>>()?, [3, 5]);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    fn stream<'e, F, A, R, I>(&'e self, function: F, items: I) -> MapBuilder<'e, R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
        I: IntoIterator<Item = A>,
        I::IntoIter: Send + 'static,
    {
        let items = items.into_iter();
        MapBuilder::new(move |options| {
            let items: Items<I::IntoIter> = Items::elsewhere(items);
            front::start_map(self, options, function, items)
        })
    }

    /// Stops accepting tasks, waits until all have finished, and releases threads and processes.
    /// Dropping the executor does the same. `std::process::exit` drops nothing, so unfinished tasks
    /// are lost. A task that is submitted later fails with an error that has
    /// [`is_shutdown`](crate::Error::is_shutdown). Repeated calls have no further effect. In a
    /// done-callback, or in a task on one of its threads, this does not wait, because it would wait
    /// for itself. It blocks the thread, even in asynchronous code: await the futures first where
    /// that matters.
    fn shutdown(&self) {
        // Without a timeout, the only error is a call from where it cannot wait.
        let _ = self.stop(ShutdownOptions::new());
    }

    /// [`shutdown`](Self::shutdown) with options: without waiting, or without running everything
    /// that was submitted.
    ///
    /// # Errors
    /// An error with [`is_timeout`](Error::is_timeout) if the timeout passes first: the shutdown
    /// continues and can be waited for again. An error with [`is_invalid`](Error::is_invalid) if it
    /// is called from where it cannot wait.
    fn shutdown_with(&self, options: ShutdownOptions) -> Result<(), Error> {
        self.stop(options)
    }
}

impl<B: Backend + ?Sized> Executor for B {}
