//! [`wait`]: waits for the first of several futures, the first that fails, or all.

use crate::error::Error;
use crate::task::AsTaskFuture;
use crate::task::promise::TOLD_WITHIN;
use crate::task::queued;
use crate::task::watch::Watch;
use std::collections::HashSet;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// What [`wait`] waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Until {
    /// One future is done, successfully or not.
    FirstCompleted,
    /// One has failed, or all are done. A cancelled future is done but has not failed.
    FirstFailed,
    /// All are done.
    #[default]
    AllCompleted,
}

/// Which of several futures are done. Each future is in one of the two lists, once.
#[derive(Debug)]
#[non_exhaustive]
pub struct Waited<F> {
    /// Those that are done: they returned, failed, or were cancelled.
    pub done: Vec<F>,
    /// The others.
    pub not_done: Vec<F>,
}

/// Waits for futures, of one executor or several, for `timeout` at most; `None` waits forever,
/// zero does not wait. A timeout is not an error: the returned lists say which futures are done.
///
/// ```
/// use horsepower::{Executor, ThreadPoolExecutor, Until, wait};
/// use std::{thread::sleep, time::Duration};
///
/// let pool = ThreadPoolExecutor::with_workers(2)?;
/// let futures = [0, 100_000].map(|millis| pool.spawn(move || millis));
/// let waited = wait(&futures, Until::FirstCompleted, Some(Duration::from_secs(60)));
/// assert!(!waited.done.is_empty());
/// let waited = wait(&futures, Until::AllCompleted, None);
/// assert_eq!((waited.done.len(), waited.not_done.len()), (2, 0));
/// # Ok::<(), horsepower::Error>(())
/// ```
pub fn wait<F: AsTaskFuture>(
    futures: impl IntoIterator<Item = F>,
    until: Until,
    timeout: Option<Duration>,
) -> Waited<F> {
    // A timeout beyond the range of the clock means forever.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut group = Group::new(futures);
    while !group.enough(until) {
        match group.next(deadline) {
            Some(number) => group.arrived(number),
            None => break,
        }
    }
    group.into_waited()
}

/// [`wait`] for asynchronous code, on any runtime. For a timeout, use that of the runtime.
pub async fn wait_async<F: AsTaskFuture>(
    futures: impl IntoIterator<Item = F>,
    until: Until,
) -> Waited<F> {
    let mut group = Group::new(futures);
    poll_fn(|context| {
        while !group.enough(until) {
            match group.watch.poll_next(context) {
                Poll::Ready(number) => group.arrived(number),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    })
    .await;
    group.into_waited()
}

/// Futures that are watched together; each once, even if it is given repeatedly.
pub(crate) struct Group<F: AsTaskFuture> {
    futures: Vec<Option<F>>,
    done: Vec<bool>,
    count: usize,
    failed: bool,
    pub(crate) watch: Arc<Watch>,
}

impl<F: AsTaskFuture> Group<F> {
    /// The next future that is done. On a thread of a pool, those that are in its queue are run meanwhile,
    /// unless the wait has a limit.
    pub(crate) fn next(&self, deadline: Option<Instant>) -> Option<usize> {
        while deadline.is_none() && queued::is_pool_thread() {
            if let Some(number) = self.watch.next(Some(Instant::now())) {
                return Some(number);
            }
            if !self.futures.iter().flatten().any(|future| future.task_future().run_if_queued()) {
                break;
            }
        }
        self.watch.next(deadline)
    }

    pub(crate) fn new(futures: impl IntoIterator<Item = F>) -> Group<F> {
        let mut seen = HashSet::new();
        let mut group = Group {
            futures: futures
                .into_iter()
                .filter(|future| seen.insert(future.task_future().address()))
                .map(Some)
                .collect(),
            done: Vec::new(),
            count: 0,
            failed: false,
            watch: Arc::default(),
        };
        group.done = vec![false; group.futures.len()];
        for (number, future) in group.futures.iter().flatten().enumerate() {
            future.task_future().watch(&group.watch, number);
        }
        // Finished tasks count as done even with a timeout of zero: their notification is about to
        // arrive.
        let patience = Instant::now() + TOLD_WITHIN;
        let ended =
            group.futures.iter().flatten().filter(|future| future.task_future().ended_by(patience));
        for _ in 0..ended.count() {
            if let Some(number) = group.watch.next(None) {
                group.arrived(number);
            }
        }
        group
    }

    pub(crate) fn len(&self) -> usize {
        self.futures.len()
    }

    pub(crate) fn arrived(&mut self, number: usize) {
        self.count += 1;
        self.done[number] = true;
        let future = self.futures[number].as_ref();
        let error = future.and_then(|future| future.task_future().error_now());
        self.failed |= error.is_some_and(|error: Error| !error.is_cancelled());
    }

    fn enough(&self, until: Until) -> bool {
        self.count == self.futures.len()
            || match until {
                Until::FirstCompleted => self.count > 0,
                Until::FirstFailed => self.failed,
                Until::AllCompleted => false,
            }
    }

    fn into_waited(mut self) -> Waited<F> {
        let futures = std::mem::take(&mut self.futures);
        for future in futures.iter().flatten() {
            future.task_future().unwatch(&self.watch);
        }
        let mut waited = Waited { done: Vec::new(), not_done: Vec::new() };
        for (future, done) in futures.into_iter().zip(&self.done) {
            waited.list(*done).extend(future);
        }
        waited
    }

    /// Those that are done and have not been taken.
    pub(crate) fn take_done(&mut self) -> Vec<usize> {
        (0..self.done.len()).filter(|&number| self.done[number]).collect()
    }

    pub(crate) fn take(&mut self, number: usize) -> Option<F> {
        self.futures[number].take()
    }

    /// Those that have not been taken.
    pub(crate) fn take_rest(&mut self) -> Vec<F> {
        std::mem::take(&mut self.futures)
            .into_iter()
            .flatten()
            .inspect(|future| future.task_future().unwatch(&self.watch))
            .collect()
    }
}

impl<F> Waited<F> {
    fn list(&mut self, done: bool) -> &mut Vec<F> {
        if done { &mut self.done } else { &mut self.not_done }
    }
}

impl<F: AsTaskFuture> Drop for Group<F> {
    fn drop(&mut self) {
        self.take_rest();
    }
}
