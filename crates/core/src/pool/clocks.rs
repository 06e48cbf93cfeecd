//! The clocks of the pool: deadlines of tasks, times of retries, idle workers, and the weight of
//! those that run.
//!
//! Nothing here waits. [`Books::next_clock`] says when the supervisor is to come by, and
//! [`Books::strike`] does what is due then. Whoever makes a clock that strikes earlier than the
//! supervisor knows of has it called ([`Books::clock`]).

use super::books::Books;
use super::collect::Settled;
use super::events::Event;
use super::task::{Failure, Place, Receiver, Task};
use crate::clock::monotonic_nanos;
use crate::ring::Seen;
use crate::sync::Ordering;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How often workers with a memory limit are weighed while they have something to do.
const WEIGH: Duration = Duration::from_millis(20);

/// How soon to look again for the beginning of a task with a deadline that waits behind another.
const SOON: Duration = Duration::from_millis(1);

/// What each worker may use; `None` for as much as it likes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Tasks until it is replaced.
    pub tasks: Option<usize>,
    /// Bytes of memory of its own; more, and the task that runs is ended with it.
    pub memory: Option<u64>,
    /// Bytes of memory of its own; more, and it is replaced once its task has ended.
    pub recycle_above: Option<u64>,
    /// Time with nothing to do until it is let go.
    pub idle: Option<Duration>,
}

/// The clocks that belong to no worker.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    /// When the supervisor will come by; `None`: when it is called.
    wakes_at: Option<Instant>,
    /// It has to come earlier.
    pub(super) call: bool,
    /// Some task has had a deadline.
    deadlines: bool,
    queue_deadlines: BinaryHeap<Reverse<QueueDeadline>>,
    /// Tasks that wait for their next try, and until when.
    delayed: Vec<(Instant, Task)>,
    weigh_at: Option<Instant>,
}

/// When a task has to have begun.
#[derive(Debug)]
struct QueueDeadline {
    at: Instant,
    limit: Duration,
    receiver: Weak<dyn Receiver>,
}

impl PartialEq for QueueDeadline {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for QueueDeadline {}

impl PartialOrd for QueueDeadline {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for QueueDeadline {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

impl Books {
    /// A clock strikes at `at`.
    fn clock(&mut self, at: Instant) {
        self.clocks.call |= self.clocks.wakes_at.is_none_or(|wakes_at| at < wakes_at);
    }

    /// Starts the clocks of a new task.
    pub(super) fn start_clocks(&mut self, task: &Task) {
        let Some(terms) = task.terms() else { return };
        self.clocks.deadlines |= terms.deadline.is_some();
        if terms.deadline.is_some() || terms.retries > 0 {
            // Its end, and that of the task before it, are to be noticed also if nobody waits.
            task.tag().set_watched();
        }
        if let Some(limit) = terms.queue_deadline
            && let Some(at) = Instant::now().checked_add(limit)
        {
            let receiver = Arc::downgrade(&task.receiver);
            self.clocks.queue_deadlines.push(Reverse(QueueDeadline { at, limit, receiver }));
            self.clock(at);
        }
    }

    /// Keeps a task until the time of its next try.
    pub(super) fn delay(&mut self, task: Task, pause: Duration) {
        self.retried += 1;
        task.tag().set_begun();
        task.tag().set_place(Place::Delayed);
        let now = Instant::now();
        let at = now.checked_add(pause).unwrap_or(now);
        self.events.push(Event::Retry { task: task.entry.name(), pause });
        self.clocks.delayed.push((at, task));
        self.clock(at);
    }

    /// How many tasks wait for their next try.
    pub(super) fn delayed(&self) -> u64 {
        self.clocks.delayed.len() as u64
    }

    /// Takes out the delayed tasks for which `which` holds.
    pub(super) fn take_delayed(&mut self, which: impl Fn(&Task) -> bool) -> Vec<Task> {
        self.clocks.delayed.extract_if(.., |(_, task)| which(task)).map(|(_, task)| task).collect()
    }

