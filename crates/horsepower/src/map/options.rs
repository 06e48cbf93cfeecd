//! [`MapOptions`]: how a `map` is to work.

use crate::task::TaskOptions;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How a `map` works. Most programs set these options with the builder that
/// [`Executor::tasks`](crate::Executor::tasks) returns; this type is for passing them on.
///
/// ```
/// use horsepower::{Executor, InlineExecutor, MapOptions, OnError};
///
/// let go_on = MapOptions::new().on_error(OnError::Continue);
/// let executor = InlineExecutor::new();
/// let results: Vec<_> = executor.tasks(|n: i32| 10 / n, [5, 0, 2]).options(go_on).map().collect();
/// assert_eq!(results[2].as_ref().unwrap(), &5);
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct MapOptions {
    pub(super) chunk_size: Option<usize>,
    pub(super) window: Option<usize>,
    pub(super) on_error: OnError,
    pub(super) unordered: bool,
    pub(super) total_deadline: Option<Duration>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) grace: Duration,
    pub(super) progress: Option<ProgressCallback>,
}

type ProgressCallback = Arc<dyn Fn(Progress) + Send + Sync>;

/// How far a `map` has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Results that have been read.
    pub done: usize,
    /// How many there will be, if the input knows.
    pub total: Option<usize>,
}

/// What `map` does after an item has failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnError {
    /// Yields the error, ends, and cancels what has not begun.
    #[default]
    Stop,
    /// Yields the error and goes on with the next item.
    Continue,
}

impl MapOptions {
    /// Chunks of automatic size, a window of at least 1,024 items, end at the first error.
    pub fn new() -> MapOptions {
        MapOptions::default()
    }

    /// How many items travel as one task, instead of a number found by measuring. Their results come
    /// together, once all of them have ended: 1 is for results that cannot wait for others.
    ///
    /// # Panics
    /// If it is 0.
    pub fn chunk_size(mut self, items: usize) -> MapOptions {
        assert!(items > 0, "a chunk must have at least 1 item");
        self.chunk_size = Some(items);
        self
    }

    /// How many items may be under way whose results nobody has read.
    ///
    /// # Panics
    /// If it is 0.
    pub fn window(mut self, items: usize) -> MapOptions {
        assert!(items > 0, "a window must hold at least 1 item");
        self.window = Some(items);
        self
    }

    /// What to do after an item has failed.
    pub fn on_error(mut self, on_error: OnError) -> MapOptions {
        self.on_error = on_error;
        self
    }

    /// Yields results as they come instead of in the order of the items; those of a chunk come
    /// together.
    ///
    /// ```
    /// use horsepower::{Executor, ThreadPoolExecutor};
    ///
    /// let pool = ThreadPoolExecutor::new()?;
    /// let squares = pool.tasks(|n: u64| n * n, 1..=100).unordered().map();
    /// assert_eq!(squares.sum::<Result<u64, _>>()?, 338_350);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn unordered(mut self) -> MapOptions {
        self.unordered = true;
        self
    }

    /// How long all of it may take, from the call. What is late then is one error with
    /// [`is_timeout`](crate::Error::is_timeout), the last item; what has not begun is cancelled, and what runs
    /// goes on. Results that were there in time are yielded before; those of a [chunk](Self::chunk_size)
    /// are there together, once all its items have ended.
    pub fn total_deadline(mut self, deadline: Duration) -> MapOptions {
        self.total_deadline = Some(deadline);
        self
    }

    /// How long each call may take, from the moment it begins in its worker; then the worker is ended,
    /// and the item's error has [`is_deadline`](crate::Error::is_deadline). For the others, see
    /// [`on_error`](Self::on_error). (Processes only, as
    /// [`TaskOptions::deadline`](crate::TaskOptions::deadline).)
    pub fn deadline(mut self, deadline: Duration) -> MapOptions {
        self.deadline = Some(deadline);
        self
    }

    /// With a [`deadline`](Self::deadline): how long the worker has to end by itself after a SIGTERM.
    pub fn grace(mut self, grace: Duration) -> MapOptions {
        self.grace = grace;
        self
    }

    /// Calls `callback` whenever a result is read, on the thread that reads it; at the start too, with
    /// nothing done.
    ///
    /// ```
    /// use horsepower::{Executor, InlineExecutor, MapOptions};
    ///
    /// let options = MapOptions::new().progress(|progress| match progress.total {
    ///     Some(total) => eprintln!("{} of {total}", progress.done),
    ///     None => eprintln!("{}", progress.done),
    /// });
    /// let executor = InlineExecutor::new();
    /// assert_eq!(executor.tasks(|n: u8| n, 0..3).options(options).map().count(), 3);
    /// ```
    pub fn progress(mut self, callback: impl Fn(Progress) + Send + Sync + 'static) -> MapOptions {
        self.progress = Some(Arc::new(callback));
        self
    }

    /// Shows progress as an `indicatif` bar, which gets its length from the input if that knows it.
    #[cfg(feature = "indicatif")]
    pub fn progress_bar(self, bar: indicatif::ProgressBar) -> MapOptions {
        self.progress(move |progress| {
            if let Some(total) = progress.total.filter(|_| progress.done == 0) {
                bar.set_length(total as u64);
            }
            bar.set_position(progress.done as u64);
        })
    }

    /// What is asked for each item, as for a task.
    pub(crate) fn task_options(&self) -> TaskOptions {
        TaskOptions { deadline: self.deadline, grace: self.grace, ..TaskOptions::new() }
    }
}

impl fmt::Debug for MapOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapOptions")
            .field("chunk_size", &self.chunk_size)
            .field("window", &self.window)
            .field("on_error", &self.on_error)
            .field("unordered", &self.unordered)
            .field("total_deadline", &self.total_deadline)
            .field("deadline", &self.deadline)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}
