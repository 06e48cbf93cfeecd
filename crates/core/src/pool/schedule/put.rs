//! Step ③, put: which task goes into which lane, and when one is taken back.
//!
//! Called by [`Shared::commit`](crate::pool::shared::Shared) after every change, under the lock. An idle
//! worker first; else the shortest lane, up to the depth that the [`pace`](super::pace) gives. When a
//! worker runs dry while another has tasks waiting in its lane, half of those are taken back for it.

use super::schedule::{Phase, Schedule};
use crate::lane::BLOCK_LEN;
use crate::lane::frame::{FRAMED, SEGMENT};
use crate::pool::child::handle::WorkerHandle;
use crate::pool::child::segments::{LARGE, Segment};
use crate::pool::child::window::InLane;
use crate::pool::delivery::outbox::Outbox;
use crate::pool::place::Place;
use crate::pool::task::Task;
use crate::sync::Ordering;
use crate::task::Failure;
use std::io::ErrorKind::{BrokenPipe, ConnectionReset, WouldBlock};
use std::time::Instant;

/// A task on its way into a lane, with a segment that is to be filled without the lock.
#[derive(Debug)]
pub(crate) struct Staged {
    task: Task,
    segment: Segment,
    index: usize,
    serial: u64,
}

impl Staged {
    /// Copies the argument into the segment.
    pub(crate) fn fill(&mut self) {
        self.segment.memory.write(0, self.task.argument());
    }
}

impl Schedule {
    /// Puts queued tasks into lanes for as long as there is room. Returns a task whose argument is
    /// so large that the caller has to copy it without the lock; then to be called again.
    pub(crate) fn feed(&mut self, outbox: &mut Outbox) -> Option<Staged> {
        loop {
            let Some(task) = self.queue.pop(outbox) else {
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
            let worker = self.roster.get_mut(index)?;
            match worker.segment(len) {
                Ok(segment) => {
                    worker.window.stage();
                    task.state().set_place(Place::Staged);
                    return Some(Staged { task, segment, index, serial: worker.serial });
                }
                // The worker has just died; the task goes to another.
                Err(error) if matches!(error.kind(), BrokenPipe | ConnectionReset) => {
                    worker.disconnect();
                    self.queue.push_front(task);
                }
                // It has not read what it was sent before; later.
                Err(error) if error.kind() == WouldBlock => {
                    self.queue.push_front(task);
                    return None;
                }
                Err(error) => {
                    let why = format!("no shared memory for an argument of {len} bytes: {error}");
                    outbox.fail(task, Failure::NotSent(why));
                }
            }
        }
    }

    /// Puts a task into the lane for which it was staged, if that worker still lives.
    pub(crate) fn put_staged(&mut self, staged: Staged, outbox: &mut Outbox) {
        let Staged { task, segment, index, serial } = staged;
        let cancelled = task.state().place() == Place::Nowhere;
        if let Phase::Broken(reason) = &self.phase {
            // Everything else has failed while this task was in nobody's hands.
            let reason = reason.clone();
            return match cancelled {
                true => outbox.discard(task),
                false => outbox.fail(task, Failure::Broken(reason)),
            };
        }
        let cancelling = self.is_cancelling() && !cancelled;
        if let Some(worker) = self.roster.get_same(index, serial) {
            worker.window.unstage();
            let wanted = !cancelled && !cancelling && !task.state().is_stopped();
            if wanted && worker.is_usable() {
                return self.put(index, task, Some(segment));
            }
            worker.segments.give_back(segment);
        }
        if cancelling {
            outbox.fail(task, Failure::Cancelled);
        } else if cancelled {
            outbox.discard(task);
        } else {
            task.state().set_place(Place::Queue);
            self.queue.push_front(task);
        }
    }

    /// The index of the worker whose lane the next task goes into, if one has room.
    fn choose(&self, large: bool) -> Option<usize> {
        let most = if large { LARGE } else { self.pace.depth() };
        self.roster
            .enumerate()
            .filter(|(_, worker)| worker.is_usable() && worker.load() < most)
            .min_by_key(|(_, worker)| (worker.load(), !worker.stage().is_ready()))
            .map(|(index, _)| index)
    }

    /// Fills the next slot of a lane and hands it to the worker.
    pub(crate) fn put(&mut self, index: usize, task: Task, segment: Option<Segment>) {
        let spin = self.spin();
        let Some(worker) = self.roster.get_mut(index) else {
            return;
        };
        let position = worker.window.tail();
        let forget = worker.segments.next_forgotten();
        let argument = task.argument();
        let tier = match &segment {
            Some(_) => SEGMENT,
            None => worker.lane.write_argument(position, argument),
        };
        let framed = if task.is_framed() { FRAMED } else { 0 };
        // Without files for it, what the task prints goes where it always does.
        let capture = if task.captures() { worker.capture().ok() } else { None };
        let slot = worker.lane.ring().slot(position);
        let request = &slot.request;
        // Relaxed: guarded by the state word, which `publish` sets.
        request.entry.store(task.entry.offset(), Ordering::Relaxed);
        request.length.store(argument.len() as u64, Ordering::Relaxed);
        request.segment.store(segment.as_ref().map_or(0, |s| s.id), Ordering::Relaxed);
        request.forget.store(forget, Ordering::Relaxed);
        request.items.store(task.remaining(), Ordering::Relaxed);
        request.tier.store(tier | framed, Ordering::Relaxed);
        request.stop.store(0, Ordering::Relaxed);
        request.capture.store(capture.as_ref().map_or(0, |capture| capture.0), Ordering::Relaxed);
        slot.reply.began.store(0, Ordering::Relaxed);
        task.state().set_place(Place::Lane(index, position));
        let special = task.policy().is_some();
        let since = if special { Instant::now() } else { worker.history.started };
        worker.push(InLane::new(task, segment, capture.map(|capture| capture.1), since));
        worker.lane.ring().set_spin(spin);
        worker.history.slept = worker.lane.ring().publish(position);
        if self.limits.tasks.is_some_and(|most| worker.history.given >= most) {
            worker.retire();
        }
    }

    /// If a worker has nothing to do while another has tasks waiting in its lane, takes half of
    /// those back into the queue. True: there is something to feed now.
    fn share_out(&mut self) -> bool {
        if !self.roster.iter().any(WorkerHandle::is_idle) {
            return false;
        }
        let longest = self.roster.iter_mut().max_by_key(|worker| worker.window.in_flight());
        let Some(worker) = longest.filter(|worker| worker.window.in_flight() >= 2) else {
            return false;
        };
        let taken = worker.take_back(worker.window.in_flight() / 2);
        let any = !taken.is_empty();
        self.queue.put_back(taken);
        any
    }
}
