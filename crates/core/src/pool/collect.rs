//! Step ⑤, collect: what comes out of a lane of a living worker.
//!
//! All that a worker has written is checked here, also for [`bury`](super::bury): its state words,
//! counts, tiers, lengths and the headers of its records. A worker that breaks the rules is condemned: its
//! tasks fail, the supervisor ends it. What is found is gathered in a [`Settled`], and the receivers are
//! told once the lock is free.

use super::books::Books;
use super::member::{InLane, Member};
use super::place::Place;
use super::settled::{End, How, Reply, Settled, Spent, record};
use super::task::Task;
use crate::lane::frame::SEGMENT;
use crate::lane::payload::Encoded;
use crate::lane::record::Status;
use crate::lane::ring::Seen;
use crate::sync::Ordering;
use crate::task::Failure;
use crate::wire::capture::Capture;
use smallvec::SmallVec;

/// How far the worker came with a task, and its results.
pub(super) struct Found {
    pub(super) items: u32,
    pub(super) nanos: u64,
    pub(super) reply: Option<Reply>,
}

impl Found {
    /// True if the call, of a task of one, has panicked.
    fn panicked(&self) -> bool {
        let Some(reply) = &self.reply else { return false };
        let status = reply.bytes().and_then(|bytes| record(bytes, &mut 0));
        self.items == 1 && status.is_some_and(|(status, _)| status == Status::Panicked)
    }
}

impl Reply {
    fn bytes(&self) -> Option<Encoded<'_>> {
        match self {
            Reply::Own(bytes) => Some(Encoded::own(bytes)),
            Reply::Segment { segment, length, .. } => Encoded::shared(&segment.memory, 0, *length),
        }
    }
}

/// Reads what the worker has left in the slot at `position`; `Err` says which rule it broke.
pub(super) fn find(
    member: &mut Member,
    index: usize,
    position: u32,
    dead: bool,
) -> Result<Found, String> {
    let lane = member.lane.clone();
    let ring = lane.ring();
    let items = ring.items_done(position);
    let Some(entry) = member.task(position) else {
        return Err("a reply without a task".into());
    };
    let remaining = entry.task.remaining();
    if items > remaining {
        return Err(format!("it answers {items} items of {remaining}"));
    }
    if items == 0 {
        let may = dead || entry.task.state().is_stopped();
        return if may {
            Ok(Found { items, nanos: 0, reply: None })
        } else {
            Err("an empty reply".into())
        };
    }
    // Relaxed: guarded by the state word or, for the dead, by `items_done`; both were acquired.
    let frame = &ring.slot(position).reply;
    let tier = frame.tier.load(Ordering::Relaxed);
    let id = frame.segment.load(Ordering::Relaxed);
    let length = usize::try_from(frame.length.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
    let reply = if tier == SEGMENT {
        let segment = match member.take_segment(position, id, length) {
            Some(segment) if segment.memory.len() >= length => segment,
            _ => {
                return Err(format!("a reply of {length} bytes in segment {id}, which is not so"));
            }
        };
        Reply::Segment { segment, length, index, serial: member.serial }
    } else {
        let mut bytes = SmallVec::new();
        lane.read_reply(position, tier, &mut bytes, length)
            .ok_or_else(|| format!("a reply of {length} bytes in tier {tier}"))?;
        Reply::Own(bytes)
    };
    let bytes = reply.bytes();
    let mut start = 0;
    for item in 0..items {
        if bytes.and_then(|bytes| record(bytes, &mut start)).is_none() {
            return Err(format!("the record of item {item} is damaged"));
        }
    }
    Ok(Found { items, nanos: frame.nanos.load(Ordering::Relaxed), reply: Some(reply) })
}

impl Books {
    /// Takes every finished task out of every lane.
    pub(super) fn collect_all(&mut self, settled: &mut Settled) {
        for index in 0..self.members.len() {
            self.collect(index, settled);
        }
    }

    /// Takes every finished task out of one lane.
    pub(super) fn collect(&mut self, index: usize, settled: &mut Settled) {
        while let Some(member) = self.members[index].as_mut() {
            member.skip_to_task();
            let position = member.head;
            if position == member.tail || member.condemned.is_some() {
                return;
            }
            match member.lane.ring().look(position) {
                Seen::Ready | Seen::Running => return,
                Seen::Garbage(word) => {
                    return self.condemn(index, format!("a state word of {word:#x}"), settled);
                }
                Seen::Done => {}
            }
            let found = match find(member, index, position, false) {
                Ok(found) => found,
                Err(what) => return self.condemn(index, what, settled),
            };
            member.lane.ring().free(position);
            let pid = member.pid;
            member.replies += 1;
            self.idle_deaths = 0;
            member.busy_nanos = member.busy_nanos.saturating_add(found.nanos);
            let Some(InLane { mut task, segment, capture, .. }) = member.remove(position) else {
                return;
            };
            if let Some(segment) = segment {
                member.keep_segment(segment);
            }
            self.learn(found.nanos);
            if found.panicked()
                && !self.cancelling
                && let Some(pause) = task.retry()
            {
                if let Some(Reply::Segment { segment, serial, .. }) = found.reply {
                    self.take_back_segments(vec![(index, serial, segment)]);
                }
                self.delay(task, pause);
                continue;
            }
            if let Some(rest) = settle_found(task, found, pid, capture, settled) {
                self.requeue([rest], settled);
            }
        }
    }

    /// A worker has broken a rule of the lane: all its tasks fail, and the supervisor will end it.
    pub(super) fn condemn(&mut self, index: usize, what: String, settled: &mut Settled) {
        let Some(member) = self.members[index].as_mut() else {
            return;
        };
        let pid = member.pid;
        for task in member.take_tasks() {
            settled.fail(task, Failure::Protocol { pid, what: what.clone() });
        }
        member.condemned = Some(what);
    }

    /// Gives segments back to the members that they came from.
    pub(super) fn take_back_segments(&mut self, spent: Vec<Spent>) {
        for (index, serial, segment) in spent {
            if let Some(member) = self.member(index, serial) {
                member.keep_segment(segment);
            }
        }
    }
}

/// Settles the items that have results, and returns the task if any remain.
pub(super) fn settle_found(
    mut task: Task,
    found: Found,
    pid: u32,
    capture: Option<Capture>,
    settled: &mut Settled,
) -> Option<Task> {
    let Found { items, nanos, reply: Some(reply) } = found else {
        return Some(task);
    };
    let receiver = task.receiver.clone();
    let first = task.items().start;
    let how = How::Replied { pid, reply };
    let items_done = first..first + items;
    if items == task.remaining() {
        task.state().set_place(Place::Ended);
        let (items, over, whole) = (items_done, true, Some(task));
        settled.ends.push(End { receiver, items, nanos, how, capture, over, whole });
        None
    } else {
        task.advance(items);
        let (items, over, whole) = (items_done, false, None);
        settled.ends.push(End { receiver, items, nanos, how, capture, over, whole });
        Some(task)
    }
}
