//! [`QueueLimit`]: how many tasks an executor accepts at a time.
//!
//! A backend with a limit returns it from [`Backend::queue`](super::Backend::queue). The typed
//! front takes a [`Permit`] before it starts a task, and the promise of the task keeps the permit
//! until the task has finished.

use crate::task::watch::wake;
use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// A limit on the unfinished tasks of an executor: one per worker, plus a number of waiting tasks.
/// See [`Backend::queue`](super::Backend::queue).
#[derive(Debug)]
pub struct QueueLimit {
    tasks: usize,
    gate: Arc<Gate>,
}

#[derive(Debug)]
struct Gate {
    state: Mutex<State>,
    room: Condvar,
}

#[derive(Debug, Default)]
struct State {
    most: usize,
    taken: usize,
    /// The limit no longer applies: the executor refuses everything.
    closed: bool,
    /// Asynchronous waiters.
    wakers: HashMap<u64, Waker>,
    waiters: u64,
}

/// The place of one task. Dropping it makes room for another.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Gate>);

impl QueueLimit {
    /// A limit of `tasks` waiting tasks in addition to `workers` running ones.
    #[must_use]
    pub fn new(workers: usize, tasks: usize) -> QueueLimit {
        let state = State { most: workers.saturating_add(tasks), ..State::default() };
        let gate = Gate { state: Mutex::new(state), room: Condvar::new() };
        QueueLimit { tasks, gate: Arc::new(gate) }
    }

    /// How many tasks may wait.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.tasks
    }

    /// Takes a place if one is free.
    pub(crate) fn try_enter(&self) -> Option<Permit> {
        let mut state = self.gate.lock();
        state.has_room().then(|| self.take(&mut state))
    }

    /// Takes a place, waiting until one is free. If `for_itself` says that waiting could deadlock,
    /// it takes one beyond the limit.
    pub(crate) fn enter(&self, for_itself: impl FnOnce() -> bool) -> Permit {
        let for_itself = for_itself();
        let mut state = self.gate.lock();
        while !for_itself && !state.has_room() {
            state = self.gate.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        self.take(&mut state)
    }

    /// Takes a place, waiting without blocking the thread.
    pub(crate) async fn enter_async(&self) -> Permit {
        let number = {
            let mut state = self.gate.lock();
            state.waiters += 1;
            state.waiters
        };
        let waiter = Waiter { gate: &self.gate, number };
        poll_fn(|context| {
            // Wakers are user code: they are cloned and dropped without the lock.
            let waker = context.waker().clone();
            let mut state = waiter.gate.lock();
            if state.has_room() {
                return Poll::Ready(self.take(&mut state));
            }
            let old = state.wakers.insert(waiter.number, waker);
            drop(state);
            drop(old);
            Poll::Pending
        })
        .await
    }

    /// The executor accepts no more tasks: waiting submitters continue and are refused by the
    /// executor.
    pub fn close(&self) {
        let mut state = self.gate.lock();
        state.closed = true;
        self.gate.tell(state);
    }

    fn take(&self, state: &mut State) -> Permit {
        state.taken += 1;
        Permit(self.gate.clone())
    }

    /// Sets the number of workers.
    pub fn resize(&self, workers: usize) {
        let mut state = self.gate.lock();
        state.most = workers.saturating_add(self.tasks);
        self.gate.tell(state);
    }
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notifies waiters that there may be room.
    fn tell(&self, mut state: MutexGuard<'_, State>) {
        // Wake all of them: a waiter that is no longer polled must not consume the only wake-up.
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

/// An asynchronous waiter, which may give up.
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
