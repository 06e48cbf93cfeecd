//! What has been found to have ended, and telling it to the receivers, without the lock.
//!
//! Gathered by `collect` and `bury` while the lock is held. Receivers run code of the user.

use super::member::Segment;
use super::place::Place;
use super::stats::Counts;
use super::task::Task;
use crate::callback_threads::FollowUp;
use crate::lane::payload::Encoded;
use crate::lane::record::{HEADER, Status, parse_header};
use crate::lane::ring::INLINE;
use crate::task::{Answer, Failure, Receiver};
use crate::wire::capture::Capture;
use crate::wire::panic::PanicReport;
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// Ends that have been found and whose receivers are to be told.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) ends: Vec<End>,
    /// Tasks that were made by splitting others.
    pub(super) parts: usize,
    /// Tasks that were cancelled: to be dropped without the lock.
    discarded: Vec<Task>,
    /// Somebody else may have let go of them meanwhile, and then they are dropped here, with a result.
    released: Vec<Arc<dyn Receiver>>,
}

/// The end of one or several items of a task.
#[derive(Debug)]
pub(super) struct End {
    pub(super) receiver: Arc<dyn Receiver>,
    pub(super) items: Range<u32>,
    /// How long the worker took, if it replied.
    pub(super) nanos: u64,
    pub(super) how: How,
    /// What the task has printed.
    pub(super) capture: Option<Capture>,
    /// Nothing of the task remains.
    pub(super) over: bool,
    /// The task itself, to be dropped without the lock.
    pub(super) whole: Option<Task>,
}

#[derive(Debug)]
pub(super) enum How {
    /// With records of results, by the worker with this process id.
    Replied {
        pid: u32,
        reply: Reply,
    },
    Failed(Failure),
}

#[derive(Debug)]
pub(super) enum Reply {
    Own(SmallVec<[u8; INLINE]>),
    /// In a segment, which goes back to this member.
    Segment {
        segment: Segment,
        length: usize,
        index: usize,
        serial: u64,
    },
}

/// A segment that is to go back to its member.
pub(super) type Spent = (usize, u64, Segment);

impl Settled {
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty() && self.discarded.is_empty() && self.released.is_empty()
    }

    /// How many ends have been found.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Adds what another has found.
    pub(super) fn append(&mut self, other: &mut Settled) {
        self.ends.append(&mut other.ends);
        self.discarded.append(&mut other.discarded);
        self.released.append(&mut other.released);
        self.parts += std::mem::take(&mut other.parts);
    }

    /// Takes out what may take long to decode, each for itself.
    pub(super) fn take_large(&mut self) -> Vec<Settled> {
        let large =
            |end: &mut End| matches!(&end.how, How::Replied { reply: Reply::Segment { .. }, .. });
        let ends = self.ends.extract_if(.., large);
        ends.map(|end| Settled { ends: vec![end], ..Settled::default() }).collect()
    }

    /// To be dropped without the lock.
    pub(super) fn release(&mut self, receiver: Arc<dyn Receiver>) {
        self.released.push(receiver);
    }

    /// The task was cancelled, and its receiver knows; only its memory is left to be freed.
    pub(super) fn discard(&mut self, task: Task) {
        self.discarded.push(task);
    }

    /// All of the task's remaining items end with this failure.
    pub(super) fn fail(&mut self, task: Task, failure: Failure) {
        task.state().set_place(Place::Ended);
        self.fail_printed(task, failure, None);
    }

    /// The same, for a task that has begun.
    pub(super) fn fail_printed(&mut self, task: Task, failure: Failure, capture: Option<Capture>) {
        task.state().set_place(Place::Ended);
        self.ends.push(End {
            receiver: task.receiver.clone(),
            items: task.items(),
            nanos: 0,
            how: How::Failed(failure),
            capture,
            over: true,
            whole: Some(task),
        });
    }

    /// A task that was withdrawn ends with this failure.
    pub(super) fn refuse(&mut self, receiver: Arc<dyn Receiver>, failure: Failure) {
        let how = How::Failed(failure);
        let (items, nanos, capture, over, whole) = (0..1, 0, None, true, None);
        self.ends.push(End { receiver, items, nanos, how, capture, over, whole });
    }

    /// Tells the receivers.
    ///
    /// They run code of the user: `Deserialize`, wakers, `Drop`. Their panics are their own.
    pub(super) fn resolve(self, counts: &Counts) -> Resolved {
        let mut resolved = Resolved::default();
        for end in self.ends {
            resolved.over += usize::from(end.over);
            let left = crate::wire::panic::catch(|| end.tell(counts, &mut resolved.spent));
            resolved.to_call.extend(left.ok().flatten());
        }
        for task in self.discarded {
            let _ = crate::wire::panic::catch(|| drop(task));
        }
        for receiver in self.released {
            let _ = crate::wire::panic::catch(|| drop(receiver));
        }
        resolved
    }
}

