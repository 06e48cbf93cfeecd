//! [`Watch`]: is notified when any of several tasks finishes.
//!
//! Used by everything that waits for more than one future: `wait`, `as_completed`, `completions`,
//! an unordered `map`. Each promise notifies it once ([`promise`](crate::task::promise)).

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// See the module. The watcher numbers the futures.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct State {
    arrived: VecDeque<usize>,
    waker: Option<Waker>,
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The future with this number is done. Notifies waiting threads; the returned waker must be
    /// woken without holding any lock.
    #[must_use]
    pub(crate) fn arrive(&self, number: usize) -> Option<Waker> {
        let mut state = self.lock();
        state.arrived.push_back(number);
        self.arrived.notify_one();
        state.waker.take()
    }

    /// True if a future is done that was not told of yet.
    pub(crate) fn has_news(&self) -> bool {
        !self.lock().arrived.is_empty()
    }

    /// The next future that is done, in the order in which they finish. Waits until `deadline` at
    /// most.
    pub(crate) fn next(&self, deadline: Option<Instant>) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if let Some(number) = state.arrived.pop_front() {
                return Some(number);
            }
            let Some(deadline) = deadline else {
                state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let waited = self.arrived.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The same without blocking.
    pub(crate) fn poll_next(&self, context: &Context<'_>) -> Poll<usize> {
        // Wakers are user code: they are cloned and dropped without the lock.
        let waker = context.waker().clone();
        let mut state = self.lock();
        match state.arrived.pop_front() {
            Some(number) => Poll::Ready(number),
            None => {
                let old = state.waker.replace(waker);
                drop(state);
                drop(old);
                Poll::Pending
            }
        }
    }
}

/// Wakes a task of some runtime; a panic of its waker is ignored.
pub(crate) fn wake(waker: Waker) {
    let _ = horsepower_core::panic::catch(|| waker.wake());
}

/// The watches of a promise, each with the number of the future in it.
pub(crate) type Watchers = Vec<(Arc<Watch>, usize)>;
