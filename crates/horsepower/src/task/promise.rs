//! Step ⑦, complete: gives a future its answer and notifies everybody who waits for it.
//!
//! A [`Promise`] is the executor's half; [`TaskFuture`](crate::TaskFuture) is the user's. They
//! share one allocation per task. `future_side.rs` has what the user's half does.

use crate::error::{Error, Kind, Name};
use crate::executor::{Control, Permit};
use crate::task::TaskOutput;
use crate::task::watch::{Watchers, wake};
use horsepower_core::callback_threads::FollowUp;
use horsepower_core::copies::Maker;
use horsepower_core::task::TaskState;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::thread::{self, ThreadId};
use std::time::Duration;

/// How a task ended.
pub(crate) type Outcome<T> = Result<T, Error>;

/// How long a wait that has timed out still waits for a result that is known to exist.
pub(crate) const TOLD_WITHIN: Duration = Duration::from_millis(10);

/// Something to drop when a task has finished.
pub(crate) type Token = Box<dyn Send>;

/// Called when a task has finished.
pub(crate) type Callback<T> = Box<dyn FnOnce(&Outcome<T>) + Send>;

/// The state of a task's future.
///
/// | from | to | when |
/// |---|---|---|
/// | Running | Pending | it failed and will be retried; only where it runs in this process |
/// | Pending | Running | the executor starts the task; only where it runs in this process |
/// | Pending, Running | Calling | it finished, and there are callbacks |
/// | Pending, Running | ToCall | it finished, and another thread will call the callbacks, if any |
/// | ToCall | Calling | that thread calls them |
/// | Pending, Running, ToCall, Calling | Ended | its outcome can be taken |
/// | Ended | Calling | a callback was added later |
/// | Ended | Kept | `get` has moved the outcome into the future itself |
/// | Ended, Kept | Taken | the outcome has been moved out |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Pending,
    Running,
    /// The outcome is ready, but the callbacks have not been called.
    ToCall,
    /// This thread has the outcome and passes it to the callbacks by reference.
    Calling(ThreadId),
    Ended,
    /// The future has the outcome and keeps it, to be borrowed.
    Kept,
    Taken,
}

pub(crate) struct Promise<T> {
    pub(crate) task: Name,
    /// Who controls the task while it runs elsewhere; `None`: it runs in this process, and this
    /// promise decides.
    pub(super) control: Option<Arc<dyn Control>>,
    /// Where the task is, for `control`; and whether it was stopped, or has started before.
    pub(crate) task_state: TaskState,
    /// What the task printed, if its output is captured.
    output: OnceLock<Box<TaskOutput>>,
    state: Mutex<State<T>>,
    pub(super) changed: Condvar,
    /// The process in which the task is answered.
    maker: Maker,
}

pub(super) struct State<T> {
    pub(super) stage: Stage,
    pub(super) outcome: Option<Outcome<T>>,
    /// The error, for callers that ask after the outcome was taken.
    pub(super) error: Option<Error>,
    pub(super) callbacks: Vec<Callback<T>>,
    pub(super) waker: Option<Waker>,
    pub(super) watchers: Watchers,
    /// Its place in a bounded queue, until it has finished.
    permit: Option<Permit>,
    /// What the executor wants dropped when the task has finished.
    token: Option<Token>,
    /// Threads that sleep on `changed`.
    pub(super) sleepers: usize,
}

impl<T> std::fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // No more than this: `Debug` may run under a lock of the pool, which `state` would take
        // too.
        write!(f, "Promise({})", self.task)
    }
}

impl<T> Promise<T> {
    pub(crate) fn new(task: impl Into<Name>, control: Option<Arc<dyn Control>>) -> Promise<T> {
        let state = State {
            stage: Stage::Pending,
            outcome: None,
            error: None,
            callbacks: Vec::new(),
            waker: None,
            watchers: Vec::new(),
            permit: None,
            token: None,
            sleepers: 0,
        };
        let output = OnceLock::new();
        Promise {
            task: task.into(),
            control,
            task_state: TaskState::default(),
            output,
            state: Mutex::new(state),
            changed: Condvar::new(),
            maker: Maker::here(),
        }
    }

