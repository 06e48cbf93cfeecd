//! A task as the pool knows it, and who is told of its end.

use crate::call::EntryPoint;
use crate::death::Death;
use crate::panic::PanicReport;
use crate::payload::{Payload, ReplyBytes};
use crate::record::next_argument;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A function and its encoded argument: one call, or, if the argument is framed, one call for each
/// of its items.
#[derive(Debug)]
pub struct Task {
    pub(super) entry: EntryPoint,
    pub(super) receiver: Arc<dyn Receiver>,
    payload: Payload,
    framed: bool,
    items: u32,
    /// Items that have ended, and where in the payload the next one begins.
    ended: u32,
    offset: usize,
}

impl Task {
    /// A task of one call.
    #[must_use]
    pub fn single(entry: EntryPoint, payload: Payload, receiver: Arc<dyn Receiver>) -> Task {
        Task { entry, receiver, payload, framed: false, items: 1, ended: 0, offset: 0 }
    }

    /// A task of one call for each of the `items` in a payload made with
    /// [`push_argument`](crate::record::push_argument). Each item ends by itself: what a crash costs
    /// is the item that crashed.
    #[must_use]
    pub fn framed(
        entry: EntryPoint,
        payload: Payload,
        items: u32,
        receiver: Arc<dyn Receiver>,
    ) -> Task {
        Task { entry, receiver, payload, framed: true, items, ended: 0, offset: 0 }
    }

    pub(super) fn tag(&self) -> &Tag {
        self.receiver.tag()
    }

    pub(super) fn is_framed(&self) -> bool {
        self.framed
    }

    /// The argument of the items that have not ended.
    pub(super) fn argument(&self) -> &[u8] {
        &self.payload.bytes()[self.offset..]
    }

    /// Number of the first item that has not ended.
    pub(super) fn first(&self) -> u32 {
        self.ended
    }

    /// How many items have not ended.
    pub(super) fn remaining(&self) -> u32 {
        self.items - self.ended
    }

    /// Notes that the next `items` items have ended.
    pub(super) fn advance(&mut self, items: u32) {
        self.ended += items;
        if self.framed {
            let mut rest = self.argument();
            for _ in 0..items {
                next_argument(&mut rest);
            }
            self.offset = self.payload.bytes().len() - rest.len();
        }
    }

    /// Tells the receiver that none of the remaining items will be answered.
    pub(super) fn fail_all(&self, failure: &Failure) {
        for item in self.ended..self.items {
            self.receiver.receive(item, Answer::Failed(failure.clone()));
        }
    }
}

/// Who is told how a task ended: a future. Called outside of the pool's lock, on whichever thread
/// noticed; once for each item.
pub trait Receiver: Send + Sync + std::fmt::Debug {
    /// Where the pool notes the task's whereabouts.
    fn tag(&self) -> &Tag;
    /// The answer for one item of the task.
    fn receive(&self, item: u32, answer: Answer<'_>);
}

/// How one item of a task ended.
#[derive(Debug)]
pub enum Answer<'a> {
    /// The function returned; its encoded result.
    Returned(ReplyBytes<'a>),
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
    /// The worker broke the rules of the lane, and was ended; what was seen.
    Protocol {
        /// The worker's process id.
        pid: u32,
        /// What was seen.
        what: String,
    },
    /// The pool can start no workers; why.
    Broken(Arc<str>),
    /// The rest of a task that was cancelled while it ran.
    Cancelled,
    /// The pool had been shut down before the task was submitted.
    Shutdown,
}

/// Where a task is. It belongs to the receiver, and the pool alone changes it, under its lock; so
/// Relaxed is enough everywhere.
#[derive(Debug, Default)]
pub struct Tag {
    place: AtomicU64,
    watched: AtomicBool,
    stopped: AtomicBool,
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
    /// Ended.
    Ended,
}

impl Tag {
    pub(super) fn place(&self) -> Place {
        match self.place.load(Ordering::Relaxed) {
            0 => Place::Nowhere,
            1 => Place::Queue,
            2 => Place::Staged,
            3 => Place::Ended,
            lane => Place::Lane((lane >> 32) as usize - 1, lane as u32),
        }
    }

    pub(super) fn set_place(&self, place: Place) {
        let word = match place {
            Place::Nowhere => 0,
            Place::Queue => 1,
            Place::Staged => 2,
            Place::Ended => 3,
            Place::Lane(member, position) => ((member as u64 + 1) << 32) | u64::from(position),
        };
        self.place.store(word, Ordering::Relaxed);
    }

    /// True if somebody other than a thread that attends wants to know when the task ends.
    pub(super) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Relaxed)
    }

    pub(super) fn set_watched(&self) {
        self.watched.store(true, Ordering::Relaxed);
    }

    /// True if no further item of the task is to begin.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub(super) fn set_stopped(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_keeps_every_place() {
        let tag = Tag::default();
        assert_eq!(tag.place(), Place::Nowhere);
        for place in [
            Place::Queue,
            Place::Staged,
            Place::Ended,
            Place::Lane(0, 0),
            Place::Lane(1000, u32::MAX),
            Place::Nowhere,
        ] {
            tag.set_place(place);
            assert_eq!(tag.place(), place);
        }
    }
}
