//! Step ⑤, collect: what comes out of a lane, from a living worker or a dead one.
//!
//! All that a worker has written is checked here: its state words, counts, tiers, lengths and the
//! headers of its records. A worker that breaks the rules is condemned: its tasks fail, the
//! supervisor ends it. What is found is gathered in a [`Settled`], and the receivers are told once
//! the lock is free.

use super::books::Books;
use super::member::{InLane, Member, Segment};
use super::stats::Counts;
use super::task::{Answer, Failure, Place, Receiver, Task};
use crate::capture::Capture;
use crate::death::Death;
use crate::frame::SEGMENT;
use crate::panic::PanicReport;
use crate::payload::Encoded;
use crate::record::{HEADER, Status, parse_header};
use crate::ring::{INLINE, Seen};
use crate::sync::Ordering;
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// Ends that have been found and whose receivers are to be told.
#[derive(Debug, Default)]
pub(super) struct Settled {
    ends: Vec<End>,
    /// Tasks that were made by splitting others.
    pub(super) parts: usize,
    /// Tasks that were cancelled: to be dropped without the lock.
    discarded: Vec<Task>,
}

/// The end of one or several items of a task.
#[derive(Debug)]
struct End {
    receiver: Arc<dyn Receiver>,
    items: Range<u32>,
    /// How long the worker took, if it replied.
    nanos: u64,
    how: How,
    /// What the task has printed.
    capture: Option<Capture>,
    /// Nothing of the task remains.
    over: bool,
    /// The task itself, to be dropped without the lock.
    whole: Option<Task>,
}

#[derive(Debug)]
enum How {
    /// With records of results, by the worker with this process id.
    Replied {
        pid: u32,
        reply: Reply,
    },
    Failed(Failure),
}

#[derive(Debug)]
enum Reply {
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
        self.ends.is_empty() && self.discarded.is_empty()
    }

    /// How many ends have been found.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Adds what another has found.
    pub(super) fn append(&mut self, other: &mut Settled) {
        self.ends.append(&mut other.ends);
        self.discarded.append(&mut other.discarded);
        self.parts += std::mem::take(&mut other.parts);
    }

    /// The task was cancelled, and its receiver knows; only its memory is left to be freed.
    pub(super) fn discard(&mut self, task: Task) {
        self.discarded.push(task);
    }

    /// All of the task's remaining items end with this failure.
    pub(super) fn fail(&mut self, task: Task, failure: Failure) {
        task.tag().set_place(Place::Ended);
        self.fail_printed(task, failure, None);
    }

    /// The same, for a task that has begun.
    fn fail_printed(&mut self, task: Task, failure: Failure, capture: Option<Capture>) {
        task.tag().set_place(Place::Ended);
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

    /// Tells the receivers. Returns how many tasks are over, and the segments that are free again.
    ///
    /// Receivers run code of the user: `Deserialize`, callbacks, `Drop`. Their panics are their own.
    pub(super) fn resolve(self, counts: &Counts) -> (usize, Vec<Spent>) {
        let mut over = 0;
        let mut spent = Vec::new();
        for end in self.ends {
            over += usize::from(end.over);
            let _ = crate::panic::catch(|| end.tell(counts, &mut spent));
        }
        for task in self.discarded {
            let _ = crate::panic::catch(|| drop(task));
        }
        (over, spent)
    }
}

impl End {
    fn tell(self, counts: &Counts, spent: &mut Vec<Spent>) {
        let End { receiver, items, nanos, how, capture, over: _, whole: _task } = self;
        if let Some(capture) = capture {
            let (output, errors) = capture.read();
            receiver.printed(output, errors);
        }
        if nanos > 0 {
            receiver.spent(items.end - items.start, nanos);
        }
        match how {
            How::Failed(failure) => {
                let cancelled = matches!(failure, Failure::Cancelled | Failure::Killed { .. });
                let counter = if cancelled { &counts.cancelled } else { &counts.failed };
                counts.add(counter, u64::from(items.end - items.start));
                for item in items {
                    tell(&*receiver, item, Answer::Failed(failure.clone()));
                }
            }
            How::Replied { pid, reply: Reply::Own(bytes) } => {
                tell_all(&*receiver, items, pid, Encoded::own(&bytes), counts);
            }
            How::Replied { pid, reply: Reply::Segment { segment, length, index, serial } } => {
                if let Some(bytes) = Encoded::shared(&segment.memory, 0, length) {
                    tell_all(&*receiver, items, pid, bytes, counts);
                }
                spent.push((index, serial, segment));
            }
        }
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
) {
    let mut start = 0;
    let (mut done, mut failed) = (0, 0);
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
        match answer {
            Answer::Returned(_) => done += 1,
            Answer::Failed(_) => failed += 1,
        }
        tell(receiver, item, answer);
    }
    counts.add(&counts.done, done);
    counts.add(&counts.failed, failed);
}

