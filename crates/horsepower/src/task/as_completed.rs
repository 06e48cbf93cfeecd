//! [`as_completed`] and [`completions`]: futures in the order in which their tasks finish.

use crate::error::{Error, Kind};
use crate::task::AsTaskFuture;
use crate::task::wait::Group;
use futures_core::Stream;
use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Yields each future when its task finishes; the futures may belong to different executors. Those
/// that are already finished come first. Failed and cancelled ones are yielded too, and a future
/// that is given more than once is yielded once. Dropping the iterator does not affect the tasks.
///
/// ```
/// use horsepower::{Executor, ThreadPoolExecutor, as_completed};
///
/// let pool = ThreadPoolExecutor::with_workers(2)?;
/// let futures = (1..=3u64).map(|n| pool.submit(|n: u64| n * n, n));
/// let mut squares = as_completed(futures).map(|future| future.result()).collect::<Result<Vec<_>, _>>()?;
/// squares.sort();
/// assert_eq!(squares, [1, 4, 9]);
/// # Ok::<(), horsepower::Error>(())
/// ```
pub fn as_completed<F: AsTaskFuture>(futures: impl IntoIterator<Item = F>) -> AsCompleted<F> {
    AsCompleted { ready: Ready::new(futures) }
}

/// [`as_completed`] with a timeout for the whole iteration, counted from this call. When time is
/// up, the iterator first yields the futures that are already finished; then its last item is an
/// error with [`is_timeout`](Error::is_timeout).
pub fn as_completed_timeout<F: AsTaskFuture>(
    futures: impl IntoIterator<Item = F>,
    timeout: Duration,
) -> AsCompletedTimeout<F> {
    let deadline = Instant::now().checked_add(timeout);
    AsCompletedTimeout { ready: Ready::new(futures), deadline, over: false }
}

/// [`as_completed`] for asynchronous code: a [`Stream`] with a method [`next`](Completions::next),
/// so that no other crate is needed.
///
/// ```
/// # async fn doc() -> Result<(), horsepower::Error> {
/// use horsepower::{Executor, ThreadPoolExecutor, completions};
///
/// let pool = ThreadPoolExecutor::new()?;
/// let mut ends = completions((1..=3u64).map(|n| pool.submit(|n: u64| n * n, n)));
/// while let Some(future) = ends.next().await {
///     println!("{}", future.result()?);
/// }
/// # Ok(())
/// # }
/// ```
pub fn completions<F: AsTaskFuture>(futures: impl IntoIterator<Item = F>) -> Completions<F> {
    Completions { ready: Ready::new(futures) }
}

/// Futures being watched, and the queue of those that are finished but not yet yielded.
struct Ready<F: AsTaskFuture> {
    group: Group<F>,
    ended: VecDeque<usize>,
    left: usize,
}

impl<F: AsTaskFuture> Ready<F> {
    fn new(futures: impl IntoIterator<Item = F>) -> Ready<F> {
        let mut group = Group::new(futures);
        let ended = group.take_done().into();
        Ready { left: group.len(), ended, group }
    }

    /// The next finished future. Waits until `deadline` at most.
    fn next(&mut self, deadline: Option<Instant>) -> Option<F> {
        if self.left == 0 {
            return None;
        }
        let number = match self.ended.pop_front() {
            Some(number) => number,
            None => self.group.next(deadline)?,
        };
        self.take(number)
    }

    fn poll_next(&mut self, context: &Context<'_>) -> Poll<Option<F>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let number = match self.ended.pop_front() {
            Some(number) => Poll::Ready(number),
            None => self.group.watch.poll_next(context),
        };
        number.map(|number| self.take(number))
    }

    fn take(&mut self, number: usize) -> Option<F> {
        self.left -= 1;
        self.group.take(number)
    }

    fn unfinished(&self) -> Error {
        Error::new(Kind::Unfinished { unfinished: self.left, all: self.group.len() })
    }
}

/// What [`as_completed`] returns.
#[must_use = "it yields futures"]
pub struct AsCompleted<F: AsTaskFuture> {
    ready: Ready<F>,
}

impl<F: AsTaskFuture> AsCompleted<F> {
    /// The next finished future. Waits `timeout` at most. `None`: all have been yielded.
    ///
    /// # Errors
    /// An error with [`is_timeout`](Error::is_timeout) if none finishes in time. The iterator can
    /// be used again afterwards.
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Result<F, Error>> {
        if self.ready.left == 0 {
            return None;
        }
        let next = self.ready.next(Instant::now().checked_add(timeout));
        Some(next.ok_or_else(|| self.ready.unfinished()))
    }

    /// Returns the futures that were not yielded.
    #[must_use]
    pub fn into_rest(mut self) -> Vec<F> {
        self.ready.group.take_rest()
    }
}

impl<F: AsTaskFuture> Iterator for AsCompleted<F> {
    type Item = F;

    fn next(&mut self) -> Option<F> {
        self.ready.next(None)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.ready.left, Some(self.ready.left))
    }
}

impl<F: AsTaskFuture> ExactSizeIterator for AsCompleted<F> {}

impl<F: AsTaskFuture> FusedIterator for AsCompleted<F> {}

/// What [`as_completed_timeout`] returns.
#[must_use = "it yields futures"]
pub struct AsCompletedTimeout<F: AsTaskFuture> {
    ready: Ready<F>,
    deadline: Option<Instant>,
    over: bool,
}

impl<F: AsTaskFuture> AsCompletedTimeout<F> {
    /// Returns the futures that were not yielded.
    #[must_use]
    pub fn into_rest(mut self) -> Vec<F> {
        self.ready.group.take_rest()
    }
}

impl<F: AsTaskFuture> Iterator for AsCompletedTimeout<F> {
    type Item = Result<F, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over || self.ready.left == 0 {
            return None;
        }
        match self.ready.next(self.deadline) {
            Some(future) => Some(Ok(future)),
            None => {
                self.over = true;
                Some(Err(self.ready.unfinished()))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // The error may replace all that are left, or the last one may come in time after all.
        (usize::from(!self.over && self.ready.left > 0), Some(self.ready.left))
    }
}

impl<F: AsTaskFuture> FusedIterator for AsCompletedTimeout<F> {}

/// What [`completions`] returns.
#[must_use = "it yields futures"]
pub struct Completions<F: AsTaskFuture> {
    ready: Ready<F>,
}

impl<F: AsTaskFuture + Unpin> Completions<F> {
    /// The next future whose task has finished; `None` once all have been yielded.
    pub async fn next(&mut self) -> Option<F> {
        std::future::poll_fn(|context| self.ready.poll_next(context)).await
    }
}

impl<F: AsTaskFuture> Completions<F> {
    /// Returns the futures that were not yielded.
    #[must_use]
    pub fn into_rest(mut self) -> Vec<F> {
        self.ready.group.take_rest()
    }
}

impl<F: AsTaskFuture + Unpin> Stream for Completions<F> {
    type Item = F;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<F>> {
        self.ready.poll_next(context)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.ready.left, Some(self.ready.left))
    }
}

/// Prints how many futures are still to come.
macro_rules! debug_by_count {
    ($($name:ident)*) => {$(
        impl<F: AsTaskFuture> fmt::Debug for $name<F> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} to come)"), self.ready.left)
            }
        }
    )*};
}

debug_by_count!(AsCompleted AsCompletedTimeout Completions);
