//! The callers: threads for the callbacks of tasks that have ended.
//!
//! Callbacks are code of the user and may take as long as they like. So they are not called by a thread
//! that others depend on: one that supervises workers, keeps clocks, or waits for another task. One caller
//! makes one call after the other, in the order in which they came. A call that waits for a task steps
//! aside ([`step_aside`]): while it waits, another caller goes on, so it may wait even for what later
//! calls do.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// How long a caller without calls waits for the next one before it leaves.
const PATIENCE: Duration = Duration::from_secs(1);

/// Most callers at a time. If so many wait, further calls are made when one of them is back.
const MOST: usize = 64;

/// Address space, not memory; as much as the thread of a task could have.
const STACK: usize = 32 << 20;

type Call = Box<dyn FnOnce() + Send>;

/// What is left to do for a task that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Left {
    /// Everybody was told.
    Nothing,
    /// Its callbacks are to be called, and then everybody else is to be told.
    Callbacks,
}

impl Left {
    /// What is left of two.
    pub(crate) fn or(self, other: Left) -> Left {
        if self == Left::Nothing { other } else { self }
    }
}

/// See the module. Clones are the same.
#[derive(Clone, Default)]
pub struct Callers(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Call>,
    /// Callers that make calls or wait for some, without those that have stepped aside.
    active: usize,
    /// All of them.
    living: usize,
    /// Theirs, and those of some that have left.
    threads: Vec<JoinHandle<()>>,
    /// Nobody is to wait for another call.
    closed: bool,
}

thread_local! {
    /// Whose caller this thread is, unless it has stepped aside.
    static CALLER: RefCell<Option<Callers>> = const { RefCell::new(None) };
}

impl Callers {
    /// Has a caller make this call; soon, if no other call takes long. Its panics are nobody's. Where the
    /// system gives no thread for it, it is made here.
    pub fn call(&self, call: Call) {
        let mut state = self.lock();
        state.queue.push_back(call);
        let hired = self.hire(&mut state);
        drop(state);
        self.0.changed.notify_one();
        if hired.is_err() {
            while let Some(call) = self.next_call() {
                make(call);
            }
        }
    }

    fn next_call(&self) -> Option<Call> {
        self.lock().queue.pop_front()
    }

    /// Returns when all calls were made and no caller is left. Not to be called by one.
    pub fn join(&self) {
        self.close();
        let threads = std::mem::take(&mut self.lock().threads);
        for thread in threads {
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

    /// Sees to it that there is a caller, if there are calls.
    fn hire(&self, state: &mut State) -> io::Result<()> {
        if state.active > 0 || state.queue.is_empty() || state.living >= MOST {
            return Ok(());
        }
        state.threads.retain(|thread| !thread.is_finished());
        let callers = self.clone();
        let thread = Builder::new().name("hp-caller".into()).stack_size(STACK);
        state.threads.push(thread.spawn(move || callers.make_calls())?);
        state.active += 1;
        state.living += 1;
        Ok(())
    }

    /// What a caller does.
    fn make_calls(self) {
        CALLER.set(Some(self.clone()));
        let mut state = self.lock();
        // If there are more, another has taken its place while it was aside.
        while state.active == 1 {
            if let Some(call) = state.queue.pop_front() {
                drop(state);
                make(call);
                state = self.lock();
                continue;
            }
            if state.closed {
                break;
            }
            let waited = self.0.changed.wait_timeout(state, PATIENCE);
            let (back, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            state = back;
            if waited.timed_out() && state.queue.is_empty() {
                break;
            }
        }
        state.active -= 1;
        state.living -= 1;
    }
}

fn make(call: Call) {
    let _ = crate::panic::catch(call);
}

/// A caller that waits, until this is dropped; nothing on other threads.
#[derive(Debug)]
#[must_use]
pub struct Aside(Option<Callers>);

/// To be called by whoever is about to wait for a task: if this thread is a caller, another one makes the
/// calls meanwhile. If the system gives no thread for that, they wait until this one is back.
pub fn step_aside() -> Aside {
    // The thread may be ending, and what it had to itself gone.
    let callers = CALLER.try_with(RefCell::take).ok().flatten();
    if let Some(callers) = &callers {
        let mut state = callers.lock();
        state.active -= 1;
        let _ = callers.hire(&mut state);
    }
    Aside(callers)
}

impl Drop for Aside {
    fn drop(&mut self) {
        if let Some(callers) = self.0.take() {
            callers.lock().active += 1;
            CALLER.set(Some(callers));
        }
    }
}

impl std::fmt::Debug for Callers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Callers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{channel, sync_channel};
    use std::thread;

    #[test]
    fn calls_are_made_in_their_order_by_one_thread() {
        let callers = Callers::default();
        let (said, heard) = channel();
        for n in 0..100 {
            let said = said.clone();
            callers.call(Box::new(move || {
                said.send((n, thread::current().id())).unwrap();
                assert_ne!(n, 50, "a panic is nobody's");
            }));
        }
        callers.join();
        drop(said);
        let calls: Vec<_> = heard.iter().collect();
        assert!(calls.iter().map(|call| call.0).eq(0..100));
        assert!(calls.iter().all(|call| call.1 == calls[0].1 && call.1 != thread::current().id()));
    }

    #[test]
    fn a_call_may_wait_for_later_calls() {
        let callers = Callers::default();
        let (done, end) = channel();
        // Each waits for the next, which waits in turn: more and more are aside.
        for n in 0..5 {
            let (callers, done) = (callers.clone(), done.clone());
            let inner = callers.clone();
            callers.call(Box::new(move || {
                let (tell, told) = sync_channel(1);
                inner.call(Box::new(move || tell.send(()).unwrap()));
                let aside = step_aside();
                // Whoever waits within a wait has stepped aside already.
                drop(step_aside());
                told.recv().unwrap();
                drop(aside);
                done.send(n).unwrap();
            }));
        }
        drop(done);
        let mut ends: Vec<_> = end.iter().collect();
        ends.sort_unstable();
        assert_eq!(ends, [0, 1, 2, 3, 4]);
        callers.join();
        let state = callers.lock();
        assert_eq!(
            (state.active, state.living, state.queue.len(), state.threads.len()),
            (0, 0, 0, 0)
        );
    }

    #[test]
    fn there_are_not_too_many_callers() {
        let callers = Callers::default();
        let (go, gone) = channel::<()>();
        let gone = Arc::new(Mutex::new(gone));
        let (said, heard) = channel();
        for n in 0..3 * MOST {
            let (gone, said) = (gone.clone(), said.clone());
            callers.call(Box::new(move || {
                let aside = step_aside();
                let _ = gone.lock().unwrap().recv();
                drop(aside);
                said.send(n).unwrap();
            }));
        }
        let all_wait = || {
            let state = callers.lock();
            (state.active, state.queue.len(), state.living) == (0, 2 * MOST, MOST)
        };
        while !all_wait() {
            thread::yield_now();
        }
        drop(go);
        callers.join();
        drop(said);
        assert_eq!(heard.iter().count(), 3 * MOST);
    }

    #[test]
    fn a_caller_that_has_left_is_replaced() {
        let callers = Callers::default();
        let (said, heard) = channel();
        for _ in 0..3 {
            let said = said.clone();
            callers.call(Box::new(move || said.send(thread::current().id()).unwrap()));
            callers.join();
        }
        drop(said);
        assert_eq!(heard.iter().collect::<std::collections::HashSet<_>>().len(), 3);
    }

    #[test]
    fn elsewhere_nobody_steps_aside() {
        assert!(step_aside().0.is_none());
    }
}
