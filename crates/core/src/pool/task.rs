//! A task as the pool knows it, and who is told of its end.

use crate::callback_threads::FollowUp;
use crate::death::Death;
use crate::lane::payload::{Encoded, Payload};
use crate::lane::record::arguments_len;
use crate::wire::entry_point::EntryPoint;
use crate::wire::panic::PanicReport;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A function and its encoded argument: one call, or, if the argument is framed, one call for each
/// of its items.
#[derive(Debug)]
pub struct Task {
    pub(super) entry: EntryPoint,
    pub(super) receiver: Arc<dyn Receiver>,
    /// Shared with the other parts of a task that was split.
    payload: Arc<Payload>,
    framed: bool,
    /// The items that have not ended, and where in the payload the first of them begins.
    items: Range<u32>,
    offset: usize,
    /// Where the last of them ends.
    end: usize,
    /// Some of its items have ended, or are with another part.
    begun: bool,
    /// `None`: nothing special, as with most tasks.
    terms: Option<Box<TaskPolicy>>,
}

/// What is asked for a task beyond being run.
#[derive(Clone, Debug, Default)]
pub struct TaskPolicy {
    /// How long each call may take from the moment it begins; then its worker is ended.
    pub deadline: Option<Duration>,
    /// How long a worker that is to be ended for the deadline has after a SIGTERM; then, or at once,
    /// it gets a SIGKILL.
    pub grace: Duration,
    /// How long the task may wait until it begins.
    pub queue_deadline: Option<Duration>,
    /// How often it may be begun again after it has failed; only for a task of one call.
    pub retries: u32,
    /// How long to wait before the first retry; twice as long before each further one.
    pub backoff: Duration,
    /// Keep what it prints and hand it over; only for a task of one call.
    pub capture: bool,
}

impl Task {
    /// A task of one call.
    #[must_use]
    pub fn single(entry: EntryPoint, payload: Payload, receiver: Arc<dyn Receiver>) -> Task {
        Task::new(entry, payload, false, 1, receiver)
    }

    /// A task of one call for each of the `items` in a payload made with
    /// [`push_argument`](crate::lane::record::push_argument). Each item ends by itself: what a crash costs
    /// is the item that crashed.
    #[must_use]
    pub fn framed(
        entry: EntryPoint,
        payload: Payload,
        items: u32,
        receiver: Arc<dyn Receiver>,
    ) -> Task {
        Task::new(entry, payload, true, items, receiver)
    }

    fn new(
        entry: EntryPoint,
        payload: Payload,
        framed: bool,
        items: u32,
        receiver: Arc<dyn Receiver>,
    ) -> Task {
        let end = payload.bytes().len();
        let payload = Arc::new(payload);
        let items = 0..items;
        let (offset, begun, terms) = (0, false, None);
        Task { entry, receiver, payload, framed, items, offset, end, begun, terms }
    }

    /// The task with these terms.
    #[must_use]
    pub fn with(mut self, terms: TaskPolicy) -> Task {
        self.terms = Some(Box::new(terms));
        self
    }

    /// The task, whose end is to be noticed although nobody waits for it.
    #[must_use]
    pub fn watched(self) -> Task {
        self.tag().set_watched();
        self
    }

    pub(super) fn terms(&self) -> Option<&TaskPolicy> {
        self.terms.as_deref()
    }

    /// True if what it prints is to be kept.
    pub(super) fn captures(&self) -> bool {
        self.terms().is_some_and(|terms| terms.capture && !self.framed)
    }

    /// Uses up a retry, if one is left. Returns how long to wait before it.
    pub(super) fn retry(&mut self) -> Option<Duration> {
        let terms = self.terms.as_mut().filter(|terms| terms.retries > 0 && !self.framed)?;
        terms.retries -= 1;
        let pause = terms.backoff;
        terms.backoff = pause.saturating_mul(2);
        Some(pause)
    }

    pub(super) fn tag(&self) -> &TaskState {
        self.receiver.task_state()
    }

    pub(super) fn is_framed(&self) -> bool {
        self.framed
    }

    /// True if some of its items have ended, or are with another part.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// The argument of the items that have not ended.
    pub(super) fn argument(&self) -> &[u8] {
        &self.payload.bytes()[self.offset..self.end]
    }

    /// The items that have not ended.
    pub(super) fn items(&self) -> Range<u32> {
        self.items.clone()
    }

    /// How many items have not ended.
    pub(super) fn remaining(&self) -> u32 {
        self.items.end - self.items.start
    }

    /// Notes that the next `items` items have ended.
    pub(super) fn advance(&mut self, items: u32) {
        self.items.start += items;
        self.begun = true;
        if self.framed {
            self.offset += arguments_len(self.argument(), items);
        }
    }

    /// Cuts off the last `items` items, as a task of their own.
    pub(super) fn split_off(&mut self, items: u32) -> Task {
        let at = self.items.end - items;
        self.begun = true;
        let offset = self.offset + arguments_len(self.argument(), at - self.items.start);
        let rest = Task {
            entry: self.entry,
            receiver: self.receiver.clone(),
            payload: self.payload.clone(),
            framed: true,
            items: at..self.items.end,
            offset,
            end: self.end,
            begun: true,
            terms: self.terms.clone(),
        };
        self.items.end = at;
        self.end = offset;
        rest
    }

    /// Tells the receiver that none of the remaining items will be answered.
    pub(super) fn fail_all(&self, failure: &Failure) {
        for item in self.items() {
            // Nobody could add callbacks yet.
            let _ = self.receiver.receive(item, Answer::Failed(failure.clone()));
        }
    }
}

