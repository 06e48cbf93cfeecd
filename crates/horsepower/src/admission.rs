//! [`QueueLimit`]: how many tasks an executor takes at a time.

use crate::watch::wake;
use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// A limit on the tasks that an executor has taken and that have not ended: as many as there are
/// workers, and so many more that wait. Asked for with a builder's `queue_limit`.
#[derive(Clone, Debug)]
pub struct QueueLimit(Arc<Gate>);

#[derive(Debug)]
struct Gate {
    state: Mutex<State>,
    room: Condvar,
}

#[derive(Debug, Default)]
struct State {
    most: usize,
    taken: usize,
    /// It does not matter any more: the executor refuses everything.
    closed: bool,
    /// Those who wait without a thread.
    wakers: HashMap<u64, Waker>,
    waiters: u64,
}

/// One task's place. Dropping it makes room for another.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Gate>);

impl QueueLimit {
    pub(crate) fn new(most: usize) -> QueueLimit {
        let state = Mutex::new(State { most, ..State::default() });
        QueueLimit(Arc::new(Gate { state, room: Condvar::new() }))
    }

    /// A place, if there is one.
    pub(crate) fn try_enter(&self) -> Option<Arc<Permit>> {
        let mut state = self.0.lock();
        state.has_room().then(|| self.enter(&mut state))
    }

    /// A place, however many are taken: for those who would wait for themselves.
    pub(crate) fn enter_anyway(&self) -> Arc<Permit> {
        self.enter(&mut self.0.lock())
    }

    /// A place, as soon as there is one.
    pub(crate) fn enter_blocking(&self) -> Arc<Permit> {
        let mut state = self.0.lock();
        while !state.has_room() {
            state = self.0.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        self.enter(&mut state)
    }

    /// A place, as soon as there is one, without blocking the thread.
    pub(crate) async fn enter_async(&self) -> Arc<Permit> {
        let number = {
            let mut state = self.0.lock();
            state.waiters += 1;
            state.waiters
        };
        let waiter = Waiter { gate: &self.0, number };
        poll_fn(|context| {
            let mut state = waiter.gate.lock();
            if state.has_room() {
                return Poll::Ready(self.enter(&mut state));
            }
            state.wakers.insert(waiter.number, context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// The executor takes no more tasks: nobody needs to wait to hear that.
    pub(crate) fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        self.0.tell(state);
    }

    fn enter(&self, state: &mut State) -> Arc<Permit> {
        state.taken += 1;
        Arc::new(Permit(self.0.clone()))
    }

    /// There are more workers now, or fewer.
    pub(crate) fn set(&self, most: usize) {
        let mut state = self.0.lock();
        state.most = most;
        self.0.tell(state);
    }
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There may be room.
    fn tell(&self, mut state: MutexGuard<'_, State>) {
        // All of them: one that is no longer polled must not swallow the only call.
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.room.notify_all();
        wakers.into_values().for_each(wake);
    }
}

impl State {
    fn has_room(&self) -> bool {
        self.taken < self.most || self.closed
    }
}

/// Somebody who waits without a thread, and may give up.
struct Waiter<'a> {
    gate: &'a Gate,
    number: u64,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let waker = self.gate.lock().wakers.remove(&self.number);
        drop(waker);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.taken -= 1;
        self.0.tell(state);
    }
}