    /// True in a copy, made by a fork, of the process in which the task is answered.
    pub(super) fn is_copy(&self) -> bool {
        !self.maker.is_here()
    }

    /// The promise of a task that holds a place in the queue.
    pub(crate) fn admitted(mut self, permit: Option<Permit>) -> Promise<T> {
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).permit = permit;
        self
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing that can panic happens under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn error(&self, kind: Kind) -> Error {
        Error::of_future(kind, self.task.clone(), self.has_begun())
    }

    /// True if it is known to have started, in this process, or in a worker in an earlier attempt.
    fn has_begun(&self) -> bool {
        self.task_state.has_begun()
    }

    /// The task is about to run in this process. False: it was cancelled and must not run.
    pub(crate) fn begin(&self) -> bool {
        let mut state = self.lock();
        let pending = state.stage == Stage::Pending;
        if pending {
            state.stage = Stage::Running;
            self.task_state.set_begun();
        }
        pending
    }

    /// The task failed in this process and will be retried. `token` is dropped when it finally
    /// finishes.
    pub(crate) fn pause(&self, mut token: Option<Token>) {
        let mut state = self.lock();
        if state.stage == Stage::Running {
            state.stage = Stage::Pending;
            std::mem::swap(&mut state.token, &mut token);
        }
        drop(state);
        // The token of the previous attempt, or this one if the task is over: its drop takes the
        // executor's lock.
        drop(token);
    }

    /// Fails the task for missing its queue deadline, if it has never started. `None`: it has
    /// started or finished.
    pub(crate) fn fail_late(&self, limit: Duration) -> Option<FollowUp> {
        let state = self.lock();
        let late = state.stage == Stage::Pending && !self.has_begun();
        late.then(|| self.answer_in(state, Err(self.error(Kind::QueueDeadline { limit }))))
    }

    /// True if no further part of the task may start.
    pub(crate) fn is_stopped(&self) -> bool {
        self.task_state.is_stopped()
    }