/// Who is told how a task ended: a future. Called outside of the pool's lock, on whichever thread
/// noticed; once for each item.
pub trait Receiver: Send + Sync + std::fmt::Debug {
    /// Where the pool notes the task's whereabouts.
    fn task_state(&self) -> &TaskState;
    /// What the task has printed, if that was to be kept: standard output and standard error. Called
    /// before `receive`; once for each time that the task was begun.
    fn printed(&self, output: Vec<u8>, errors: Vec<u8>) {
        let _ = (output, errors);
    }
    /// How long the worker took for the next so many answers.
    fn spent(&self, items: u32, nanos: u64) {
        let _ = (items, nanos);
    }
    /// The answer for one item of the task.
    fn receive(&self, item: u32, answer: Answer<'_>) -> FollowUp;
    /// Calls the callbacks, if `receive` has left them; on a thread on which they may take their time.
    fn call_back(&self) {}
}

/// How one item of a task ended.
#[derive(Debug)]
pub enum Answer<'a> {
    /// The function returned; its encoded result.
    Returned(Encoded<'a>),
    /// It did not.
    Failed(Failure),
}

/// Why a task has no result.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The function panicked.
    Panicked(PanicReport),
    /// The argument could not be decoded in the worker; why.
    NotDecoded(String),
    /// The result could not be encoded; why.
    NotEncoded(String),
    /// The argument could not be sent; why.
    NotSent(String),
    /// The worker died while the function ran.
    Died(Death),
    /// The function ran longer than it may, and the worker was ended.
    Deadline {
        /// The worker's process id.
        pid: u32,
        /// How long it may run.
        limit: Duration,
    },
    /// The task has not begun in the time that it was given for that.
    QueueDeadline {
        /// How long it had.
        limit: Duration,
    },
    /// The worker used more memory than it may while the function ran, and was ended.
    Memory {
        /// The worker's process id.
        pid: u32,
        /// How many bytes it may use.
        limit: u64,
        /// How many bytes it was seen to use.
        used: u64,
    },
    /// The worker was ended because the task was to be.
    Killed {
        /// The worker's process id.
        pid: u32,
    },
    /// The process that was started for the task alone ended before it began.
    NeverBegan {
        /// How it ended.
        death: Death,
        /// What is known of the reason.
        why: Option<String>,
    },
    /// The worker broke the rules of the lane, and was ended; what was seen.
    Protocol {
        /// The worker's process id.
        pid: u32,
        /// What was seen.
        what: String,
    },
    /// The pool can start no workers; why.
    Broken(Arc<str>),
    /// It was cancelled: when the pool was shut down; or the rest of it, while it ran.
    Cancelled,
    /// Whoever had the task let go of it without an answer.
    Lost,
    /// The pool had been shut down before the task was submitted.
    Shutdown,
}

/// Where a task is. It belongs to the receiver, and the pool alone changes it, under its lock; so
/// Relaxed is enough everywhere.
#[derive(Debug, Default)]
pub struct TaskState {
    place: AtomicU64,
    /// Somebody other than a thread that attends wants to know when the task ends.
    watched: AtomicBool,
    /// No further item of the task is to begin.
    stopped: AtomicBool,
    /// It has begun before, and failed.
    begun: AtomicBool,
}

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// With nobody: not yet submitted, or cancelled.
    Nowhere,
    /// In the pool's queue.
    Queue,
    /// On its way into a lane.
    Staged,
    /// In the lane of the member with this index, at this position.
    Lane(usize, u32),
    /// It was split, and its parts are in several places.
    Scattered,
    /// Ended.
    Ended,
    /// Waiting for the time of its next try.
    Delayed,
}

impl TaskState {
    pub(super) fn place(&self) -> Place {
        match self.place.load(Ordering::Relaxed) {
            0 => Place::Nowhere,
            1 => Place::Queue,
            2 => Place::Staged,
            3 => Place::Ended,
            4 => Place::Scattered,
            5 => Place::Delayed,
            lane => Place::Lane((lane >> 32) as usize - 1, lane as u32),
        }
    }

    /// Notes where the task is now. Once it has been split, it stays [`Place::Scattered`].
    pub(super) fn set_place(&self, place: Place) {
        if self.place() == Place::Scattered {
            return;
        }
        let word = match place {
            Place::Nowhere => 0,
            Place::Queue => 1,
            Place::Staged => 2,
            Place::Ended => 3,
            Place::Scattered => 4,
            Place::Delayed => 5,
            Place::Lane(member, position) => ((member as u64 + 1) << 32) | u64::from(position),
        };
        self.place.store(word, Ordering::Relaxed);
    }

    /// True if somebody other than a thread that attends wants to know when the task ends.
    pub fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Relaxed)
    }

    /// Notes that somebody wants to know when the task ends.
    pub fn set_watched(&self) {
        self.watched.store(true, Ordering::Relaxed);
    }

    /// True if no further item of the task is to begin.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// True if the task has begun before, has failed, and is to be tried again.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Notes that the task has begun, and may begin again.
    pub fn set_begun(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }

    /// Notes that no further item of the task is to begin.
    pub fn set_stopped(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_keeps_every_place() {
        let tag = TaskState::default();
        assert_eq!(tag.place(), Place::Nowhere);
        let lanes = [Place::Lane(0, 0), Place::Lane(1000, u32::MAX)];
        for place in
            lanes.into_iter().chain([Place::Queue, Place::Staged, Place::Ended, Place::Delayed])
        {
            tag.set_place(place);
            assert_eq!(tag.place(), place);
        }
        tag.set_place(Place::Scattered);
        tag.set_place(Place::Queue);
        assert_eq!(tag.place(), Place::Scattered, "parts do not come together again");
    }
}
