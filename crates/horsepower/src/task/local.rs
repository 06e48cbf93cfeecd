//! A task that runs in this process, whatever its types: one call, or a chunk of a `map`.
//!
//! The typed front ([`crate::executor`]) makes it; executors that run tasks in this process run it.
//! A [`LocalTask`] keeps what its calls return until the executor publishes it.

use crate::error::{Error, Kind, Name};
use crate::map::Clock;
use crate::task::promise::{Outcome, Promise, Token};
use horsepower_core::callback_threads::FollowUp;
use horsepower_core::panic::PanicReport;
use horsepower_core::task::TaskState;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What an executor needs from a promise, whatever the type of its result.
pub(crate) trait AnyPromise: Send + Sync {
    fn name(&self) -> &Name;
    /// The state of the task; its address tells it from others.
    fn task_state(&self) -> &TaskState;
    /// See [`Promise::begin`].
    fn begin(&self) -> bool;
    /// See [`Promise::pause`].
    fn pause(&self, token: Option<Token>);
    /// See [`Promise::is_over`].
    fn is_over(&self) -> bool;
    /// See [`Promise::is_cancelled`].
    fn is_cancelled(&self) -> bool;
    /// See [`Promise::is_stopped`].
    fn is_stopped(&self) -> bool;
    /// See [`Promise::fail_late`].
    fn fail_late(&self, limit: Duration) -> Option<FollowUp>;
    /// See [`Promise::call_back`].
    fn call_back(&self);
}

impl<R: Send> AnyPromise for Promise<R> {
    fn name(&self) -> &Name {
        &self.task
    }

    fn task_state(&self) -> &TaskState {
        &self.task_state
    }

    fn begin(&self) -> bool {
        Promise::begin(self)
    }

    fn pause(&self, token: Option<Token>) {
        Promise::pause(self, token);
    }

    fn is_over(&self) -> bool {
        Promise::is_over(self)
    }

    fn is_cancelled(&self) -> bool {
        Promise::is_cancelled(self)
    }

    fn is_stopped(&self) -> bool {
        Promise::is_stopped(self)
    }

    fn fail_late(&self, limit: Duration) -> Option<FollowUp> {
        Promise::fail_late(self, limit)
    }

    fn call_back(&self) {
        Promise::call_back(self);
    }
}

/// How many calls were made, and how many of them failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Called {
    pub(crate) calls: usize,
    pub(crate) failed: usize,
}

/// One call, or the remaining calls of a chunk.
///
/// The order is: [`call`](Self::call), repeatedly if needed; [`split_off`](Self::split_off) or
/// [`refuse`](Self::refuse) for what remains; [`drop_function`](Self::drop_function);
/// [`publish`](Self::publish); [`release`](Self::release). Methods that run user code say so.
pub(crate) trait LocalTask: Send {
    fn promise(&self) -> &dyn AnyPromise;
    fn share_promise(&self) -> Arc<dyn AnyPromise>;
    /// How many calls have not been made.
    fn remaining(&self) -> usize;
    /// True if this is one of several parts of a chunk, which cannot be cancelled as a whole.
    fn is_part(&self) -> bool {
        false
    }
    /// Makes calls until none remains, the chunk is cancelled, or `patience` is over. A single task
    /// is called once each time this is called. Runs user code; a panic in it is the error of that
    /// call.
    fn call(&mut self, patience: Option<Duration>) -> Called;
    /// Splits off the last `calls` calls as a task of their own.
    fn split_off(&mut self, calls: usize) -> Box<dyn LocalTask>;
    /// Fails the remaining calls without making them. Runs user code: drops their arguments.
    fn refuse(&mut self, kind: Kind);
    /// Drops the function and its captures. Runs user code.
    fn drop_function(&mut self);
    /// Publishes what the calls returned as the answer of the future. `ending`: see
    /// [`Promise::complete_and`]. Runs user code: callbacks and wakers.
    fn publish(&mut self, ending: Option<&dyn Fn(bool)>);
    /// Releases the promise. If nobody wants the result, it is dropped here, which runs user code;
    /// `before` is called first.
    fn release(self: Box<Self>, before: &dyn Fn());
    /// Moves the task into a box, to run it later or on another thread; nothing of it is left here.
    fn detach(&mut self) -> Box<dyn LocalTask>;
}

/// A task of one call.
pub(crate) struct Single<R, C> {
    promise: Arc<Promise<R>>,
    function: Option<C>,
    outcome: Option<Result<R, PanicReport>>,
}

impl<R, C: FnMut() -> R> Single<R, C> {
    pub(crate) fn new(promise: Arc<Promise<R>>, function: C) -> Single<R, C> {
        Single { promise, function: Some(function), outcome: None }
    }
}

/// Turns a function that is called once into one that can be called through a reference.
pub(crate) fn once<R>(function: impl FnOnce() -> R) -> impl FnMut() -> R {
    let mut function = Some(function);
    move || match function.take() {
        Some(function) => function(),
        None => unreachable!("a task without retries is called once"),
    }
}

