//! Retries on threads: a job that runs again, at once or after a pause.
//!
//! Called by [`super::run`] after a call has panicked.

use super::job::Job;
use super::pool::{Pool, count};
use super::timer;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// A job that waits for its next try. Dropping this ends the job.
struct Waiting {
    pool: Weak<Pool>,
    number: u64,
}

impl Pool {
    /// Makes a job run again, at once or after a pause.
    ///
    /// # Errors
    /// The job, if the pool starts nothing any more.
    pub(super) fn retry(self: &Arc<Self>, mut job: Job) -> Result<(), Job> {
        job.retries -= 1;
        let pause = job.pause;
        job.pause = pause.saturating_mul(2);
        let promise = job.task.share_promise();
        if pause.is_zero() {
            promise.pause(None);
            self.again(job)?;
        } else {
            let delayed = self.delay(job)?;
            let number = delayed.number;
            // Cancelling the task while it waits drops this, which ends the job.
            promise.pause(Some(Box::new(delayed)));
            self.release_after(number, pause);
        }
        tracing::debug!(task = promise.name().as_str(), ?pause, "retrying task");
        Ok(())
    }

    fn release_after(self: &Arc<Self>, number: u64, pause: Duration) {
        // A time beyond the range of the clock means forever, until the task is cancelled.
        let Some(at) = Instant::now().checked_add(pause) else { return };
        let (waits, later) = (Arc::downgrade(self), Arc::downgrade(self));
        let wanted =
            move || waits.upgrade().is_some_and(|pool| pool.lock().delayed.contains(number));
        let again = move || {
            if let Some(pool) = later.upgrade() {
                pool.release(number);
            }
        };
        if !timer::at(at, wanted, again) {
            self.release(number);
        }
    }

    /// Queues a job that runs, to run again on this thread or another.
    ///
    /// # Errors
    /// The job, if the pool starts nothing any more.
    fn again(&self, job: Job) -> Result<(), Job> {
        let mut state = self.lock();
        if state.no_start().is_some() {
            return Err(job);
        }
        count(&self.counts.retried, 1);
        state.unended += 1;
        // No thread has to be called: this one is about to come back to the queue.
        state.queue.push_back(job);
        Ok(())
    }

    /// Keeps a job that runs until it is [released](Self::release), or until what this returns is
    /// dropped.
    ///
    /// # Errors
    /// The job, if the pool starts nothing any more.
    fn delay(self: &Arc<Self>, job: Job) -> Result<Waiting, Job> {
        let mut state = self.lock();
        if state.no_start().is_some() {
            return Err(job);
        }
        count(&self.counts.retried, 1);
        state.unended += 1;
        let number = state.delayed.insert(job);
        Ok(Waiting { pool: Arc::downgrade(self), number })
    }

    /// Queues a job that waits for its next try, if it still does.
    fn release(self: &Arc<Self>, number: u64) {
        let job = self.lock().delayed.remove(number);
        if let Some(job) = job {
            self.submit_held(job);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(pool) = self.pool.upgrade() else { return };
        let job = pool.lock().delayed.remove(self.number);
        if job.is_some() {
            drop(job);
            count(&pool.counts.cancelled, 1);
            pool.ended();
        }
    }
}