    /// True if there is an outcome that nobody has taken.
    pub(crate) fn has_outcome(&mut self) -> bool {
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).outcome.is_some()
    }

    /// True if the future has its answer and everybody who watches it has been notified.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.lock().stage, Stage::Ended | Stage::Kept | Stage::Taken)
    }

    /// True if the future has its answer, or is about to get it.
    pub(crate) fn is_over(&self) -> bool {
        !matches!(self.lock().stage, Stage::Pending | Stage::Running)
    }

    /// Stores what the task printed.
    pub(crate) fn set_output(&self, stdout: Vec<u8>, stderr: Vec<u8>) {
        let _ = self.output.set(Box::new(TaskOutput { stdout, stderr }));
    }

    pub(crate) fn output(&self) -> Option<&TaskOutput> {
        self.output.get().map(|output| &**output)
    }

    /// The task has finished. Only the first outcome counts.
    pub(crate) fn complete(&self, outcome: Outcome<T>) {
        self.complete_and(outcome, None);
    }

    /// The task has finished. `ending` is called with true when the callbacks have been called and
    /// the outcome is not visible yet; with false if more callbacks were added meanwhile.
    pub(crate) fn complete_and(&self, outcome: Outcome<T>, ending: Option<&dyn Fn(bool)>) {
        let mut state = self.lock();
        if matches!(state.stage, Stage::Pending | Stage::Running) {
            state.error = outcome.as_ref().err().cloned();
            self.finish(state, outcome, ending);
        }
    }

    /// The task has finished, and this thread must not call callbacks. If there are any, another
    /// thread has to call [`call_back`](Self::call_back), and the outcome is not visible before
    /// that.
    pub(crate) fn answer(&self, outcome: Outcome<T>) -> FollowUp {
        let state = self.lock();
        if matches!(state.stage, Stage::Pending | Stage::Running) {
            return self.answer_in(state, outcome);
        }
        FollowUp::None
    }

    fn answer_in<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<T>>,
        outcome: Outcome<T>,
    ) -> FollowUp {
        state.error = outcome.as_ref().err().cloned();
        let mut state = self.leave_queue(state, Stage::ToCall);
        if state.callbacks.is_empty() {
            self.publish(state, outcome, None);
            return FollowUp::None;
        }
        state.stage = Stage::ToCall;
        state.outcome = Some(outcome);
        if state.sleepers > 0 {
            // One of them may be a callback thread.
            self.changed.notify_all();
        }
        FollowUp::Callbacks
    }

    /// Calls the callbacks that `answer` left.
    pub(crate) fn call_back(&self) {
        let mut state = self.lock();
        if state.stage == Stage::ToCall
            && let Some(outcome) = state.outcome.take()
        {
            self.finish(state, outcome, None);
        }
    }

    /// Fails the task with an error of this kind.
    pub(crate) fn fail(&self, kind: Kind) {
        self.complete(Err(self.error(kind)));
    }

    /// Calls the callbacks in order, and then makes the outcome visible.
    pub(super) fn finish<'a>(
        &'a self,
        state: MutexGuard<'a, State<T>>,
        outcome: Outcome<T>,
        ending: Option<&dyn Fn(bool)>,
    ) {
        let calling = Stage::Calling(thread::current().id());
        let mut state = self.leave_queue(state, calling);
        let mut told = ending.is_none();
        while !(told && state.callbacks.is_empty()) {
            if !state.callbacks.is_empty() {
                state.stage = calling;
            }
            let callbacks = std::mem::take(&mut state.callbacks);
            drop(state);
            if let Some(ending) = ending {
                told = callbacks.is_empty();
                ending(told);
            }
            for callback in callbacks {
                self.call(callback, &outcome);
            }
            state = self.lock();
        }
        self.publish(state, outcome, ending);
    }

    /// Frees the task's place in the queue before the outcome becomes visible. If the lock has to
    /// be released for that, the task is in stage `meanwhile`.
    fn leave_queue<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<T>>,
        meanwhile: Stage,
    ) -> MutexGuard<'a, State<T>> {
        let tokens = (state.permit.take(), state.token.take());
        if !matches!(tokens, (None, None)) {
            state.stage = meanwhile;
            drop(state);
            drop(tokens);
            state = self.lock();
        }
        state
    }

    /// Makes the outcome visible and notifies everybody.
    fn publish(
        &self,
        mut state: MutexGuard<'_, State<T>>,
        outcome: Outcome<T>,
        ending: Option<&dyn Fn(bool)>,
    ) {
        state.stage = Stage::Ended;
        state.outcome = Some(outcome);
        // Before the outcome is visible: a watcher of several tasks learns the order in which they
        // finish.
        let watchers = std::mem::take(&mut state.watchers);
        let wakers: Vec<Waker> = watchers
            .into_iter()
            .filter_map(|(watch, number)| watch.arrive(number))
            .chain(state.waker.take())
            .collect();
        if state.sleepers > 0 {
            self.changed.notify_all();
        }
        drop(state);
        if let Some(ending) = ending.filter(|_| !wakers.is_empty()) {
            // Wakers are user code.
            ending(false);
        }
        wakers.into_iter().for_each(wake);
    }

    /// Calls a callback. If it panics, the panic is printed and has no other effect.
    pub(crate) fn call(&self, callback: Callback<T>, outcome: &Outcome<T>) {
        if let Err(panic) = horsepower_core::panic::catch(|| callback(outcome)) {
            use std::io::Write as _;
            let place = panic.location.unwrap_or_default();
            // There is nobody else to tell; if standard error is closed, the panic goes unnoticed.
            let _ = writeln!(
                std::io::stderr(),
                "a done-callback of task {} panicked at {place}: {}",
                self.task,
                panic.message
            );
        }
    }
}