    /// Starts the clocks that depend on what is in the lanes. Ends every change of the books.
    pub(super) fn wind_clocks(&mut self) {
        if self.clocks.deadlines {
            self.wind_deadlines();
        }
        let weighs = self.limits.memory.is_some() || self.limits.recycle_above.is_some();
        if weighs && self.clocks.weigh_at.is_none() && self.members().any(|(_, m)| !m.weighed) {
            let at = Instant::now() + WEIGH;
            self.clocks.weigh_at = Some(at);
            self.clock(at);
        }
        if let Some(patience) = self.limits.idle {
            let idle = self.members().filter(|(_, member)| member.is_idle());
            let first =
                idle.filter_map(|(_, member)| member.idle_since.checked_add(patience)).min();
            first.into_iter().for_each(|at| self.clock(at));
        }
    }

    /// The task at the head of a lane may be the one that runs: from now on its clock ticks.
    fn wind_deadlines(&mut self) {
        let now = Instant::now();
        let mut first: Option<Instant> = None;
        for (_, member) in self.members_mut() {
            let head = member.head;
            if head == member.tail {
                continue;
            }
            let Some(entry) = member.task_mut(head).filter(|entry| entry.strike.is_none()) else {
                continue;
            };
            let deadline = entry.task.terms().and_then(|terms| terms.deadline);
            entry.strike = deadline.and_then(|deadline| now.checked_add(deadline));
            first = first.into_iter().chain(entry.strike).min();
        }
        first.into_iter().for_each(|at| self.clock(at));
    }

    /// When the supervisor is to come by; it will.
    pub(super) fn next_clock(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let idle = self.limits.idle;
        let members = self.members().flat_map(|(_, member)| {
            let starts_or_leaves = (member.leaving || !member.ready) && !member.killed;
            let head = (member.head != member.tail).then(|| member.task(member.head)).flatten();
            [
                member.deadline.filter(|_| starts_or_leaves),
                member.grace.filter(|_| !member.killed),
                head.and_then(|entry| entry.strike).filter(|_| member.doom.is_none()),
                idle.filter(|_| member.is_idle()).and_then(|t| member.idle_since.checked_add(t)),
            ]
        });
        // Also if nothing is wanted at the moment: until then nobody calls the supervisor for a start.
        let start = self.next_start.filter(|&at| at > now || self.wanted_starts() > 0);
        let queued = self.clocks.queue_deadlines.peek().map(|deadline| deadline.0.at);
        let delayed = self.clocks.delayed.iter().map(|(at, _)| *at).min();
        let others = [start, queued, delayed, self.clocks.weigh_at, self.server_deadline];
        let next = members.chain(others).flatten().min();
        self.clocks.wakes_at = next;
        self.clocks.call = false;
        next
    }

    /// Does what is due.
    pub(super) fn strike(&mut self, settled: &mut Settled) {
        let now = Instant::now();
        self.strike_queue_deadlines(now, settled);
        for task in self.take_due(now) {
            task.tag().set_place(Place::Queue);
            self.queue.push_back(task);
        }
        for index in 0..self.members.len() {
            self.strike_deadline(index, now, settled);
        }
        if self.clocks.weigh_at.is_some_and(|at| at <= now) {
            self.clocks.weigh_at = None;
            self.weigh();
        }
        if let Some(patience) = self.limits.idle {
            let mut events = Vec::new();
            for (_, member) in self.members_mut() {
                let idle = now.saturating_duration_since(member.idle_since);
                if member.is_idle() && idle >= patience {
                    events.push(Event::WorkerIdle { pid: member.pid });
                    member.retire();
                }
            }
            self.events.append(&mut events);
        }
        for (_, member) in self.members_mut() {
            // Once the task has ended after all there is nothing to be patient for.
            let over = |grace| grace <= now || member.has_news();
            if member.grace.is_some_and(over) && !member.killed {
                member.kill();
            }
        }
    }

    fn take_due(&mut self, now: Instant) -> Vec<Task> {
        let due = self.clocks.delayed.extract_if(.., |(at, _)| *at <= now);
        due.map(|(_, task)| task).collect()
    }

