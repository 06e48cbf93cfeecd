//! Many items as one task of a process pool: how `map` sends them, and how their answers come back.
//!
//! The pool answers each item by itself: those that ended before a crash have their results, the one
//! that crashed has its error, and the rest goes to another worker.

use crate::complete::{Outcome, Promise};
use crate::decode::decode;
use crate::encode::encode_into;
use crate::error::{Error, Kind};
use crate::executor::processes::{failure, not_encoded};
use crate::future::TaskFuture;
use crate::map::{ChunkFuture, Clock};
use crate::origin::{Origin, Whose};
use crate::value::Value;
use horsepower_core::callback_threads::FollowUp;
use horsepower_core::entry_point::EntryPoint;
use horsepower_core::payload::Payload;
use horsepower_core::pool::{Answer, Receiver, Shared, Task, TaskPolicy, TaskState};
use horsepower_core::record::{arguments_len, push_argument};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Gathers the answers of a chunk.
struct Chunk<R> {
    tag: Arc<TaskState>,
    clock: Arc<Clock>,
    /// For each item that was sent: its place among the answers.
    places: Vec<usize>,
    answers: Mutex<Answers<R>>,
    promise: Arc<Promise<Vec<Outcome<R>>>>,
}

struct Answers<R> {
    answers: Vec<Option<Outcome<R>>>,
    missing: usize,
}

/// Sends `items` as one task.
pub(super) fn submit<A: Value, R: Value>(
    pool: &Arc<Shared>,
    entry: EntryPoint,
    terms: Option<&TaskPolicy>,
    items: Vec<A>,
    clock: &Arc<Clock>,
) -> ChunkFuture<R> {
    let tag = Arc::new(TaskState::default());
    let origin = Origin::Pool { pool: pool.clone(), tag: Whose::Shared(tag.clone()) };
    let promise = Arc::new(Promise::new(entry.name(), origin));
    let future = TaskFuture::new(promise.clone());

    let mut payload = Vec::new();
    let mut places = Vec::with_capacity(items.len());
    let mut answers = Vec::with_capacity(items.len());
    for (place, item) in items.into_iter().enumerate() {
        let encoded = horsepower_core::panic::catch(|| {
            push_argument(&mut payload, |bytes| encode_into(item, bytes))
        });
        let error = match encoded {
            Ok(Ok(())) => {
                places.push(place);
                answers.push(None);
                continue;
            }
            Ok(Err(error)) => not_encoded::<A>(error),
            Err(panic) => {
                // It may have left a part of itself.
                payload.truncate(arguments_len(&payload, places.len() as u32));
                not_encoded::<A>(panic.message.into())
            }
        };
        answers.push(Some(Err(Error::of_task(error, entry.name()))));
    }
    let missing = places.len();
    let count = missing as u32;
    let answers = Mutex::new(Answers { answers, missing });
    let chunk = Arc::new(Chunk { tag, clock: clock.clone(), places, answers, promise });
    if missing == 0 {
        chunk.finish();
    } else {
        let mut task = Task::framed(entry, Payload::new(payload), count, chunk);
        if count > 1 {
            // A worker may hand a part of it back, which is to go on though nobody reads results.
            task = task.watched();
        }
        pool.submit(match terms {
            Some(terms) => task.with(terms.clone()),
            None => task,
        });
    }
    future
}

impl<R> Chunk<R> {
    fn finish(&self) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = std::mem::take(&mut answers.answers);
        self.promise.complete(Ok(answers.into_iter().flatten().collect()));
    }
}

impl<R: Value> Receiver for Chunk<R> {
    fn tag(&self) -> &TaskState {
        &self.tag
    }

    fn spent(&self, items: u32, nanos: u64) {
        self.clock.learn(items as usize, Duration::from_nanos(nanos));
    }

    fn receive(&self, item: u32, answer: Answer<'_>) -> FollowUp {
        let task = || self.promise.task.clone();
        let outcome = match answer {
            Answer::Returned(bytes) => decode::<R>(bytes).map_err(|why| {
                let type_name = std::any::type_name::<R>().to_owned();
                Error::of_task(Kind::ResultNotDecoded { type_name, why }, task())
            }),
            Answer::Failed(why) => Err(Error::of_task(failure(why), task())),
        };
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&place) = self.places.get(item as usize)
            && answers.answers[place].replace(outcome).is_none()
        {
            answers.missing -= 1;
            if answers.missing == 0 {
                drop(answers);
                self.finish();
            }
        }
        // It has no callbacks: the future is the map's own.
        FollowUp::None
    }
}

impl<R> fmt::Debug for Chunk<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunk({} items of {})", self.places.len(), self.promise.task)
    }
}
