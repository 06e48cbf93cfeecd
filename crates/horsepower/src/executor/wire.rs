//! Typed tasks as messages, and their answers, for every backend that takes bytes.
//!
//! Steps ② encode and ⑥ decode happen here: in the parent, and in [`Typed`] in the other process.
//! The receivers of answers are here too: a [`Promise`] for one call, a [`Chunk`] for many.

use super::Message;
use super::backend::{Backend, MessageRunner};
use crate::codec::{decode, encode, encode_into, into_bytes};
use crate::error::{Error, Kind};
use crate::map::{ChunkFuture, Clock};
use crate::task::TaskFuture;
use crate::task::promise::{Outcome, Promise};
use crate::value::Value;
use horsepower_core::callback_threads::FollowUp;
use horsepower_core::entry_point::{EntryPoint, Invoke, Output};
use horsepower_core::payload::{Encoded, Payload};
use horsepower_core::record::{Status, arguments_len, push_argument};
use horsepower_core::task::{Answer, Failure, Receiver, TaskPolicy, TaskState};
use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A function and its argument in the form that is sent to another process.
pub(crate) fn call_of<F, A, R>(function: F, argument: A) -> Result<(EntryPoint, Payload), Kind>
where
    F: Fn(A) -> R + Send + Sync + 'static,
    A: Value,
    R: Value,
{
    let entry = EntryPoint::new::<F, Typed<A, R>>(function).map_err(Kind::NotSent)?;
    match horsepower_core::panic::catch(|| encode(argument)) {
        Ok(Ok(payload)) => Ok((entry, payload)),
        Ok(Err(error)) => Err(not_encoded::<A>(error.into())),
        Err(panic) => Err(not_encoded::<A>(panic.message.into())),
    }
}

fn not_encoded<A>(source: Box<dyn std::error::Error + Send + Sync>) -> Kind {
    Kind::ArgumentNotEncoded { type_name: type_name::<A>(), source }
}

/// Calls a function from `A` to `R` with bytes: this is what the other process runs.
pub(super) struct Typed<A, R>(PhantomData<fn(A) -> R>);

impl<F: Fn(A) -> R, A: Value, R: Value> Invoke<F> for Typed<A, R> {
    fn invoke(function: &F, argument: &[u8], output: &mut Output) -> Status {
        let argument = match decode::<A>(Encoded::own(argument)) {
            Ok(argument) => argument,
            Err(why) => {
                output.buffer().extend(format!("{}\n{why}", type_name::<A>()).bytes());
                return Status::NotDecoded;
            }
        };
        let result = function(argument);
        match into_bytes(result) {
            Ok(bulk) => output.set_bulk(bulk),
            Err(result) => {
                if let Err(error) = encode_into(result, output.buffer()) {
                    output.buffer().clear();
                    output.buffer().extend(format!("{}\n{error}", type_name::<R>()).bytes());
                    return Status::NotEncoded;
                }
            }
        }
        Status::Returned
    }
}

fn outcome_of<R: Value>(answer: Answer<'_>) -> Result<R, Kind> {
    match answer {
        Answer::Returned(bytes) => decode::<R>(bytes)
            .map_err(|why| Kind::ResultNotDecoded { type_name: type_name::<R>().into(), why }),
        Answer::Failed(failure) => Err(kind_of(failure)),
    }
}

impl<R: Value> Receiver for Promise<R> {
    fn task_state(&self) -> &TaskState {
        &self.task_state
    }

    fn begin(&self) -> bool {
        Promise::begin(self)
    }

    fn printed(&self, output: Vec<u8>, errors: Vec<u8>) {
        self.set_output(output, errors);
    }

    fn receive(&self, _item: u32, answer: Answer<'_>) -> FollowUp {
        self.answer(outcome_of(answer).map_err(|kind| self.error(kind)))
    }

    fn call_back(&self) {
        Promise::call_back(self);
    }
}

/// Collects the answers of a chunk of a `map`.
///
/// Each item has its own answer: those that finished before a crash have their results, the one
/// that crashed has its error, and the rest goes to another worker.
struct Chunk<R> {
    clock: Arc<Clock>,
    /// For each item that was sent: its position among the answers.
    places: Vec<usize>,
    answers: Mutex<Answers<R>>,
    promise: Arc<Promise<Vec<Outcome<R>>>>,
}

