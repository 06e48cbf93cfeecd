//! Step ⑤, collect: what comes out of a lane of a living worker.
//!
//! All that a worker has written is checked here, also for [`recover`](super::recover): its state words,
//! counts, tiers, lengths and the headers of its records. A worker that breaks the rules is condemned: its
//! tasks fail, and the supervisor kills it. What is found is gathered in an [`Outbox`], and the receivers
//! are told once the lock is free.

use super::schedule::Schedule;
use crate::lane::frame::SEGMENT;
use crate::lane::record::{Status, next_record};
use crate::lane::ring::Seen;
use crate::pool::child::handle::WorkerHandle;
use crate::pool::child::window::InLane;
use crate::pool::delivery::outbox::{End, Outbox, Outcome, Reply};
use crate::pool::place::Place;
use crate::pool::task::Task;
use crate::sync::Ordering;
use crate::task::Failure;
use crate::wire::capture::Capture;
use smallvec::SmallVec;

/// How far the worker came with a task, and its results.
pub(crate) struct Found {
    pub(crate) items: u32,
    pub(crate) nanos: u64,
    pub(crate) reply: Option<Reply>,
}

impl Found {
    /// The worker has not come far enough with it to answer anything.
    pub(crate) const NOTHING: Found = Found { items: 0, nanos: 0, reply: None };

    /// The status of a reply with one record.
    fn status(&self) -> Option<Status> {
        let reply = self.reply.as_ref().filter(|_| self.items == 1)?;
        next_record(reply.bytes()?, &mut 0).map(|(status, _)| status)
    }
}

/// Reads what the worker has left in the slot at `position`.
///
/// # Errors
/// Which rule it broke.
pub(crate) fn find(
    worker: &mut WorkerHandle,
    index: usize,
    position: u32,
    dead: bool,
) -> Result<Found, String> {
    let lane = worker.lane.clone();
    let ring = lane.ring();
    let items = ring.items_done(position);
    let Some(entry) = worker.window.get(position) else {
        return Err("a reply without a task".into());
    };
    let remaining = entry.task.remaining();
    if items > remaining {
        return Err(format!("it answers {items} items of {remaining}"));
    }
    if items == 0 {
        let may = dead || entry.task.state().is_stopped();
        return if may { Ok(Found::NOTHING) } else { Err("an empty reply".into()) };
    }
    // Relaxed: guarded by the state word or, for the dead, by `items_done`; both were acquired.
    let frame = &ring.slot(position).reply;
    let tier = frame.tier.load(Ordering::Relaxed);
    let id = frame.segment.load(Ordering::Relaxed);
    let length = usize::try_from(frame.length.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
    let reply = if tier == SEGMENT {
        let segment = match worker.take_segment(position, id, length) {
            Some(segment) if segment.memory.len() >= length => segment,
            _ => {
                return Err(format!("a reply of {length} bytes in segment {id}, which is not so"));
            }
        };
        Reply::Segment { segment, length, index, serial: worker.serial }
    } else {
        let mut bytes = SmallVec::new();
        lane.read_reply(position, tier, &mut bytes, length)
            .ok_or_else(|| format!("a reply of {length} bytes in tier {tier}"))?;
        Reply::Own(bytes)
    };
    let bytes = reply.bytes();
    let mut start = 0;
    for item in 0..items {
        if bytes.and_then(|bytes| next_record(bytes, &mut start)).is_none() {
            return Err(format!("the record of item {item} is damaged"));
        }
    }
    Ok(Found { items, nanos: frame.nanos.load(Ordering::Relaxed), reply: Some(reply) })
}

impl Schedule {
    /// Takes every finished task out of every lane.
    pub(crate) fn collect_all(&mut self, outbox: &mut Outbox) {
        for index in self.roster.indices() {
            self.collect(index, outbox);
        }
    }

    /// Takes every finished task out of one lane.
    pub(crate) fn collect(&mut self, index: usize, outbox: &mut Outbox) {
        while let Some(worker) = self.roster.get_mut(index) {
            let Some(position) = worker.window.first() else { return };
            if worker.stage().why().is_some() {
                return;
            }
            match worker.lane.ring().look(position) {
                Seen::Ready | Seen::Running => return,
                Seen::Garbage(word) => {
                    return self.condemn(index, format!("a state word of {word:#x}"), outbox);
                }
                Seen::Done => {}
            }
            let found = match find(worker, index, position, false) {
                Ok(found) => found,
                Err(what) => return self.condemn(index, what, outbox),
            };
            worker.lane.ring().free(position);
            let pid = worker.pid();
            worker.history.has_replied(found.nanos);
            let Some(InLane { mut task, segment, capture, .. }) = worker.remove(position) else {
                return;
            };
            if let Some(segment) = segment {
                worker.segments.give_back(segment);
            }
            self.respawn.replied();
            self.pace.learn(found.nanos);
            let status = found.status();
            if status == Some(Status::NotTaken) {
                worker.disconnect();
                if task.survives_loss() {
                    self.requeue([task], outbox);
                    continue;
                }
            }
            if status == Some(Status::Panicked)
                && !self.is_cancelling()
                && let Some(pause) = task.retry()
            {
                if let Some(Reply::Segment { segment, serial, .. }) = found.reply {
                    self.give_back_segments(vec![(index, serial, segment)]);
                }
                self.delay(task, pause);
                continue;
            }
            if let Some(rest) = answer(task, found, pid, capture, outbox) {
                self.requeue([rest], outbox);
            }
        }
    }

    /// A worker has broken a rule of the lane: all its tasks fail, and the supervisor will kill it.
    pub(super) fn condemn(&mut self, index: usize, what: String, outbox: &mut Outbox) {
        let Some(worker) = self.roster.get_mut(index) else {
            return;
        };
        let pid = worker.pid();
        for task in worker.take_tasks() {
            outbox.fail(task, Failure::Protocol { pid, what: what.clone() });
        }
        worker.condemn(|| what);
    }
}

/// Puts the answers for the items that have results into the outbox. Returns the task if any items remain.
pub(crate) fn answer(
    mut task: Task,
    found: Found,
    pid: u32,
    capture: Option<Capture>,
    outbox: &mut Outbox,
) -> Option<Task> {
    let Found { items, nanos, reply: Some(reply) } = found else {
        return Some(task);
    };
    let receiver = task.receiver.clone();
    let first = task.items().start;
    let outcome = Outcome::Replied { pid, reply };
    let over = items == task.remaining();
    let items_done = first..first + items;
    let (whole, rest) = if over {
        task.state().set_place(Place::Ended);
        (Some(task), None)
    } else {
        task.advance(items);
        (None, Some(task))
    };
    outbox.ends.push(End { receiver, items: items_done, nanos, outcome, capture, over, whole });
    rest
}
