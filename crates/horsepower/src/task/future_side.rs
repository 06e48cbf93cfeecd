//! The future's side of a promise: waiting, taking the outcome, adding callbacks, cancelling.

use crate::error::{Error, Kind};
use crate::executor::Helped;
use crate::task::promise::{Callback, Outcome, Promise, Stage, TOLD_WITHIN};
use crate::task::queued;
use crate::task::watch::{Watch, wake};
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};
use std::thread;
use std::time::Instant;

impl<T> Promise<T> {
    /// Cancels a task that has not started. True also if it was cancelled before.
    pub(crate) fn cancel(&self) -> bool {
        let cancelled =
            |promise: &Self| promise.lock().error.as_ref().is_some_and(Error::is_cancelled);
        if cancelled(self) {
            return true;
        }
        let Some(control) = &self.control else {
            // The threads or processes that run parts of the task will see this soon.
            self.task_state.set_stopped();
            return self.cancel_pending();
        };
        let taken_back = control.cancel(&self.task_state, &mut || self.fail(Kind::Cancelled));
        taken_back || self.is_cancelled()
    }

    /// Has the end of the task noticed even if no thread waits for it.
    fn watch_task(&self) {
        if let Some(control) = &self.control {
            control.watch(&self.task_state);
        }
    }

    /// True if the task has finished elsewhere, although this promise may not know yet.
    fn task_has_ended(&self) -> bool {
        self.control.as_ref().is_some_and(|control| control.has_ended(&self.task_state))
    }

    /// True if the task runs elsewhere.
    fn task_is_running(&self) -> bool {
        self.control.as_ref().is_some_and(|control| control.is_running(&self.task_state))
    }

    /// True if this thread calls done-callbacks of such tasks.
    fn is_callback_thread(&self) -> bool {
        self.control.as_ref().is_some_and(|control| control.is_callback_thread())
    }

    /// On a thread of the pool that the task is queued in: runs it here. False: it was not queued.
    pub(crate) fn run_if_queued(&self) -> bool {
        self.control.is_none() && queued::run_if_queued(&self.task_state)
    }

    fn help(&self, deadline: Option<Instant>) -> Helped {
        match &self.control {
            Some(control) => control.help(&self.task_state, deadline),
            None => Helped::NotNeeded,
        }
    }

    /// Cancels a task of which only this process decides: the first change of `stage` wins.
    pub(crate) fn cancel_pending(&self) -> bool {
        let mut state = self.lock();
        let pending = state.stage == Stage::Pending;
        if pending {
            let error = self.error(Kind::Cancelled);
            state.error = Some(error.clone());
            self.finish(state, Err(error), None);
        }
        pending
    }

    /// Cancels a task, or kills the process that runs it.
    pub(crate) fn kill(&self) -> bool {
        self.cancel() || self.control.as_ref().is_some_and(|c| c.kill(&self.task_state))
    }

    /// Notifies `watch` once when the task finishes; at once if it has finished.
    pub(crate) fn watch(&self, watch: &Arc<Watch>, number: usize) {
        let me = thread::current().id();
        let mut state = self.lock();
        // Not before the callbacks have been called, except for the callbacks themselves.
        let ends = match state.stage {
            _ if self.is_copy() => false,
            Stage::Pending | Stage::Running | Stage::ToCall => true,
            Stage::Calling(caller) => caller != me,
            _ => false,
        };
        if ends {
            state.watchers.push((watch.clone(), number));
            drop(state);
            self.watch_task();
        } else {
            drop(state);
            watch.arrive(number).into_iter().for_each(wake);
        }
    }

    /// Stops notifying `watch`.
    pub(crate) fn unwatch(&self, watch: &Arc<Watch>) {
        self.lock().watchers.retain(|(other, _)| !Arc::ptr_eq(other, watch));
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.lock().error.as_ref().is_some_and(Error::is_cancelled)
    }

    /// True if the task has finished.
    pub(crate) fn is_done(&self) -> bool {
        let done = || !matches!(self.lock().stage, Stage::Pending | Stage::Running);
        done() || self.task_has_ended()
    }

    pub(crate) fn is_running(&self) -> bool {
        // The control is asked without the lock.
        let stage = self.lock().stage;
        match stage {
            Stage::Running => true,
            Stage::Pending => self.task_is_running(),
            _ => false,
        }
    }

