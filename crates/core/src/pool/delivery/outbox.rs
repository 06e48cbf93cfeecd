//! Ends that were found under the lock and whose receivers are to be told without it.
//!
//! Filled by the [`schedule`](crate::pool::schedule) while the lock is held; emptied by
//! [`deliver`](super::deliver). Whatever may run code of the user when it is dropped goes here too.

use crate::lane::payload::Encoded;
use crate::lane::ring::INLINE;
use crate::pool::child::segments::Segment;
use crate::pool::place::Place;
use crate::pool::task::Task;
use crate::task::{Failure, Receiver};
use crate::wire::capture::Capture;
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// Ends that have been found and whose receivers are to be told.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) ends: Vec<End>,
    /// How many tasks were made by splitting others.
    pub(crate) parts: usize,
    /// Tasks that were cancelled: to be dropped without the lock.
    pub(super) discarded: Vec<Task>,
    /// Receivers that everybody else may have let go of meanwhile: to be dropped without the lock, with
    /// their results.
    pub(super) released: Vec<Arc<dyn Receiver>>,
}

/// The end of one or several items of a task.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) receiver: Arc<dyn Receiver>,
    pub(crate) items: Range<u32>,
    /// How long the worker took, if it replied.
    pub(crate) nanos: u64,
    pub(crate) outcome: Outcome,
    /// What the task has printed.
    pub(crate) capture: Option<Capture>,
    /// Nothing of the task remains.
    pub(crate) over: bool,
    /// The task itself, to be dropped without the lock.
    pub(crate) whole: Option<Task>,
}

#[derive(Debug)]
pub(crate) enum Outcome {
    /// The worker with this process id has replied, with records of results.
    Replied {
        pid: u32,
        reply: Reply,
    },
    Failed(Failure),
}

/// The records of results that a worker has replied with.
#[derive(Debug)]
pub(crate) enum Reply {
    Own(SmallVec<[u8; INLINE]>),
    /// In a segment, which goes back to this worker.
    Segment {
        segment: Segment,
        length: usize,
        index: usize,
        serial: u64,
    },
}

/// A segment that goes back to the worker with this index and serial number.
pub(crate) type SpentSegment = (usize, u64, Segment);

impl Reply {
    pub(crate) fn bytes(&self) -> Option<Encoded<'_>> {
        match self {
            Reply::Own(bytes) => Some(Encoded::own(bytes)),
            Reply::Segment { segment, length, .. } => Encoded::shared(&segment.memory, 0, *length),
        }
    }
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty() && self.discarded.is_empty() && self.released.is_empty()
    }

    /// How many ends have been found.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Adds what another has found.
    pub(crate) fn append(&mut self, other: &mut Outbox) {
        self.ends.append(&mut other.ends);
        self.discarded.append(&mut other.discarded);
        self.released.append(&mut other.released);
        self.parts += std::mem::take(&mut other.parts);
    }

    /// Takes out the ends that may take long to decode, each for itself.
    pub(crate) fn take_large(&mut self) -> Vec<Outbox> {
        let large = |end: &mut End| {
            matches!(&end.outcome, Outcome::Replied { reply: Reply::Segment { .. }, .. })
        };
        let ends = self.ends.extract_if(.., large);
        ends.map(|end| Outbox { ends: vec![end], ..Outbox::default() }).collect()
    }

    /// The receiver is to be dropped without the lock.
    pub(crate) fn release(&mut self, receiver: Arc<dyn Receiver>) {
        self.released.push(receiver);
    }

    /// The task was cancelled, and its receiver knows; only its memory is left to be freed.
    pub(crate) fn discard(&mut self, task: Task) {
        self.discarded.push(task);
    }

    /// All of the task's remaining items end with this failure.
    pub(crate) fn fail(&mut self, task: Task, failure: Failure) {
        self.fail_begun(task, failure, None);
    }

    /// The same, for a task that has begun and may have printed something.
    pub(crate) fn fail_begun(&mut self, task: Task, failure: Failure, capture: Option<Capture>) {
        task.state().set_place(Place::Ended);
        self.ends.push(End {
            receiver: task.receiver.clone(),
            items: task.items(),
            nanos: 0,
            outcome: Outcome::Failed(failure),
            capture,
            over: true,
            whole: Some(task),
        });
    }

    /// The one item of a task that was withdrawn ends with this failure.
    pub(crate) fn refuse(&mut self, receiver: Arc<dyn Receiver>, failure: Failure) {
        let outcome = Outcome::Failed(failure);
        let (items, nanos, capture, over, whole) = (0..1, 0, None, true, None);
        self.ends.push(End { receiver, items, nanos, outcome, capture, over, whole });
    }

    /// This one item of the task ends with this failure; others may remain.
    pub(crate) fn fail_item(&mut self, task: &Task, item: u32, failure: Failure) {
        self.ends.push(End {
            receiver: task.receiver.clone(),
            items: item..item + 1,
            nanos: 0,
            outcome: Outcome::Failed(failure),
            capture: None,
            over: false,
            whole: None,
        });
    }

    /// The ends of all items of the task are here: it is over.
    pub(crate) fn finish(&mut self, task: Task) {
        self.ends.push(End {
            receiver: task.receiver.clone(),
            items: 0..0,
            nanos: 0,
            outcome: Outcome::Failed(Failure::Cancelled),
            capture: None,
            over: true,
            whole: Some(task),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::task::samples::{framed, single};

    #[test]
    fn what_one_has_found_another_can_tell() {
        let (mut one, mut other) = (Outbox::default(), Outbox::default());
        assert!(one.is_empty());
        one.fail(single(b""), Failure::Cancelled);
        let task = framed(5);
        other.fail_item(&task, 2, Failure::Cancelled);
        other.parts = 3;
        other.release(task.receiver.clone());
        other.discard(task);
        one.append(&mut other);
        assert!(other.is_empty() && other.parts == 0);
        assert_eq!((one.len(), one.parts), (2, 3));
        let ends: Vec<_> = one.ends.iter().map(|end| (end.items.clone(), end.over)).collect();
        assert_eq!(ends, [(0..1, true), (2..3, false)]);
        assert!(one.take_large().is_empty(), "nothing of this is in a segment");
        assert_eq!((one.discarded.len(), one.released.len()), (1, 1));
    }
}
