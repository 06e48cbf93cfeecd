//! [`Executor`]: the trait that every place to run has in common.

use crate::future::TaskFuture;
use crate::map::{Map, MapOptions};
use crate::value::Value;

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
pub trait Executor {
    /// How many tasks can run at the same time.
    fn workers(&self) -> usize;

    /// Gives one task to the executor. Never fails and never waits: whatever goes wrong is the
    /// future's answer. (The in-line executor runs the task before it returns.)
    fn submit<F, A, R>(&self, function: F, argument: A) -> TaskFuture<R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value;

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
        self.map_with(MapOptions::new(), function, items)
    }

    /// [`map`](Self::map) with settings of its own.
    fn map_with<'e, F, A, R, I>(&'e self, options: MapOptions, function: F, items: I) -> Map<'e, R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
        I: IntoIterator<Item = A>,
        I::IntoIter: 'e;

    /// Takes no more tasks, waits until all have ended, and lets threads and processes go. Dropping
    /// the executor does the same. A task that is submitted later fails with an error for which
    /// [`is_shutdown`](crate::Error::is_shutdown) holds. Calling it again does nothing more. In a
    /// done-callback, which could only wait for itself, it does not wait.
    fn shutdown(&self);
}
