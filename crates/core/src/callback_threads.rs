//! Threads that call the done-callbacks of finished tasks.
//!
//! Callbacks are user code and may take any amount of time, so no thread that others depend on
//! calls them: not one that supervises workers, runs timers, or waits for another task. A callback
//! thread makes one call after the other, in the order in which they were queued. If calls are
//! waiting and none was taken for [`PATIENCE`], one more thread is started. So however long
//! callbacks take, and whatever they wait for, even for the very next call, that call is made
//! eventually.
//!
//! If the system gives no thread at all, the owner can make the calls elsewhere
//! ([`CallbackThreads::take_stranded`]).
//!
//! The owner runs the timer for these threads: [`CallbackThreads::call`] and
//! [`CallbackThreads::look`] return when to look.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// How long the next call may wait before another thread is started for it.
const PATIENCE: Duration = Duration::from_millis(50);

/// Address space, not memory: as much as the thread of a task could have.
const STACK: usize = 32 << 20;

/// What a thread is to call.
pub type Call = Box<dyn FnOnce() + Send>;

/// What remains to be done for a finished task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum FollowUp {
    /// Nothing: everybody has been notified.
    None,
    /// Call its callbacks, then notify everybody else.
    Callbacks,
}

impl FollowUp {
    /// Combines what remains of two tasks.
    pub(crate) fn or(self, other: FollowUp) -> FollowUp {
        if self == FollowUp::None { other } else { self }
    }
}

/// See the module. Clones share the same threads.
#[derive(Clone, Default)]
pub struct CallbackThreads(Arc<Inner>);

#[derive(Default)]
struct Inner {
    name: &'static str,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Call>,
    living: usize,
    /// Threads that wait for a call or are about to check the queue.
    free: usize,
    /// How many calls were taken, and how many had been taken at the last look.
    taken: u64,
    seen: u64,
    /// The owner has been told to look.
    watched: bool,
    /// No thread waits for another call.
    closed: bool,
    /// Handles of the living threads, and of some that have exited.
    threads: Vec<JoinHandle<()>>,
}

thread_local! {
    /// The set that this thread belongs to; used for comparison only.
    static OWNER: Cell<*const Inner> = const { Cell::new(std::ptr::null()) };
}

impl CallbackThreads {
    /// Threads with this name.
    #[must_use]
    pub fn named(name: &'static str) -> CallbackThreads {
        CallbackThreads(Arc::new(Inner { name, ..Inner::default() }))
    }

    /// Starts a thread if there is none; it stays until `close`. Call this when calls are to be
    /// expected. If the system cannot start a thread now, a later call tries again.
    ///
    /// # Errors
    /// If the system cannot start a thread now.
    pub fn prepare(&self) -> io::Result<()> {
        let mut state = self.lock();
        if state.living == 0 && !state.closed { self.start_one(&mut state) } else { Ok(()) }
    }

    /// Queues a call for a callback thread; panics in it are ignored. Returns when the owner has to
    /// [`look`](Self::look) after it, unless a look is already due.
    #[must_use]
    pub fn call(&self, call: Call) -> Option<Instant> {
        let mut state = self.lock();
        state.queue.push_back(call);
        if state.living == 0 {
            let _ = self.start_one(&mut state);
        }
        let prompt = state.queue.len() <= state.free;
        let look = !prompt && !std::mem::replace(&mut state.watched, true);
        state.seen = if look { state.taken } else { state.seen };
        drop(state);
        self.0.changed.notify_one();
        look.then(|| Instant::now() + PATIENCE)
    }

    /// Starts another thread if calls are waiting and none was taken since the last look. Returns
    /// when to look again, if that is necessary.
    #[must_use]
    pub fn look(&self) -> Option<Instant> {
        let mut state = self.lock();
        state.watched = !state.queue.is_empty();
        if state.watched && state.taken == state.seen {
            // If the system cannot start a thread, the next look tries again.
            let _ = self.start_one(&mut state);
        }
        state.seen = state.taken;
        state.watched.then(|| Instant::now() + PATIENCE)
    }

    /// Takes out the calls that wait although there is no thread and none can be started.
    #[must_use]
    pub fn take_stranded(&self) -> Vec<Call> {
        let mut state = self.lock();
        if state.living > 0 {
            return Vec::new();
        }
        state.watched = false;
        state.queue.drain(..).collect()
    }

    /// True on one of these threads.
    #[must_use]
    pub fn is_here(&self) -> bool {
        OWNER.get() == Arc::as_ptr(&self.0)
    }