impl<R, C> LocalTask for Single<R, C>
where
    R: Send + 'static,
    C: FnMut() -> R + Send + 'static,
{
    fn promise(&self) -> &dyn AnyPromise {
        &*self.promise
    }

    fn share_promise(&self) -> Arc<dyn AnyPromise> {
        self.promise.clone()
    }

    fn remaining(&self) -> usize {
        usize::from(self.outcome.is_none())
    }

    fn call(&mut self, _patience: Option<Duration>) -> Called {
        let Some(function) = &mut self.function else { return Called::default() };
        let outcome = horsepower_core::panic::catch(function);
        let failed = usize::from(outcome.is_err());
        self.outcome = Some(outcome);
        Called { calls: 1, failed }
    }

    fn split_off(&mut self, _calls: usize) -> Box<dyn LocalTask> {
        unreachable!("one call is never cut into two")
    }

    fn refuse(&mut self, kind: Kind) {
        self.promise.fail(kind);
    }

    fn drop_function(&mut self) {
        self.function = None;
    }

    fn publish(&mut self, ending: Option<&dyn Fn(bool)>) {
        let Some(outcome) = self.outcome.take() else { return };
        let outcome = outcome.map_err(|report| self.promise.error(Kind::Panicked(report)));
        self.promise.complete_and(outcome, ending);
    }

    fn release(self: Box<Self>, before: &dyn Fn()) {
        release(self.promise, before);
    }

    fn detach(&mut self) -> Box<dyn LocalTask> {
        Box::new(Single {
            promise: self.promise.clone(),
            function: self.function.take(),
            outcome: self.outcome.take(),
        })
    }
}

fn release<R>(promise: Arc<Promise<R>>, before: &dyn Fn()) {
    if let Some(mut promise) = Arc::into_inner(promise)
        && std::mem::needs_drop::<R>()
        && promise.has_outcome()
    {
        before();
        drop(promise);
    }
}

/// Some of the items of a `map`, and their results so far.
pub(crate) struct Chunk<F, A, R> {
    promise: Arc<Promise<Vec<Outcome<R>>>>,
    /// `None` once it has been dropped.
    function: Option<Arc<F>>,
    clock: Arc<Clock>,
    items: std::vec::IntoIter<A>,
    /// The position of the first of `done` among the items of the whole chunk.
    first: usize,
    /// The answers of the items that were called or refused.
    done: Vec<Outcome<R>>,
    /// The answers of all parts, if there are several.
    gathered: Option<Arc<Mutex<Gathered<R>>>>,
}

/// Collects the answers of all parts of a chunk.
struct Gathered<R> {
    answers: Vec<Option<Outcome<R>>>,
    missing: usize,
}

impl<F, A, R> Chunk<F, A, R> {
    pub(crate) fn new(
        promise: Arc<Promise<Vec<Outcome<R>>>>,
        function: Arc<F>,
        items: Vec<A>,
        clock: Arc<Clock>,
    ) -> Chunk<F, A, R> {
        Chunk {
            promise,
            function: Some(function),
            clock,
            done: Vec::with_capacity(items.len()),
            items: items.into_iter(),
            first: 0,
            gathered: None,
        }
    }

    /// The answers of the whole chunk, if this was the last missing part.
    fn answers(&mut self) -> Option<Vec<Outcome<R>>> {
        let done = std::mem::take(&mut self.done);
        let Some(gathered) = &self.gathered else { return Some(done) };
        let mut gathered = gathered.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, outcome) in (self.first..).zip(done) {
            gathered.answers[place] = Some(outcome);
            gathered.missing -= 1;
        }
        let all = gathered.missing == 0;
        all.then(|| std::mem::take(&mut gathered.answers).into_iter().flatten().collect())
    }
}