struct Answers<R> {
    answers: Vec<Option<Outcome<R>>>,
    missing: usize,
}

/// Sends `items` as one message.
pub(super) fn start_chunk<A: Value, R: Value>(
    backend: &(impl Backend + ?Sized),
    runner: &dyn MessageRunner,
    entry: EntryPoint,
    policy: Option<&TaskPolicy>,
    items: Vec<A>,
    clock: &Arc<Clock>,
) -> ChunkFuture<R> {
    let promise = Arc::new(Promise::new(entry.name(), backend.control()));
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
            Ok(Err(error)) => not_encoded::<A>(error.into()),
            Err(panic) => {
                // A failed encoding may have left partial bytes.
                payload.truncate(arguments_len(&payload, places.len() as u32));
                not_encoded::<A>(panic.message.into())
            }
        };
        answers.push(Some(Err(Error::of_task(error, entry.name()))));
    }
    let missing = places.len();
    let answers = Mutex::new(Answers { answers, missing });
    let chunk = Arc::new(Chunk { clock: clock.clone(), places, answers, promise });
    match NonZeroU32::new(missing as u32) {
        None => chunk.finish(),
        Some(count) => {
            let payload = Payload::new(payload);
            runner.start(Message::framed(entry, payload, count, policy.cloned(), chunk));
        }
    }
    future
}

impl<R> Chunk<R> {
    fn finish(&self) {
        let lock = || self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = std::mem::take(&mut lock().answers);
        self.promise.complete(Ok(answers.into_iter().flatten().collect()));
    }
}

impl<R: Value> Receiver for Chunk<R> {
    fn task_state(&self) -> &TaskState {
        &self.promise.task_state
    }

    fn begin(&self) -> bool {
        self.promise.begin()
    }

    fn spent(&self, items: u32, nanos: u64) {
        self.clock.learn(items as usize, Duration::from_nanos(nanos));
    }

    fn receive(&self, item: u32, answer: Answer<'_>) -> FollowUp {
        let outcome =
            outcome_of(answer).map_err(|kind| Error::of_task(kind, self.promise.task.clone()));
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        // Once all items are answered, no places are left.
        if let Some(&place) = self.places.get(item as usize)
            && let Some(answer @ None) = answers.answers.get_mut(place)
        {
            *answer = Some(outcome);
            answers.missing -= 1;
            if answers.missing == 0 {
                drop(answers);
                self.finish();
            }
        }
        // It has no callbacks: only the map sees this future.
        FollowUp::None
    }
}

impl<R> fmt::Debug for Chunk<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunk({} items of {})", self.places.len(), self.promise.task)
    }
}

/// Turns a failure reported by a backend into an error.
fn kind_of(failure: Failure) -> Kind {
    let named = |text: String| match text.split_once('\n') {
        Some((type_name, why)) => (type_name.to_owned(), why.to_owned()),
        None => ("value".to_owned(), text),
    };
    match failure {
        Failure::Panicked(report) => Kind::Panicked(report),
        Failure::NotDecoded(text) => {
            let (type_name, why) = named(text);
            Kind::ArgumentNotDecoded { type_name, why }
        }
        Failure::NotEncoded(text) => {
            let (type_name, why) = named(text);
            Kind::ResultNotEncoded { type_name, why }
        }
        Failure::NotSent(why) => Kind::NotSent(why),
        Failure::Died(death) => Kind::Died(death),
        Failure::NeverBegan { death, why } => Kind::NeverStarted { death, why },
        Failure::Protocol { pid, what } => Kind::Protocol { pid, what },
        Failure::Damaged(what) => Kind::Damaged(what),
        Failure::NoWorker(why) => {
            Kind::System { doing: "start a worker process", source: std::io::Error::other(why) }
        }
        Failure::Broken(reason) => Kind::Broken(reason),
        Failure::Deadline { pid, limit } => Kind::Deadline { pid, limit },
        Failure::QueueDeadline { limit } => Kind::QueueDeadline { limit },
        Failure::Memory { pid, limit, used } => Kind::Memory { pid, limit, used },
        Failure::Killed { pid } => Kind::Killed { pid },
        Failure::Cancelled => Kind::Cancelled,
        Failure::Copied => Kind::Copied,
        Failure::Shutdown => Kind::Shutdown,
        Failure::Lost => Kind::Lost,
    }
}