/// One item's panic must not keep the others from being told.
fn tell(receiver: &dyn Receiver, item: u32, answer: Answer<'_>) {
    let _ = crate::panic::catch(|| receiver.receive(item, answer));
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
fn record<'a>(bytes: Encoded<'a>, start: &mut usize) -> Option<(Status, Encoded<'a>)> {
    let mut head = [0; HEADER];
    bytes.part(*start, HEADER)?.copy_to(&mut head);
    let (status, len) = parse_header(head)?;
    let body = bytes.part(*start + HEADER, len)?;
    *start += HEADER + len;
    Some((status, body))
}

/// How far the worker came with a task, and its results.
struct Found {
    items: u32,
    nanos: u64,
    reply: Option<Reply>,
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
fn find(member: &mut Member, index: usize, position: u32, dead: bool) -> Result<Found, String> {
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
        let may = dead || entry.task.tag().is_stopped();
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

    /// A worker has died: results that are complete count, the task that was running died with it,
    /// and tasks that had not begun go to another worker.
    pub(super) fn bury(&mut self, index: usize, death: &Death, settled: &mut Settled) {
        self.collect(index, settled);
        let Some(mut member) = self.members[index].take() else {
            return;
        };
        let mut rest = Vec::new();
        while {
            member.skip_to_task();
            member.head != member.tail
        } {
            let position = member.head;
            let seen = member.lane.ring().look(position);
            let doom = member.doom.as_ref().filter(|doom| doom.0 == position);
            let doom = doom.map(|doom| doom.1.clone());
            let found = match seen {
                Seen::Running => find(&mut member, index, position, true),
                Seen::Done if doom.is_some() => find(&mut member, index, position, true),
                _ => Ok(Found { items: 0, nanos: 0, reply: None }),
            };
            let Some(InLane { mut task, capture, .. }) = member.remove(position) else {
                break;
            };
            match (seen, found) {
                // Also if it has just ended after all: it was too late.
                (Seen::Running | Seen::Done, _) if doom.is_some() && !task.is_framed() => {
                    let failure = doom.unwrap_or(Failure::Cancelled);
                    self.fail_or_retry(task, failure, capture, settled);
                }
                (Seen::Ready, _) if member.alone => {
                    let why = member.condemned.clone();
                    settled.fail(task, Failure::NeverBegan { death: death.clone(), why });
                }
                (Seen::Ready, _) => rest.push(task),
                (Seen::Done, Ok(found)) if doom.is_some() => {
                    rest.extend(settle_found(task, found, member.pid, capture, settled));
                }
                (Seen::Running, Ok(found)) => {
                    let pid = member.pid;
                    let failure = doom.unwrap_or_else(|| Failure::Died(death.clone()));
                    if !task.is_framed() && found.items == 0 {
                        self.fail_or_retry(task, failure, capture, settled);
                        continue;
                    }
                    let Some(left) = settle_found(task, found, pid, capture, settled) else {
                        continue;
                    };
                    task = left;
                    let victim = task.items().start;
                    task.advance(1);
                    let over = task.remaining() == 0;
                    if over {
                        task.tag().set_place(Place::Ended);
                    }
                    settled.ends.push(End {
                        receiver: task.receiver.clone(),
                        items: victim..victim + 1,
                        nanos: 0,
                        how: How::Failed(failure),
                        capture: None,
                        over: false,
                        whole: None,
                    });
                    if over { settled.finish(task) } else { rest.push(task) }
                }
                (_, found) => {
                    let what = found.err().unwrap_or_else(|| format!("{seen:?} in its lane"));
                    settled.fail(task, Failure::Protocol { pid: member.pid, what });
                }
            }
        }
        self.requeue(rest, settled);
        if member.attended {
            member.lane.ring().bell().wake();
        }
    }

    /// The task has failed with its worker: it is tried again, or ends.
    fn fail_or_retry(
        &mut self,
        mut task: Task,
        failure: Failure,
        capture: Option<Capture>,
        settled: &mut Settled,
    ) {
        let wanted = !matches!(failure, Failure::Killed { .. });
        match task.retry().filter(|_| wanted) {
            Some(pause) => self.delay(task, pause),
            None => settled.fail_printed(task, failure, capture),
        }
    }

    /// Puts tasks back to the front of the queue, in their order. The rest of a task of many items is
    /// split among the workers that have nothing to do.
    fn requeue(&mut self, tasks: impl IntoIterator<Item = Task>, settled: &mut Settled) {
        let tasks: SmallVec<[Task; 1]> = tasks.into_iter().collect();
        for mut task in tasks.into_iter().rev() {
            if task.tag().is_stopped() {
                settled.fail(task, Failure::Cancelled);
                continue;
            }
            let others = if task.has_begun() { self.spare_workers() as u32 } else { 0 };
            let share = task.remaining().div_ceil(others + 1).max(1);
            while task.remaining() > share {
                let part = task.split_off(share);
                part.tag().set_place(Place::Scattered);
                settled.parts += 1;
                self.queue.push_front(part);
            }
            // One that has begun cannot be taken back whole any more.
            let begun = task.has_begun();
            task.tag().set_place(if begun { Place::Scattered } else { Place::Queue });
            self.queue.push_front(task);
        }
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

impl Settled {
    /// The last of the task's items has been settled.
    fn finish(&mut self, task: Task) {
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

/// Settles the items that have results, and returns the task if any remain.
fn settle_found(
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
        task.tag().set_place(Place::Ended);
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
