//! The callers: threads for the callbacks of tasks that have ended.
//!
//! Callbacks are code of the user and may take as long as they like. So they are not called by a thread
//! that others depend on: one that supervises workers, keeps clocks, or waits for another task. A caller
//! makes one call after the other, in the order in which they came. If none was taken for [`PATIENCE`]
//! although some wait, there is one caller more: however long callbacks take, and whatever they wait for, be
//! it the very next call, somebody comes to make that.
//!
//! Whoever has such threads keeps the clock for them: [`CallbackThreads::call`] and [`CallbackThreads::look`] say when it is
//! time to look.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// How long the next call may wait until there is another caller for it.
const PATIENCE: Duration = Duration::from_millis(50);

/// Address space, not memory; as much as the thread of a task could have.
const STACK: usize = 32 << 20;

type Call = Box<dyn FnOnce() + Send>;

/// What is left to do for a task that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum FollowUp {
    /// Everybody was told.
    None,
    /// Its callbacks are to be called, and then everybody else is to be told.
    Callbacks,
}

impl FollowUp {
    /// What is left of two.
    pub(crate) fn or(self, other: FollowUp) -> FollowUp {
        if self == FollowUp::None { other } else { self }
    }
}

/// See the module. Clones are the same.
#[derive(Clone, Default)]
pub struct CallbackThreads(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Call>,
    living: usize,
    /// CallbackThreads that wait for a call, or are on their way to the queue.
    free: usize,
    /// How many calls were taken, and how many had been when somebody looked.
    taken: u64,
    seen: u64,
    /// Somebody will look.
    watched: bool,
    /// Nobody is to wait for another call.
    closed: bool,
    /// Of those that live, and of some that have left.
    threads: Vec<JoinHandle<()>>,
}

thread_local! {
    /// Whose caller this thread is; only to be compared.
    static CALLER: Cell<*const Inner> = const { Cell::new(std::ptr::null()) };
}

impl CallbackThreads {
    /// Sees to it that there is a caller, who stays until they are closed; to be called when calls are to be
    /// expected. If the system gives no thread for it now, it may do so later.
    pub fn prepare(&self) {
        let mut state = self.lock();
        if state.living == 0 && !state.closed {
            let _ = self.hire(&mut state);
        }
    }

    /// Has a caller make this call, whose panics are nobody's. Returns when somebody is to
    /// [`look`](Self::look) after it, if nobody will.
    #[must_use]
    pub fn call(&self, call: Call) -> Option<Instant> {
        let mut state = self.lock();
        state.queue.push_back(call);
        if state.living == 0 {
            let _ = self.hire(&mut state);
        }
        let prompt = state.queue.len() <= state.free;
        let look = !prompt && !std::mem::replace(&mut state.watched, true);
        state.seen = if look { state.taken } else { state.seen };
        drop(state);
        self.0.changed.notify_one();
        look.then(|| Instant::now() + PATIENCE)
    }

    /// If calls wait and none was taken for a while, there is another caller from now on. Returns when to
    /// look again, if that is needed.
    #[must_use]
    pub fn look(&self) -> Option<Instant> {
        let mut state = self.lock();
        state.watched = !state.queue.is_empty();
        if state.watched && state.taken == state.seen {
            // If the system gives no thread for it, perhaps the next time.
            let _ = self.hire(&mut state);
        }
        state.seen = state.taken;
        state.watched.then(|| Instant::now() + PATIENCE)
    }

    /// True on one of these callers.
    #[must_use]
    pub fn is_here(&self) -> bool {
        CALLER.get() == Arc::as_ptr(&self.0)
    }

    /// Returns when all calls were made and no caller is left, but for this thread if it is one: when what a
    /// thread has to itself is released, that may be the last to hold whatever has callers. Not to be
    /// called in a call.
    pub fn join(&self) {
        self.close();
        let threads = std::mem::take(&mut self.lock().threads);
        let me = std::thread::current().id();
        for thread in threads.into_iter().filter(|thread| thread.thread().id() != me) {
            // It catches the panics of its calls.
            let _ = thread.join();
        }
    }