    /// Waits until the outcome can be taken, or has been taken.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> Result<(), Error> {
        let late = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        loop {
            match self.lock().stage {
                Stage::Ended | Stage::Kept | Stage::Taken => return Ok(()),
                Stage::Calling(caller) if caller == thread::current().id() => {
                    return Err(self.error(Kind::InOwnCallback));
                }
                _ if self.is_copy() => return Err(self.error(Kind::Copied)),
                Stage::Pending | Stage::Running | Stage::ToCall | Stage::Calling(_) => {}
            }
            if deadline.is_none() && self.run_if_queued() {
                continue;
            }
            match self.help(deadline) {
                // Look once more even when late: the help may have brought the answer.
                Helped::LookAgain if !late() => {}
                // The task has finished and another thread is about to complete this future. That
                // does not count as late, unless that thread is busy with something else.
                _ if self.task_has_ended() => {
                    let patience = Instant::now() + TOLD_WITHIN;
                    return self.sleep(deadline.map(|deadline| deadline.max(patience)));
                }
                _ => return self.sleep(deadline),
            }
        }
    }

    /// Waits without helping the backend.
    pub(crate) fn sleep(&self, deadline: Option<Instant>) -> Result<(), Error> {
        let mut state = self.lock();
        state.sleepers += 1;
        while !matches!(state.stage, Stage::Ended | Stage::Kept | Stage::Taken) {
            if state.stage == Stage::ToCall && deadline.is_none() && self.is_callback_thread() {
                // In a callback of the same pool: this thread makes the call itself, no other
                // thread is needed.
                drop(state);
                self.call_back();
                state = self.lock();
                continue;
            }
            let Some(deadline) = deadline else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.sleepers -= 1;
        match state.stage {
            Stage::Ended | Stage::Kept | Stage::Taken => Ok(()),
            _ => Err(self.error(Kind::TimedOut)),
        }
    }

    /// Takes the outcome once the wait is over. `None`: a callback is using it.
    fn try_take(&self, next: Stage) -> Option<Outcome<T>> {
        let mut state = self.lock();
        match state.stage {
            Stage::ToCall | Stage::Calling(_) => None,
            Stage::Ended => {
                state.stage = next;
                state.outcome.take()
            }
            Stage::Pending | Stage::Running if self.is_copy() => {
                Some(Err(self.error(Kind::Copied)))
            }
            _ => Some(Err(self.error(Kind::Taken))),
        }
    }

    /// Takes the outcome; waits while a callback is using it.
    pub(crate) fn take(&self) -> Outcome<T> {
        self.take_as(Stage::Taken)
    }

    /// Takes the outcome for a future that keeps it, so that it can be borrowed.
    pub(crate) fn take_to_keep(&self) -> Outcome<T> {
        self.take_as(Stage::Kept)
    }

    fn take_as(&self, next: Stage) -> Outcome<T> {
        loop {
            if let Some(outcome) = self.try_take(next) {
                return outcome;
            }
            self.wait(None)?;
        }
    }

    /// The future has given away the outcome that it kept.
    pub(crate) fn gave_away(&self) {
        self.lock().stage = Stage::Taken;
    }

    /// The state as a word for `Debug`, which does not require `T: Debug`.
    pub(crate) fn state(&self) -> &'static str {
        {
            let state = self.lock();
            match (state.stage, &state.error) {
                (Stage::Pending, _) => {}
                (Stage::Running, _) => return "running",
                (_, None) => return "returned",
                (_, Some(error)) if error.is_cancelled() => return "cancelled",
                (_, Some(_)) => return "failed",
            }
        }
        // While the task is with a pool, the pool knows more.
        match (self.task_has_ended(), self.task_is_running()) {
            (true, _) => "finished",
            (false, true) => "running",
            (false, false) => "pending",
        }
    }

    /// Waits for the task to finish and returns its error. In a callback of this future the error
    /// is already known.
    pub(crate) fn wait_for_error(&self, deadline: Option<Instant>) -> Result<Option<Error>, Error> {
        let me = thread::current().id();
        if !matches!(self.lock().stage, Stage::Calling(caller) if caller == me) {
            self.wait(deadline)?;
        }
        Ok(self.error_now())
    }

    /// The error of the task, once the wait is over.
    pub(crate) fn error_now(&self) -> Option<Error> {
        self.lock().error.clone()
    }

    /// Calls `callback` when the task finishes. Returns it if the future keeps the outcome: then
    /// the future has to call it.
    pub(crate) fn add_callback(&self, callback: Callback<T>) -> Option<Callback<T>> {
        let mut state = self.lock();
        match state.stage {
            Stage::Kept => return Some(callback),
            Stage::Taken => {
                drop(state);
                self.call(callback, &Err(self.error(Kind::Taken)));
            }
            Stage::Ended => {
                state.callbacks.push(callback);
                match state.outcome.take() {
                    Some(outcome) => self.finish(state, outcome, None),
                    None => unreachable!("a finished task has its outcome"),
                }
            }
            Stage::Pending | Stage::Running | Stage::ToCall | Stage::Calling(_) => {
                state.callbacks.push(callback);
                drop(state);
                if let Some(control) = &self.control {
                    control.expect_callbacks();
                }
                self.watch_task();
            }
        }
        None
    }

    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<Outcome<T>> {
        // Wakers are user code: they are cloned and dropped without the lock.
        let waker = context.waker().clone();
        let mut state = self.lock();
        match state.stage {
            Stage::Ended | Stage::Kept | Stage::Taken => {
                drop(state);
                Poll::Ready(self.take())
            }
            _ if self.is_copy() => Poll::Ready(Err(self.error(Kind::Copied))),
            Stage::Pending | Stage::Running | Stage::ToCall | Stage::Calling(_) => {
                let old = state.waker.replace(waker);
                drop(state);
                drop(old);
                self.watch_task();
                Poll::Pending
            }
        }
    }

    /// The user has dropped the future: drop the result soon after the task finishes.
    pub(crate) fn abandon(&self) {
        if matches!(self.lock().stage, Stage::Pending | Stage::Running) {
            self.watch_task();
        }
    }
}
