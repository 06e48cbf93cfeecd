//! [`MapOptions`]: the options of a `map`.

use horsepower_core::task::TaskPolicy;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The options of a `map`. Most programs set them with the builder that
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

/// The progress of a `map`.
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
    /// Yields the error, ends, and cancels the items that have not started.
    #[default]
    Stop,
    /// Yields the error and continues with the next item.
    Continue,
}

impl MapOptions {
    /// The defaults: chunks of automatic size, a window of at least 1,024 items, stop at the first
    /// error.
    pub fn new() -> MapOptions {
        MapOptions::default()
    }

    /// How many items travel as one task, instead of a measured number. Their results arrive
    /// together, once all of them have finished: use 1 for results that must not wait for others.
    ///
    /// # Panics
    /// If it is 0.
    pub fn chunk_size(mut self, items: usize) -> MapOptions {
        assert!(items > 0, "a chunk must have at least 1 item");
        self.chunk_size = Some(items);
        self
    }

    /// How many items may be in flight: drawn from the input, but with unread results.
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

    /// Yields results in the order in which they finish instead of input order; those of a chunk
    /// arrive together.
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

    /// How long the whole `map` may take, counted from the call. After that, the iterator yields
    /// the results that were ready in time and ends with an error that has
    /// [`is_timeout`](crate::Error::is_timeout). Items that have not started are cancelled; running
    /// ones continue. The results of a [chunk](Self::chunk_size) are ready together, once all its
    /// items have finished.
    pub fn total_deadline(mut self, deadline: Duration) -> MapOptions {
        self.total_deadline = Some(deadline);
        self
    }

    /// How long each call may take, counted from the moment it starts in its worker. After that the
    /// worker is killed, and the item's error has [`is_deadline`](crate::Error::is_deadline). For
    /// the other items, see [`on_error`](Self::on_error). (Processes only, like
    /// [`TaskOptions::deadline`](crate::TaskOptions::deadline).)
    pub fn deadline(mut self, deadline: Duration) -> MapOptions {
        self.deadline = Some(deadline);
        self
    }

    /// With a [`deadline`](Self::deadline): how long the worker may take to exit after a SIGTERM
    /// before it is killed.
    pub fn grace(mut self, grace: Duration) -> MapOptions {
        self.grace = grace;
        self
    }

    /// Calls `callback` whenever a result is read, on the thread that reads it; and once at the
    /// start, with nothing done.
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

    /// Shows progress as an `indicatif` bar, whose length is that of the input if it is known.
    #[cfg(feature = "indicatif")]
    pub fn progress_bar(self, bar: indicatif::ProgressBar) -> MapOptions {
        self.progress(move |progress| {
            if let Some(total) = progress.total.filter(|_| progress.done == 0) {
                bar.set_length(total as u64);
            }
            bar.set_position(progress.done as u64);
        })
    }

    /// What the executor has to see to for each item; `None` for nothing special.
    pub(crate) fn policy(&self) -> Option<TaskPolicy> {
        let deadline = self.deadline?;
        let (deadline, grace) = (Some(deadline), self.grace);
        Some(TaskPolicy { deadline, grace, ..TaskPolicy::default() })
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
