//! Many items as one task on a thread; when they take longer than expected, as several.

use super::queue::{Job, Pool, count};
use super::single::release;
use crate::complete::{Outcome, Promise};
use crate::error::{Error, Kind};
use crate::future::TaskFuture;
use crate::map::{ChunkFuture, Clock};
use crate::origin::Origin;
use std::any::type_name;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a thread goes on with the items of one chunk before it shares the rest.
const PATIENCE: Duration = Duration::from_millis(5);

/// Items of a `map`, and their answers.
pub(super) struct Chunk<F, R> {
    function: Arc<F>,
    clock: Arc<Clock>,
    answers: Mutex<Answers<R>>,
    promise: Arc<Promise<Vec<Outcome<R>>>>,
}

struct Answers<R> {
    answers: Vec<Option<Outcome<R>>>,
    missing: usize,
}

/// Those of its items that are to be called next, with their places.
struct Part<F, A, R> {
    chunk: Arc<Chunk<F, R>>,
    items: Vec<(usize, A)>,
    /// It is the whole chunk.
    whole: bool,
}

impl<F, R> Chunk<F, R>
where
    F: Send + Sync + 'static,
    R: Send + 'static,
{
    /// Gives the items to the pool.
    pub(super) fn submit<A>(
        pool: &Arc<Pool>,
        function: &Arc<F>,
        items: Vec<A>,
        clock: &Arc<Clock>,
    ) -> ChunkFuture<R>
    where
        F: Fn(A) -> R,
        A: Send + 'static,
    {
        let promise = Arc::new(Promise::new(type_name::<F>(), Origin::Here));
        let missing = items.len();
        let answers = Answers { answers: items.iter().map(|_| None).collect(), missing };
        let chunk = Arc::new(Chunk {
            function: function.clone(),
            clock: clock.clone(),
            answers: Mutex::new(answers),
            promise: promise.clone(),
        });
        let items = items.into_iter().enumerate().collect();
        pool.submit(Box::new(Part { chunk, items, whole: true }));
        TaskFuture::new(promise)
    }

    /// Takes the answers for some of the items. Those of all items, once they are there.
    fn answer(
        &self,
        done: impl IntoIterator<Item = (usize, Outcome<R>)>,
    ) -> Option<Vec<Outcome<R>>> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, outcome) in done {
            answers.answers[place] = Some(outcome);
            answers.missing -= 1;
        }
        let all = (answers.missing == 0).then(|| std::mem::take(&mut answers.answers));
        all.map(|answers| answers.into_iter().flatten().collect())
    }

    /// The answer for items that are not to begin, by their places.
    fn refuse<A>(&self, items: Vec<(usize, A)>, kind: Kind) -> Option<Vec<Outcome<R>>> {
        let error = Error::of_task(kind, self.promise.task.clone());
        let answers = items.iter().map(|(place, _)| (*place, Err(error.clone())));
        let all = self.answer(answers);
        for item in items {
            // One that panics when it is dropped must not keep the others from being told.
            let _ = horsepower_core::panic::catch(|| drop(item));
        }
        all
    }
}

impl<F, A, R> Job for Part<F, A, R>
where
    F: Fn(A) -> R + Send + Sync + 'static,
    A: Send + 'static,
    R: Send + 'static,
{
    /// Calls items until they are done or patience is over; the rest is split among the threads.
    fn run(self: Box<Self>, pool: &Arc<Pool>) {
        let Part { chunk, items, whole } = *self;
        if whole && !chunk.promise.begin() {
            return count(&pool.counts.cancelled, items.len());
        }
        let started = Instant::now();
        let mut done = Vec::with_capacity(items.len());
        let mut items = items.into_iter();
        while started.elapsed() < PATIENCE
            && !chunk.promise.is_stopped()
            && let Some((place, item)) = items.next()
        {
            let outcome = horsepower_core::panic::catch(|| (chunk.function)(item));
            let failed =
                |report| Error::of_task(Kind::Panicked(report), chunk.promise.task.clone());
            done.push((place, outcome.map_err(failed)));
        }
        chunk.clock.learn(done.len(), started.elapsed());
        let failed = done.iter().filter(|(_, outcome)| outcome.is_err()).count();
        count(&pool.counts.failed, failed);
        count(&pool.counts.done, done.len() - failed);
        let mut rest: Vec<_> = items.collect();
        let mut all = None;
        if chunk.promise.is_stopped() {
            // Whoever waited for it has left.
            count(&pool.counts.cancelled, rest.len());
            all = chunk.refuse(std::mem::take(&mut rest), Kind::Cancelled);
        }
        let share = rest.len().div_ceil(pool.workers()).max(1);
        while !rest.is_empty() {
            let items = rest.split_off(rest.len().saturating_sub(share));
            pool.hold();
            pool.submit_held(Box::new(Part { chunk: chunk.clone(), items, whole: false }));
        }
        let all = chunk.answer(done).or(all);
        let promise = chunk.promise.clone();
        // With the last part goes the function, which is the user's.
        pool.within(|| drop(chunk));
        if let Some(all) = all {
            promise.complete_and(Ok(all), &|ending| pool.set_ending(ending));
        }
        release(pool, promise);
    }

    fn calls(&self) -> usize {
        self.items.len()
    }

    fn is_over(&self) -> bool {
        self.whole && self.chunk.promise.is_over()
    }

    fn is_cancelled(&self) -> bool {
        self.whole && self.chunk.promise.is_cancelled()
    }

    fn refuse(self: Box<Self>, kind: Kind) {
        let Part { chunk, items, whole } = *self;
        if whole {
            return chunk.promise.fail(kind);
        }
        if let Some(all) = chunk.refuse(items, kind) {
            chunk.promise.complete(Ok(all));
        }
    }
}