    fn strike_queue_deadlines(&mut self, now: Instant, settled: &mut Settled) {
        while self.clocks.queue_deadlines.peek().is_some_and(|deadline| deadline.0.at <= now) {
            let Some(Reverse(due)) = self.clocks.queue_deadlines.pop() else { return };
            let Some(receiver) = due.receiver.upgrade() else { continue };
            let tag = receiver.tag();
            // A place that it leaves only through here; a task that was tried before has begun.
            if !tag.has_begun() && self.withdraw(tag, settled) {
                settled.refuse(receiver.clone(), Failure::QueueDeadline { limit: due.limit });
                self.events.push(Event::QueueDeadline { limit: due.limit });
            }
        }
    }

    /// Looks whether the task at the head of a lane is past its deadline.
    fn strike_deadline(&mut self, index: usize, now: Instant, settled: &mut Settled) {
        let due = |books: &Books| {
            let member = books.members[index].as_ref()?;
            let entry = (member.head != member.tail).then(|| member.task(member.head)).flatten()?;
            entry.strike.filter(|&at| at <= now && member.doom.is_none())
        };
        if due(self).is_none() {
            return;
        }
        // It may have ended meanwhile.
        self.collect(index, settled);
        if due(self).is_none() {
            return;
        }
        let Some(member) = self.members[index].as_mut() else { return };
        let (head, pid) = (member.head, member.pid);
        let seen = member.lane.ring().look(head);
        // Relaxed: whatever the worker says, it has not begun before it was given the task.
        let began = member.lane.ring().slot(head).reply.began.load(Ordering::Relaxed);
        let Some(entry) = member.task_mut(head) else { return };
        let Some(terms) = entry.task.terms() else { return };
        let (Some(limit), grace) = (terms.deadline, terms.grace) else { return };
        let ran = match (seen, began) {
            (Seen::Running, 1..) => {
                let ran = Duration::from_nanos(monotonic_nanos().saturating_sub(began));
                ran.min(now.saturating_duration_since(entry.since))
            }
            _ => Duration::ZERO,
        };
        if ran < limit {
            entry.strike = Some(now + (limit - ran).max(SOON));
            return;
        }
        let task = entry.task.entry.name();
        self.events.push(Event::Deadline { pid, task, limit });
        self.doom(index, head, Failure::Deadline { pid, limit }, grace);
    }

    /// Ends workers that use too much memory, or has them replaced.
    fn weigh(&mut self) {
        let super::Limits { memory, recycle_above, .. } = self.limits;
        for index in 0..self.members.len() {
            let Some(member) = self.members[index].as_mut() else { continue };
            if member.weighed || member.leaving || member.doom.is_some() {
                continue;
            }
            let (pid, head, busy) = (member.pid, member.head, member.load() > 0);
            // Once more when it has nothing to do any longer; then not until its next task.
            member.weighed = !busy;
            let Some(used) = member.memory() else { continue };
            if let Some(limit) = memory.filter(|&limit| used > limit) {
                self.events.push(Event::MemoryLimit { pid, used, limit });
                if busy {
                    self.doom(index, head, Failure::Memory { pid, limit, used }, Duration::ZERO);
                } else if let Some(member) = self.members[index].as_mut() {
                    member.retire();
                }
            } else if recycle_above.is_some_and(|limit| used > limit) {
                let tasks = member.take_back(usize::MAX);
                member.retire();
                self.events.push(Event::WorkerGrown { pid, used });
                self.queue_again(tasks);
            }
        }
    }

    /// Ends the worker at `index` because of the task at `position`, which has begun; and that task
    /// alone. False: it has ended by now, and nothing was done.
    pub(super) fn doom(
        &mut self,
        index: usize,
        position: u32,
        failure: Failure,
        grace: Duration,
    ) -> bool {
        let Some(member) = self.members[index].as_mut() else { return false };
        // From here on the worker can begin nothing else; only if the task still runs after that, it is
        // the one that is hit.
        let tasks = member.take_back(usize::MAX);
        let runs = member.head == position && member.lane.ring().look(position) == Seen::Running;
        if runs && member.doom.is_none() {
            member.doom = Some((position, failure));
            member.condemned.get_or_insert_with(|| "its task is to end".to_owned());
            if grace.is_zero() {
                member.kill();
            } else {
                member.life.terminate();
                member.grace = Instant::now().checked_add(grace);
            }
        }
        self.queue_again(tasks);
        let at = self.members[index].as_ref().and_then(|member| member.grace);
        at.into_iter().for_each(|at| self.clock(at));
        runs
    }
}
