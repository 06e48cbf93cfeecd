//! What a pool thread does: it takes jobs from the queue and runs them until the pool ends or it has been
//! idle for the idle timeout.
//!
//! Called by the threads that [`super::pool`] starts.

use super::job::Job;
use super::pool::{Pool, count};
use super::state::State;
use crate::error::Kind;
use crate::task::queued;
use horsepower_core::panic::catch;
use horsepower_core::task::{PATIENCE, TaskState};
use std::cell::Cell;
use std::sync::{Arc, MutexGuard};
use std::thread;
use std::time::Instant;

thread_local! {
    /// The job of this thread is about to end, so the thread already counts as on its way to the queue.
    static ENDING: Cell<bool> = const { Cell::new(false) };
}

impl Pool {
    /// The body of a pool thread.
    pub(super) fn live(self: Arc<Self>, number: usize) {
        self.within(|| tracing::debug!(pool = self.settings.name, number, "thread started"));
        queued::set(Some(Arc::new(self.clone())));
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
        queued::set(None);
    }

    fn take<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State>,
        job: Job,
    ) -> MutexGuard<'a, State> {
        state.running += 1;
        drop(state);
        self.within(|| self.run(job));
        // In one step under the lock: in between, the thread would not count as on its way to the queue.
        let mut state = self.lock();
        if ENDING.replace(false) {
            state.threads.arrived();
        } else {
            state.running -= 1;
        }
        state.unended -= 1;
        self.look_for_the_end(state)
    }

    /// Waits until the thread is called. False: the idle timeout passed.
    fn wait_for_call<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        number: usize,
    ) -> (MutexGuard<'a, State>, bool) {
        // A time beyond the range of the clock means forever.
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
        // Under the lock under which it was decided, else several threads would leave where one is too
        // many. At the end of the pool `join` needs the handle; before, nobody does.
        let keep = state.is_over();
        let own = state.threads.left(number, keep);
        // This thread may have been called for a job; another one has to come for it.
        let call = self.call(&mut state);
        drop(self.look_for_the_end(state));
        drop(own);
        self.wake(call);
        self.within(|| tracing::debug!(pool = self.settings.name, number, "thread exited"));
    }

    /// Runs a job: one call, or items of a chunk until they are done or [`PATIENCE`] is over. The rest is
    /// split among the threads.
    fn run(self: &Arc<Self>, mut job: Job) {
        if !job.task.is_part() && !job.task.promise().begin() {
            return self.count_over(&job);
        }
        let called = job.task.call(Some(PATIENCE));
        if called.failed > 0 && job.retries > 0 {
            match self.retry(job) {
                Ok(()) => return,
                // The pool starts nothing any more, so the failure stands.
                Err(back) => job = back,
            }
        }
        count(&self.counts.failed, called.failed);
        count(&self.counts.done, called.calls - called.failed);
        self.share_rest(&mut job);
        // Dropping the function and its argument runs user code, so it happens before the end is visible.
        self.within(|| job.task.drop_function());
        job.task.publish(Some(&|ending| self.set_ending(ending)));
        job.task.release(&|| self.set_ending(false));
    }

    /// Splits the remaining calls of a chunk among the threads.
    fn share_rest(self: &Arc<Self>, job: &mut Job) {
        let rest = job.task.remaining();
        if rest == 0 {
            return;
        }
        if job.task.promise().is_stopped() {
            // The map was cancelled or dropped.
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

    /// Sets whether the end of the job of this thread is about to become visible. From then on the thread
    /// counts as on its way to the queue; it must not while user code may run.
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
            // A queued job may have counted on this thread.
            let call = self.call(&mut state);
            drop(state);
            self.wake(call);
        }
    }
}

/// A task of the pool waits for another, which is in the queue: this thread runs it meanwhile.
impl queued::Queue for Arc<Pool> {
    fn run_here(&self, task: &TaskState) -> bool {
        let mut state = self.lock();
        let is_it = |job: &Job| std::ptr::eq(job.task.promise().task_state(), task);
        let place = state.queue.iter().position(|job| is_it(job) && !job.is_over());
        let Some(job) = place.and_then(|place| state.queue.remove(place)) else { return false };
        let mut state = self.take(state, job);
        // Near its end the job has let others count on this thread, which now goes back to its own task.
        let call = self.call(&mut state);
        drop(state);
        self.wake(call);
        true
    }
}
