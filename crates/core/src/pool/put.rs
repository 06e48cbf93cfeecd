//! Step ③, put: which task goes into which lane, and when one is taken back.
//!
//! An idle worker first; else the shortest lane, up to the depth that [`Books::depth`] gives. When a
//! worker runs dry while another has tasks waiting in its lane, half of those are taken back for it.

use super::books::{Books, Phase};
use super::member::{InLane, LARGE, Segment};
use super::place::Place;
use super::settled::Settled;
use super::task::Task;
use crate::lane::BLOCK_LEN;
use crate::lane::frame::{FRAMED, SEGMENT};
use crate::sync::Ordering;
use crate::task::Failure;
use std::io::ErrorKind::{BrokenPipe, ConnectionReset, WouldBlock};
use std::time::Instant;

/// A task on its way into a lane, with a segment that is to be filled without the lock.
#[derive(Debug)]
pub(super) struct Staged {
    task: Task,
    segment: Segment,
    index: usize,
    serial: u64,
}

impl Staged {
    pub(super) fn fill(&mut self) {
        self.segment.memory.write(0, self.task.argument());
    }
}

impl Books {
    /// Puts queued tasks into lanes for as long as there is room. Returns a task whose argument is
    /// so large that the caller has to copy it without the lock; then to be called again.
    pub(super) fn feed(&mut self, settled: &mut Settled) -> Option<Staged> {
        loop {
            let Some(task) = self.next_in_queue(settled) else {
                if self.share_out() {
                    continue;
                }
                return None;
            };
            let len = task.argument().len();
            let large = len > BLOCK_LEN || task.captures();
            let Some(index) = self.choose(large) else {
                self.queue.push_front(task);
                return None;
            };
            if len <= BLOCK_LEN {
                self.put(index, task, None);
                continue;
            }
            let member = self.members[index].as_mut()?;
            match member.segment(len) {
                Ok(segment) => {
                    member.staging += 1;
                    task.state().set_place(Place::Staged);
                    return Some(Staged { task, segment, index, serial: member.serial });
                }
                // The worker has just died; the task goes to another.
                Err(error) if matches!(error.kind(), BrokenPipe | ConnectionReset) => {
                    member.gone = true;
                    self.queue.push_front(task);
                }
                // It has not read what it was sent before; later.
                Err(error) if error.kind() == WouldBlock => {
                    self.queue.push_front(task);
                    return None;
                }
                Err(error) => {
                    let why = format!("no shared memory for an argument of {len} bytes: {error}");
                    settled.fail(task, Failure::NotSent(why));
                }
            }
        }
    }

    /// Puts a task into the lane for which it was staged, if that worker still lives.
    pub(super) fn put_staged(&mut self, staged: Staged, settled: &mut Settled) {
        let Staged { task, segment, index, serial } = staged;
        if let Phase::Broken(reason) = &self.phase {
            // Everything else has failed while this task was in nobody's hands.
            let reason = reason.clone();
            return match task.state().place() {
                Place::Nowhere => settled.discard(task),
                _ => settled.fail(task, Failure::Broken(reason)),
            };
        }
        if self.cancelling && task.state().place() != Place::Nowhere {
            if let Some(member) = self.member(index, serial) {
                member.staging -= 1;
                member.keep_segment(segment);
            }
            return settled.fail(task, Failure::Cancelled);
        }
        if let Some(member) = self.member(index, serial) {
            member.staging -= 1;
            let wanted = task.state().place() != Place::Nowhere && !task.state().is_stopped();
            if wanted && member.usable() {
                return self.put(index, task, Some(segment));
            }
            member.keep_segment(segment);
        }
        if task.state().place() == Place::Nowhere {
            settled.discard(task); // cancelled meanwhile
        } else {
            task.state().set_place(Place::Queue);
            self.queue.push_front(task);
        }
    }

    /// The member whose lane the next task goes into, if one has room.
    fn choose(&self, large: bool) -> Option<usize> {
        let most = if large { LARGE } else { self.depth() };
        self.members()
            .filter(|(_, member)| member.usable() && member.load() < most)
            .min_by_key(|(_, member)| (member.load(), !member.ready))
            .map(|(index, _)| index)
    }

    /// Fills the next slot of a lane and hands it to the worker.
    pub(super) fn put(&mut self, index: usize, task: Task, segment: Option<Segment>) {
        let spin = self.spin();
        let Some(member) = self.members[index].as_mut() else {
            return;
        };
        let position = member.tail;
        member.tail = position.wrapping_add(1);
        let forget = member.next_forgotten();
        let lane = member.lane.clone();
        let argument = task.argument();
        let tier = match &segment {
            Some(_) => SEGMENT,
            None => lane.write_argument(position, argument),
        };
        let framed = if task.is_framed() { FRAMED } else { 0 };
        // Without files for it, what the task prints goes where it always does.
        let capture = if task.captures() { member.capture().ok() } else { None };
        let request = &lane.ring().slot(position).request;
        // Relaxed: guarded by the state word, which `publish` sets.
        request.entry.store(task.entry.offset(), Ordering::Relaxed);
        request.length.store(argument.len() as u64, Ordering::Relaxed);
        request.segment.store(segment.as_ref().map_or(0, |s| s.id), Ordering::Relaxed);
        request.forget.store(forget, Ordering::Relaxed);
        request.items.store(task.remaining(), Ordering::Relaxed);
        request.tier.store(tier | framed, Ordering::Relaxed);
        request.stop.store(0, Ordering::Relaxed);
        request.capture.store(capture.as_ref().map_or(0, |capture| capture.0), Ordering::Relaxed);
        lane.ring().slot(position).reply.began.store(0, Ordering::Relaxed);
        task.state().set_place(Place::Lane(index, position));
        let entry = InLane {
            watched: task.state().is_watched(),
            since: if task.policy().is_some() { Instant::now() } else { member.born },
            strike: None,
            capture: capture.map(|capture| capture.1),
            task,
            segment,
        };
        member.insert(position, entry);
        member.fed += 1;
        lane.ring().set_spin(spin);
        let slept = lane.ring().publish(position);
        if let Some(member) = self.members[index].as_mut() {
            member.slept = slept;
            if self.tasks_per_worker.is_some_and(|most| member.fed >= most) {
                member.retire();
            }
        }
    }

    /// If a worker has nothing to do while another has tasks waiting in its lane, takes half of
    /// those back into the queue. True: there is something to feed now.
    fn share_out(&mut self) -> bool {
        if !self.members().any(|(_, m)| m.ready && m.usable() && m.load() == 0) {
            return false;
        }
        let longest = self.members().max_by_key(|(_, member)| member.in_flight);
        let Some((index, _)) = longest.filter(|(_, member)| member.in_flight >= 2) else {
            return false;
        };
        let Some(member) = self.members[index].as_mut() else {
            return false;
        };
        let taken = member.take_back(member.in_flight / 2);
        let any = !taken.is_empty();
        self.queue_again(taken);
        any
    }

    /// Puts tasks that were taken back from the end of a lane, the last one first, before the others.
    pub(super) fn queue_again(&mut self, tasks: Vec<Task>) {
        for task in tasks {
            task.state().set_place(Place::Queue);
            self.queue.push_front(task);
        }
    }
}