/// What has come of telling the receivers.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// How many tasks are over.
    pub(super) over: usize,
    /// Segments that are free again.
    pub(super) spent: Vec<Spent>,
    /// Receivers with callbacks, which are to be called.
    pub(super) to_call: Vec<Arc<dyn Receiver>>,
}

impl End {
    /// Returns the receiver if it has callbacks to be called; else it may be dropped here, with the result.
    fn tell(self, counts: &Counts, spent: &mut Vec<Spent>) -> Option<Arc<dyn Receiver>> {
        let End { receiver, items, nanos, how, capture, over: _, whole: _task } = self;
        if let Some(capture) = capture {
            let (output, errors) = capture.read();
            receiver.printed(output, errors);
        }
        if nanos > 0 {
            receiver.spent(items.end - items.start, nanos);
        }
        let left = match how {
            How::Failed(failure) => {
                let cancelled = matches!(failure, Failure::Cancelled | Failure::Killed { .. });
                let counter = if cancelled { &counts.cancelled } else { &counts.failed };
                counts.add(counter, u64::from(items.end - items.start));
                let tell = |item| tell(&*receiver, item, Answer::Failed(failure.clone()));
                items.map(tell).fold(FollowUp::None, FollowUp::or)
            }
            How::Replied { pid, reply: Reply::Own(bytes) } => {
                tell_all(&*receiver, items, pid, Encoded::own(&bytes), counts)
            }
            How::Replied { pid, reply: Reply::Segment { segment, length, index, serial } } => {
                let left = Encoded::shared(&segment.memory, 0, length)
                    .map_or(FollowUp::None, |bytes| {
                        tell_all(&*receiver, items, pid, bytes, counts)
                    });
                spent.push((index, serial, segment));
                left
            }
        };
        (left == FollowUp::Callbacks).then_some(receiver)
    }
}

/// Tells the receiver of each record. The records have been checked, but those in a segment may have
/// been changed since.
fn tell_all(
    receiver: &dyn Receiver,
    items: Range<u32>,
    pid: u32,
    bytes: Encoded<'_>,
    counts: &Counts,
) -> FollowUp {
    let (mut start, mut left) = (0, FollowUp::None);
    for item in items {
        let answer = match record(bytes, &mut start) {
            Some((Status::Returned, bytes)) => Answer::Returned(bytes),
            Some((status, bytes)) => {
                Answer::Failed(bytes.with(|bytes| failure(status, bytes, pid)))
            }
            None => Answer::Failed(Failure::Protocol {
                pid,
                what: "its results were changed after they were sent".to_owned(),
            }),
        };
        // Before anybody can see that it has ended.
        let counter = match answer {
            Answer::Returned(_) => &counts.done,
            Answer::Failed(_) => &counts.failed,
        };
        counts.add(counter, 1);
        left = left.or(tell(receiver, item, answer));
    }
    left
}

/// One item's panic must not keep the others from being told.
fn tell(receiver: &dyn Receiver, item: u32, answer: Answer<'_>) -> FollowUp {
    crate::wire::panic::catch(|| receiver.receive(item, answer)).unwrap_or(FollowUp::None)
}

fn failure(status: Status, bytes: &[u8], pid: u32) -> Failure {
    let text = || String::from_utf8_lossy(bytes).into_owned();
    match status {
        Status::NotDecoded => Failure::NotDecoded(text()),
        Status::NotEncoded => Failure::NotEncoded(text()),
        Status::Panicked => match PanicReport::decode(bytes) {
            Some(report) => Failure::Panicked(report),
            None => Failure::Protocol { pid, what: "its report of a panic is damaged".to_owned() },
        },
        Status::Returned => unreachable!("the caller has sorted these out"),
    }
}

/// Reads the record that begins at `start`, and moves `start` behind it.
pub(super) fn record<'a>(bytes: Encoded<'a>, start: &mut usize) -> Option<(Status, Encoded<'a>)> {
    let mut head = [0; HEADER];
    bytes.part(*start, HEADER)?.copy_to(&mut head);
    let (status, len) = parse_header(head)?;
    let body = bytes.part(*start + HEADER, len)?;
    *start += HEADER + len;
    Some((status, body))
}

impl Settled {
    /// The last of the task's items has been settled.
    pub(super) fn finish(&mut self, task: Task) {
        self.ends.push(End {
            receiver: task.receiver.clone(),
            items: 0..0,
            nanos: 0,
            how: How::Failed(Failure::Cancelled),
            capture: None,
            over: true,
            whole: Some(task),
        });
    }
}
