//! One task on a thread: a call, or, with retries, several.

use super::queue::{Job, Pool, count};
use crate::complete::Promise;
use crate::error::Kind;
use crate::timer;
use horsepower_core::panic::PanicReport;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A task that is called once.
pub(super) struct Once<R, C> {
    pub(super) promise: Arc<Promise<R>>,
    pub(super) call: C,
}

impl<R, C> Job for Once<R, C>
where
    R: Send + 'static,
    C: FnOnce() -> R + Send,
{
    fn run(self: Box<Self>, pool: &Arc<Pool>) {
        if !self.promise.begin() {
            return pool.count_over(&*self);
        }
        let Once { promise, call } = *self;
        end(pool, promise, horsepower_core::panic::catch(call));
    }

    fn is_over(&self) -> bool {
        self.promise.is_over()
    }

    fn is_cancelled(&self) -> bool {
        self.promise.is_cancelled()
    }

    fn refuse(self: Box<Self>, kind: Kind) {
        self.promise.fail(kind);
    }
}

/// A task that may be called again.
pub(super) struct Retried<R, C> {
    pub(super) promise: Arc<Promise<R>>,
    pub(super) call: Arc<C>,
    pub(super) left: u32,
    pub(super) pause: Duration,
}

impl<R, C> Job for Retried<R, C>
where
    R: Send + 'static,
    C: Fn() -> R + Send + Sync + 'static,
{
    fn run(mut self: Box<Self>, pool: &Arc<Pool>) {
        if !self.promise.begin() {
            return pool.count_over(&*self);
        }
        let outcome = horsepower_core::panic::catch(|| (self.call)());
        if outcome.is_ok() || self.left == 0 {
            let Retried { promise, call, .. } = *self;
            // The argument is the user's; it goes before the end can be seen.
            pool.within(|| drop(call));
            return end(pool, promise, outcome);
        }
        self.left -= 1;
        let pause = self.pause;
        self.pause = pause.saturating_mul(2);
        let promise = self.promise.clone();
        let again = if pause.is_zero() { at_once(pool, self) } else { later(pool, self, pause) };
        if again.is_ok() {
            let task = promise.task.as_str();
            tracing::debug!(task, ?pause, "task is tried again");
        }
        if let Err(job) = again {
            // Nothing begins any more: it has failed as it did.
            pool.within(|| drop(job));
            end(pool, promise, outcome);
        }
    }

    fn is_over(&self) -> bool {
        self.promise.is_over()
    }

    fn is_cancelled(&self) -> bool {
        self.promise.is_cancelled()
    }

    fn refuse(self: Box<Self>, kind: Kind) {
        self.promise.fail(kind);
    }
}

/// Has the job tried again, unless nothing begins any more.
fn at_once<R, C>(pool: &Pool, job: Box<Retried<R, C>>) -> Result<(), Box<dyn Job>>
where
    R: Send + 'static,
    C: Fn() -> R + Send + Sync + 'static,
{
    job.promise.pause(None);
    pool.again(job)
}

/// Has the job tried again after a pause, unless nothing begins any more.
fn later<R, C>(
    pool: &Arc<Pool>,
    job: Box<Retried<R, C>>,
    pause: Duration,
) -> Result<(), Box<dyn Job>>
where
    R: Send + 'static,
    C: Fn() -> R + Send + Sync + 'static,
{
    let promise = job.promise.clone();
    let delayed = pool.delay(job)?;
    let number = delayed.number();
    // If it is cancelled while it waits, that is the end of it.
    promise.pause(Some(Box::new(delayed)));
    // What is too long for the clock is for ever: until it is cancelled.
    let Some(at) = Instant::now().checked_add(pause) else { return Ok(()) };
    let (waits, later) = (Arc::downgrade(pool), Arc::downgrade(pool));
    let wanted = move || waits.upgrade().is_some_and(|pool| pool.is_delayed(number));
    let again = move || {
        if let Some(pool) = later.upgrade() {
            pool.release(number);
        }
    };
    if !timer::at(at, wanted, again) {
        pool.release(number);
    }
    Ok(())
}

/// The task has ended. From the moment at which that can be seen this thread counts as free, but not while
/// code of the user may run on it.
fn end<R>(pool: &Arc<Pool>, promise: Arc<Promise<R>>, outcome: Result<R, PanicReport>) {
    let counter = if outcome.is_ok() { &pool.counts.done } else { &pool.counts.failed };
    count(counter, 1);
    let outcome = outcome.map_err(|report| promise.error(Kind::Panicked(report)));
    promise.complete_and(outcome, &|ending| pool.set_ending(ending));
    release(pool, promise);
}

/// Lets go of a promise. If nobody wants the result, it is dropped here, and that is the user's affair.
pub(super) fn release<R>(pool: &Arc<Pool>, promise: Arc<Promise<R>>) {
    if let Some(mut promise) = Arc::into_inner(promise)
        && std::mem::needs_drop::<R>()
        && promise.has_outcome()
    {
        pool.set_ending(false);
        drop(promise);
    }
}
