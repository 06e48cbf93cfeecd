//! One task on a thread: a call, or, with retries, several.

use super::queue::{Job, Pool, count};
use crate::complete::Promise;
use crate::error::Kind;
use crate::timer;
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
        match horsepower_core::panic::catch(call) {
            Ok(result) => {
                count(&pool.counts.done, 1);
                promise.complete_and(Ok(result), &|ending| pool.set_ending(ending));
            }
            Err(report) => {
                count(&pool.counts.failed, 1);
                let error = promise.error(Kind::Panicked(report));
                promise.complete_and(Err(error), &|ending| pool.set_ending(ending));
            }
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
        match horsepower_core::panic::catch(|| (self.call)()) {
            Ok(result) => {
                count(&pool.counts.done, 1);
                self.promise.complete_and(Ok(result), &|ending| pool.set_ending(ending));
            }
            Err(report) if self.left == 0 => {
                count(&pool.counts.failed, 1);
                self.promise.fail(Kind::Panicked(report));
            }
            Err(_) if let Some(kind) = pool.refusal() => {
                count(&pool.counts.failed, 1);
                self.promise.fail(kind);
            }
            Err(_) => {
                count(&pool.counts.retried, 1);
                self.left -= 1;
                let pause = self.pause;
                self.pause = pause.saturating_mul(2);
                let promise = self.promise.clone();
                let delayed = pool.delay(self);
                let number = delayed.number();
                // If it is cancelled while it waits, that is the end of it.
                promise.pause(Box::new(delayed));
                if pause.is_zero() {
                    return pool.release(number);
                }
                // What is too long for the clock is for ever: until it is cancelled.
                let Some(at) = Instant::now().checked_add(pause) else { return };
                let (waits, later) = (pool.clone(), pool.clone());
                let timed =
                    timer::at(at, move || waits.is_delayed(number), move || later.release(number));
                if !timed {
                    pool.release(number);
                }
            }
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