    /// From now on callers leave as soon as all calls were made.
    pub fn close(&self) {
        self.lock().closed = true;
        self.0.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing of the user runs under it.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hire(&self, state: &mut State) -> io::Result<()> {
        state.threads.retain(|thread| !thread.is_finished());
        let callers = self.clone();
        let thread = Builder::new().name("hp-caller".into()).stack_size(STACK);
        state.threads.push(thread.spawn(move || callers.make_calls())?);
        state.living += 1;
        state.free += 1;
        Ok(())
    }

    /// What a caller does.
    fn make_calls(self) {
        CALLER.set(Arc::as_ptr(&self.0));
        let mut state = self.lock();
        loop {
            if let Some(call) = state.queue.pop_front() {
                state.taken += 1;
                state.free -= 1;
                drop(state);
                let _ = crate::wire::panic::catch(call);
                state = self.lock();
                state.free += 1;
            } else if state.closed || state.free > 1 {
                // One that waits is enough.
                break;
            } else {
                let waited = self.0.changed.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
            }
        }
        state.free -= 1;
        state.living -= 1;
    }
}

impl std::fmt::Debug for CallbackThreads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CallbackThreads")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{channel, sync_channel};
    use std::thread;

    /// Looks when it is time to.
    fn keep_the_clock(callers: &CallbackThreads, mut at: Option<Instant>) {
        while let Some(time) = at {
            thread::sleep(time.saturating_duration_since(Instant::now()));
            at = callers.look();
        }
    }

    #[test]
    fn calls_are_made_in_their_order_by_one_thread() {
        let callers = CallbackThreads::default();
        let (said, heard) = channel();
        for n in 0..100 {
            let (said, same) = (said.clone(), callers.clone());
            // Nobody looks, so there is no second one.
            let _ = callers.call(Box::new(move || {
                said.send((n, thread::current().id())).unwrap();
                assert!(same.is_here() && !CallbackThreads::default().is_here());
                assert_ne!(n, 50, "a panic is nobody's");
            }));
        }
        callers.join();
        drop(said);
        let calls: Vec<_> = heard.iter().collect();
        assert!(calls.iter().map(|call| call.0).eq(0..100));
        assert!(calls.iter().all(|call| call.1 == calls[0].1 && call.1 != thread::current().id()));
        assert!(!callers.is_here());
    }

    #[test]
    fn a_call_that_is_taken_at_once_needs_nobody_to_look() {
        let callers = CallbackThreads::default();
        callers.prepare();
        for _ in 0..100 {
            let (tell, told) = sync_channel(0);
            assert_eq!(callers.call(Box::new(move || tell.send(()).unwrap())), None);
            told.recv().unwrap();
            while callers.lock().free == 0 {
                thread::yield_now();
            }
        }
        assert_eq!(callers.lock().living, 1);
        callers.join();
    }

    #[test]
    fn a_call_may_wait_for_later_calls() {
        let callers = CallbackThreads::default();
        let (go, gone) = channel();
        let mut looks = Vec::new();
        let mut previous: Box<dyn FnOnce() + Send> = Box::new(move || go.send(()).unwrap());
        // Each waits for the one after it; the last waits for nobody.
        let mut calls: Vec<Call> = Vec::new();
        for _ in 0..5 {
            let (tell, told) = channel();
            let then = std::mem::replace(&mut previous, Box::new(move || tell.send(()).unwrap()));
            calls.push(Box::new(move || {
                told.recv().unwrap();
                then();
            }));
        }
        calls.push(previous);
        for call in calls {
            looks.extend(callers.call(call));
        }
        assert_eq!(looks.len(), 1, "one look is enough for all");
        keep_the_clock(&callers, looks.pop());
        gone.recv().unwrap();
        callers.join();
        let state = callers.lock();
        assert_eq!((state.living, state.free, state.queue.len()), (0, 0, 0));
        assert_eq!(state.taken, 6);
    }

    #[test]
    fn those_that_are_too_many_leave() {
        let callers = CallbackThreads::default();
        let (go, gone) = channel::<()>();
        let gone = Arc::new(Mutex::new(gone));
        let mut looks = Vec::new();
        for _ in 0..4 {
            let gone = gone.clone();
            looks.extend(callers.call(Box::new(move || {
                let _ = gone.lock().unwrap().recv();
            })));
        }
        keep_the_clock(&callers, looks.pop());
        assert_eq!(callers.lock().living, 4);
        drop(go);
        while callers.lock().living > 1 {
            thread::yield_now();
        }
        callers.join();
        assert_eq!(callers.lock().living, 0);
    }

    #[test]
    fn after_the_end_there_is_somebody_again_if_needed() {
        let callers = CallbackThreads::default();
        for _ in 0..3 {
            let (tell, told) = channel();
            assert_eq!(callers.call(Box::new(move || tell.send(()).unwrap())), None);
            callers.join();
            told.recv().unwrap();
            callers.prepare();
            assert_eq!(callers.lock().living, 0);
        }
    }
}