    /// Waits until all calls are made and all threads have exited. If this thread is one of them,
    /// it does not wait for itself: a thread-local destructor may drop the last owner of these
    /// threads. Do not call this inside a call.
    pub fn join(&self) {
        self.close();
        let threads = std::mem::take(&mut self.lock().threads);
        let me = std::thread::current().id();
        for thread in threads.into_iter().filter(|thread| thread.thread().id() != me) {
            // It cannot have panicked: it catches the panics of its calls.
            let _ = thread.join();
        }
    }

    /// From now on, a thread exits once the queue is empty.
    pub fn close(&self) {
        self.lock().closed = true;
        self.0.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No user code runs under this lock.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_one(&self, state: &mut State) -> io::Result<()> {
        state.threads.retain(|thread| !thread.is_finished());
        let threads = self.clone();
        let thread = Builder::new().name(self.0.name.into()).stack_size(STACK);
        state.threads.push(thread.spawn(move || threads.make_calls())?);
        state.living += 1;
        state.free += 1;
        Ok(())
    }

    /// The body of a callback thread.
    fn make_calls(self) {
        OWNER.set(Arc::as_ptr(&self.0));
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
                // One waiting thread is enough.
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

    /// Looks each time a look is due.
    fn look_when_due(threads: &CallbackThreads, mut at: Option<Instant>) {
        while let Some(time) = at {
            thread::sleep(time.saturating_duration_since(Instant::now()));
            at = threads.look();
        }
    }

    #[test]
    fn calls_are_made_in_their_order_by_one_thread() {
        let threads = CallbackThreads::default();
        let (said, heard) = channel();
        for n in 0..100 {
            let (said, same) = (said.clone(), threads.clone());
            // Nobody looks, so no second thread is started.
            let _ = threads.call(Box::new(move || {
                said.send((n, thread::current().id())).unwrap();
                assert!(same.is_here() && !CallbackThreads::default().is_here());
                assert_ne!(n, 50, "panics are ignored");
            }));
        }
        threads.join();
        drop(said);
        let calls: Vec<_> = heard.iter().collect();
        assert!(calls.iter().map(|call| call.0).eq(0..100));
        assert!(calls.iter().all(|call| call.1 == calls[0].1 && call.1 != thread::current().id()));
        assert!(!threads.is_here());
    }

    #[test]
    fn a_call_that_is_taken_at_once_needs_nobody_to_look() {
        let threads = CallbackThreads::default();
        threads.prepare().unwrap();
        for _ in 0..100 {
            let (tell, told) = sync_channel(0);
            assert_eq!(threads.call(Box::new(move || tell.send(()).unwrap())), None);
            told.recv().unwrap();
            while threads.lock().free == 0 {
                thread::yield_now();
            }
        }
        assert_eq!(threads.lock().living, 1);
        threads.join();
    }

    #[test]
    fn a_call_may_wait_for_later_calls() {
        let threads = CallbackThreads::default();
        let (go, gone) = channel();
        let mut looks = Vec::new();
        let mut previous: Box<dyn FnOnce() + Send> = Box::new(move || go.send(()).unwrap());
        // Each waits for the one after it; the last waits for none.
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
            looks.extend(threads.call(call));
        }
        assert_eq!(looks.len(), 1, "one look is enough for all");
        look_when_due(&threads, looks.pop());
        gone.recv().unwrap();
        threads.join();
        let state = threads.lock();
        assert_eq!((state.living, state.free, state.queue.len()), (0, 0, 0));
        assert_eq!(state.taken, 6);
    }

    #[test]
    fn those_that_are_too_many_leave() {
        let threads = CallbackThreads::default();
        let (go, gone) = channel::<()>();
        let gone = Arc::new(Mutex::new(gone));
        let mut looks = Vec::new();
        for _ in 0..4 {
            let gone = gone.clone();
            looks.extend(threads.call(Box::new(move || {
                let _ = gone.lock().unwrap().recv();
            })));
        }
        look_when_due(&threads, looks.pop());
        assert_eq!(threads.lock().living, 4);
        drop(go);
        while threads.lock().living > 1 {
            thread::yield_now();
        }
        threads.join();
        assert_eq!(threads.lock().living, 0);
    }

    #[test]
    fn after_the_end_there_is_somebody_again_if_needed() {
        let threads = CallbackThreads::default();
        for _ in 0..3 {
            let (tell, told) = channel();
            assert_eq!(threads.call(Box::new(move || tell.send(()).unwrap())), None);
            threads.join();
            told.recv().unwrap();
            threads.prepare().unwrap();
            assert_eq!(threads.lock().living, 0);
        }
    }
}