impl<F, A, R> LocalTask for Chunk<F, A, R>
where
    F: Fn(A) -> R + Send + Sync + 'static,
    A: Send + 'static,
    R: Send + 'static,
{
    fn promise(&self) -> &dyn AnyPromise {
        &*self.promise
    }

    fn share_promise(&self) -> Arc<dyn AnyPromise> {
        self.promise.clone()
    }

    fn remaining(&self) -> usize {
        self.items.len()
    }

    fn is_part(&self) -> bool {
        self.gathered.is_some()
    }

    fn call(&mut self, patience: Option<Duration>) -> Called {
        let Some(function) = &self.function else { return Called::default() };
        let (started, before) = (Instant::now(), self.done.len());
        let mut called = Called::default();
        while patience.is_none_or(|patience| started.elapsed() < patience)
            && !self.promise.is_stopped()
            && let Some(item) = self.items.next()
        {
            let outcome = horsepower_core::panic::catch(|| function(item));
            called.failed += usize::from(outcome.is_err());
            let error = |report| Error::of_task(Kind::Panicked(report), self.promise.task.clone());
            self.done.push(outcome.map_err(error));
        }
        called.calls = self.done.len() - before;
        self.clock.learn(called.calls, started.elapsed());
        called
    }

    fn split_off(&mut self, calls: usize) -> Box<dyn LocalTask> {
        let all = self.done.len() + self.items.len();
        let gathered = self.gathered.get_or_insert_with(|| {
            let answers = std::iter::repeat_with(|| None).take(all).collect();
            Arc::new(Mutex::new(Gathered { answers, missing: all }))
        });
        let gathered = Some(gathered.clone());
        let keep = self.items.len() - calls;
        let mut items: Vec<A> = std::mem::take(&mut self.items).collect();
        let rest = items.split_off(keep);
        self.items = items.into_iter();
        Box::new(Chunk {
            promise: self.promise.clone(),
            function: self.function.clone(),
            clock: self.clock.clone(),
            done: Vec::with_capacity(rest.len()),
            items: rest.into_iter(),
            first: self.first + self.done.len() + keep,
            gathered,
        })
    }

    fn refuse(&mut self, kind: Kind) {
        if self.done.is_empty() && self.gathered.is_none() {
            // No part of it has started.
            self.promise.fail(kind);
        } else {
            let error = Error::of_task(kind, self.promise.task.clone());
            self.done.extend(self.items.as_slice().iter().map(|_| Err(error.clone())));
        }
        for item in std::mem::take(&mut self.items) {
            // A panic in the drop of one item must not keep the others from being answered.
            let _ = horsepower_core::panic::catch(|| drop(item));
        }
    }

    fn drop_function(&mut self) {
        self.function = None;
    }

    fn publish(&mut self, ending: Option<&dyn Fn(bool)>) {
        if let Some(answers) = self.answers() {
            self.promise.complete_and(Ok(answers), ending);
        }
    }

    fn release(self: Box<Self>, before: &dyn Fn()) {
        release(self.promise, before);
    }

    fn detach(&mut self) -> Box<dyn LocalTask> {
        Box::new(Chunk {
            promise: self.promise.clone(),
            function: self.function.take(),
            clock: self.clock.clone(),
            items: std::mem::take(&mut self.items),
            first: self.first,
            done: std::mem::take(&mut self.done),
            gathered: self.gathered.take(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::TaskFuture;

    type Answers = TaskFuture<Vec<Outcome<u32>>>;

    fn chunk(items: std::ops::Range<u32>) -> (Box<dyn LocalTask>, Answers) {
        let promise = Arc::new(Promise::new("double", None));
        let future = TaskFuture::new(promise.clone());
        let double = Arc::new(|n: u32| {
            assert_ne!(n, 13);
            2 * n
        });
        (Box::new(Chunk::new(promise, double, items.collect(), Arc::default())), future)
    }

    fn finish(mut task: Box<dyn LocalTask>) -> Called {
        let called = task.call(None);
        task.drop_function();
        task.publish(None);
        task.release(&|| ());
        called
    }

    #[test]
    fn the_parts_of_a_chunk_answer_together_and_in_order() {
        let (mut whole, mut answers) = chunk(10..20);
        assert_eq!(whole.call(Some(Duration::ZERO)), Called::default());
        let mut last = whole.split_off(4);
        assert_eq!((whole.remaining(), last.remaining()), (6, 4));
        let middle = last.split_off(3);
        assert_eq!(finish(middle), Called { calls: 3, failed: 0 });
        assert_eq!(finish(whole), Called { calls: 6, failed: 1 });
        assert!(answers.result_timeout(Duration::ZERO).unwrap_err().is_timeout());
        last.refuse(Kind::Cancelled);
        finish(last);
        let answers = answers.result().unwrap();
        let values: Vec<_> = answers.iter().map(|answer| answer.as_ref().ok().copied()).collect();
        let expected = [20, 22, 24, 0, 28, 30, 0, 34, 36, 38].map(Some);
        let expected: Vec<_> = expected.iter().map(|value| value.filter(|&n| n > 0)).collect();
        assert_eq!(values, expected);
        assert!(answers[3].as_ref().unwrap_err().is_panic());
        assert!(answers[6].as_ref().unwrap_err().is_cancelled());
    }

    #[test]
    fn a_chunk_that_is_refused_before_it_begins_is_one_error() {
        let (mut whole, answers) = chunk(0..3);
        whole.refuse(Kind::Shutdown);
        assert!(answers.result().unwrap_err().is_shutdown());
    }

    #[test]
    fn a_detached_task_is_the_same_task() {
        let (mut here, answers) = chunk(0..3);
        let there = here.detach();
        assert_eq!((here.remaining(), there.remaining()), (0, 3));
        finish(there);
        assert_eq!(answers.result().unwrap().len(), 3);
    }
}
