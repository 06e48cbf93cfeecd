//! What a thread of the pool does: take jobs from the queue and run them, until nothing is left to do or
//! it has been idle for long.
//!
//! Called by the threads that [`super::pool`] starts.

use super::job::Job;
use super::pool::{Pool, count};
use super::state::State;
use crate::error::Kind;
use horsepower_core::panic::catch;
use horsepower_core::task::PATIENCE;
use std::cell::Cell;
use std::sync::{Arc, MutexGuard};
use std::thread;
use std::time::Instant;

thread_local! {
    /// The job of this thread is about to end, and the thread is counted as on its way to the queue.
    static ENDING: Cell<bool> = const { Cell::new(false) };
}

impl Pool {
    /// All that a thread of the pool does.
    pub(super) fn live(self: Arc<Self>, number: usize) {
        self.within(|| tracing::debug!(pool = self.settings.name, number, "thread started"));
        let over = self.lock().is_over();
        if let Some(initializer) = self.settings.initializer.as_ref().filter(|_| !over) {
            self.within(|| {
                if let Err(report) = catch(|| initializer()) {
                    self.break_down(&format!("the initializer failed: {report}"));
                }
            });
        }
        let mut state = self.lock();
        state.threads.arrived();
        while !state.threads.too_many() {
            if let Some(job) = state.queue.pop_front() {
                state = self.take(state, job);
            } else if state.is_over() {
                break;
            } else {
                let (back, called) = self.wait_for_call(state, number);
                state = back;
                if !called {
                    break;
                }
            }
        }
        self.leave(state, number);
    }

    fn take<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State>,
        job: Job,
    ) -> MutexGuard<'a, State> {
        state.running += 1;
        drop(state);
        self.within(|| self.run(job));
        // From its end to the queue in one step: in between it would not be counted as coming.
        let mut state = self.lock();
        if ENDING.replace(false) {
            state.threads.arrived();
        } else {
            state.running -= 1;
        }
        state.unended -= 1;
        self.look_for_the_end(state)
    }

    /// Waits for a call. False: the time for that is over.
    fn wait_for_call<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        number: usize,
    ) -> (MutexGuard<'a, State>, bool) {
        // What is too long for the clock is for ever.
        let end = Instant::now().checked_add(self.settings.idle_timeout);
        state.threads.rest(number);
        loop {
            drop(state);
            match end {
                Some(end) => thread::park_timeout(end.saturating_duration_since(Instant::now())),
                None => thread::park(),
            }
            state = self.lock();
            if !state.threads.is_resting(number) {
                state.threads.arrived();
                return (state, true);
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                state.threads.stop_resting(number);
                return (state, false);
            }
        }
    }

    fn leave(self: &Arc<Self>, mut state: MutexGuard<'_, State>, number: usize) {
        // Under the lock under which it was decided: else several would go where one is too many. At
        // the end of the pool somebody may want to join this thread; else nobody will.
        let keep = state.is_over();
        let own = state.threads.left(number, keep);
        // There may be fewer threads now, and this one may have been called for a job.
        let call = self.call(&mut state);
        drop(self.look_for_the_end(state));
        drop(own);
        self.wake(call);
        self.within(|| tracing::debug!(pool = self.settings.name, number, "thread exited"));
    }

    /// Runs a job: one call, or the items of a chunk until they are done or patience is over; the
    /// rest is split among the threads.
    fn run(self: &Arc<Self>, mut job: Job) {
        if !job.task.is_part() && !job.task.promise().begin() {
            return self.count_over(&job);
        }
        let called = job.task.call(Some(PATIENCE));
        if called.failed > 0 && job.retries > 0 {
            match self.retry(job) {
                Ok(()) => return,
                // Nothing begins any more: it has failed as it did.
                Err(back) => job = back,
            }
        }
        count(&self.counts.failed, called.failed);
        count(&self.counts.done, called.calls - called.failed);
        self.share_rest(&mut job);
        // The function and its argument are the user's; they go before the end can be seen.
        self.within(|| job.task.drop_function());
        job.task.publish(Some(&|ending| self.set_ending(ending)));
        job.task.release(&|| self.set_ending(false));
    }

    /// Splits the calls of a chunk that were not made among the threads.
    fn share_rest(self: &Arc<Self>, job: &mut Job) {
        let rest = job.task.remaining();
        if rest == 0 {
            return;
        }
        if job.task.promise().is_stopped() {
            // Whoever waited for it has left.
            count(&self.counts.cancelled, rest);
            return self.within(|| job.task.refuse(Kind::Cancelled));
        }
        let share = rest.div_ceil(self.workers()).max(1);
        while job.task.remaining() > 0 {
            let part = job.task.split_off(share.min(job.task.remaining()));
            self.hold();
            self.submit_held(Job::part(part));
        }
    }

    /// Says whether the job of this thread is about to be seen to have ended, so that the thread is as
    /// good as back at the queue. It must not be so while code of the user may run.
    fn set_ending(self: &Arc<Self>, ending: bool) {
        if ENDING.replace(ending) == ending {
            return;
        }
        let mut state = self.lock();
        if ending {
            state.running -= 1;
            state.threads.coming();
        } else {
            state.running += 1;
            state.threads.arrived();
            // A job may have been left to it.
            let call = self.call(&mut state);
            drop(state);
            self.wake(call);
        }
    }
}
