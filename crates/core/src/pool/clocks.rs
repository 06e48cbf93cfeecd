//! The clocks of the pool: deadlines of tasks, times of retries, idle workers, and the weight of
//! those that run.
//!
//! Nothing here waits. [`Books::next_clock`] says when the supervisor is to come by, and
//! [`Books::strike`] does what is due then. Whoever makes a clock that strikes earlier than the
//! supervisor knows of has it called ([`Books::clock`]).

use super::books::Books;
use super::events::Event;
use super::member::Member;
use super::place::Place;
use super::settled::Settled;
use super::task::Task;
use crate::clock::{after, monotonic_nanos};
use crate::lane::ring::Seen;
use crate::sync::Ordering;
use crate::task::{Failure, Receiver};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How often workers with a memory limit are weighed while they have something to do.
const WEIGH: Duration = Duration::from_millis(20);

/// How many queue deadlines are kept before those that no longer matter are looked for.
const PRUNE: usize = 1024;

/// How long a worker that was told to leave may take.
pub(super) const FAREWELL: Duration = Duration::from_secs(5);

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
    pub replace_above: Option<u64>,
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
    /// So many of them, and those that no longer matter are looked for.
    prune_at: usize,
    delayed: BinaryHeap<Reverse<Delayed>>,
    /// Entries of `delayed` that were cancelled.
    dead_delayed: usize,
    weigh_at: Option<Instant>,
    /// When to look after the callers.
    callers_at: Option<Instant>,
}

/// When a task has to have begun.
#[derive(Debug)]
struct QueueDeadline {
    at: Instant,
    limit: Duration,
    receiver: Weak<dyn Receiver>,
}

/// A task that waits for its next try, and until when.
#[derive(Debug)]
struct Delayed {
    at: Instant,
    task: Task,
}

/// The earlier one is the lesser one.
macro_rules! ordered_by_time {
    ($($name:ident)*) => {$(
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.at == other.at
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.at.cmp(&other.at)
            }
        }
    )*};
}

ordered_by_time!(QueueDeadline Delayed);

impl Books {
    /// A clock strikes at `at`.
    fn clock(&mut self, at: Instant) {
        self.clocks.call |= self.clocks.wakes_at.is_none_or(|wakes_at| at < wakes_at);
    }

    /// Starts the clocks of a new task.
    pub(super) fn start_clocks(&mut self, task: &Task) {
        let Some(terms) = task.policy() else { return };
        self.clocks.deadlines |= terms.deadline.is_some();
        if terms.deadline.is_some() || terms.retries > 0 {
            // Its end, and that of the task before it, are to be noticed also if nobody waits.
            task.state().set_watched();
        }
        if let Some(limit) = terms.queue_deadline
            && let Some(at) = Instant::now().checked_add(limit)
        {
            let receiver = Arc::downgrade(&task.receiver);
            let queue_deadlines = &mut self.clocks.queue_deadlines;
            queue_deadlines.push(Reverse(QueueDeadline { at, limit, receiver }));
            if queue_deadlines.len() > self.clocks.prune_at {
                // Those of tasks that have ended would keep their memory until their time.
                queue_deadlines.retain(|deadline| deadline.0.receiver.strong_count() > 0);
                self.clocks.prune_at = PRUNE.max(2 * queue_deadlines.len());
            }
            self.clock(at);
        }
    }

    /// Keeps a task until the time of its next try.
    pub(super) fn delay(&mut self, task: Task, pause: Duration) {
        self.retried += 1;
        task.state().set_begun();
        task.state().set_place(Place::Delayed);
        let at = after(Instant::now(), pause);
        self.events.push(Event::Retry { task: task.entry.name(), pause });
        self.clocks.delayed.push(Reverse(Delayed { at, task }));
        self.clock(at);
    }

    /// How many tasks wait for their next try.
    pub(super) fn delayed(&self) -> u64 {
        (self.clocks.delayed.len() - self.clocks.dead_delayed) as u64
    }

    /// A delayed task was cancelled: it stays as a dead entry, until there are too many of those.
    pub(super) fn bury_delayed(&mut self, settled: &mut Settled) {
        self.clocks.dead_delayed += 1;
        if self.clocks.dead_delayed > 64.max(self.clocks.delayed.len() / 2) {
            let entries = std::mem::take(&mut self.clocks.delayed).into_vec();
            let (dead, living): (Vec<_>, Vec<_>) =
                entries.into_iter().partition(|entry: &Reverse<Delayed>| {
                    entry.0.task.state().place() == Place::Nowhere
                });
            self.clocks.delayed = BinaryHeap::from(living);
            self.clocks.dead_delayed = 0;
            dead.into_iter().for_each(|entry| settled.discard(entry.0.task));
        }
    }

    /// Takes out all delayed tasks.
    pub(super) fn take_delayed(&mut self, settled: &mut Settled) -> Vec<Task> {
        let entries = std::mem::take(&mut self.clocks.delayed).into_vec();
        self.clocks.dead_delayed = 0;
        let (dead, living): (Vec<Task>, Vec<Task>) = entries
            .into_iter()
            .map(|entry| entry.0.task)
            .partition(|task| task.state().place() == Place::Nowhere);
        dead.into_iter().for_each(|task| settled.discard(task));
        living
    }

    /// Starts the clocks that depend on what is in the lanes. Ends every change of the books.
    pub(super) fn wind_clocks(&mut self) {
        if self.clocks.deadlines {
            self.wind_deadlines();
        }
        self.wind_farewells();
        let limited = self.limits.memory.is_some() || self.limits.replace_above.is_some();
        let weighs = |member: &Member| !member.weighed && (limited || member.captures_now());
        if self.clocks.weigh_at.is_none() && self.members().any(|(_, member)| weighs(member)) {
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

    /// A worker that is to be replaced, and has nothing left to do, has to go soon.
    fn wind_farewells(&mut self) {
        let mut first = None;
        for (_, member) in self.members_mut() {
            let done = member.retired && member.ready && member.load() == 0;
            if done && member.deadline.is_none() {
                let at = after(Instant::now(), FAREWELL);
                member.deadline = Some(at);
                first = Some(at);
            }
        }
        first.into_iter().for_each(|at| self.clock(at));
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
            let deadline = entry.task.policy().and_then(|terms| terms.deadline);
            entry.strike = deadline.map(|deadline| after(now, deadline));
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
        let delayed = self.clocks.delayed.peek().map(|entry| entry.0.at);
        let (weigh, callers) = (self.clocks.weigh_at, self.clocks.callers_at);
        let others = [start, queued, delayed, weigh, callers, self.server_deadline];
        let next = members.chain(others).flatten().min();
        self.clocks.wakes_at = next;
        self.clocks.call = false;
        next
    }

    /// Somebody is to look after the callers.
    pub(super) fn look_after_callers(&mut self, at: Instant) {
        self.clocks.callers_at = self.clocks.callers_at.into_iter().chain([at]).min();
    }

    /// True if it is time to.
    pub(super) fn is_time_for_callers(&mut self) -> bool {
        self.clocks.callers_at.take_if(|at| *at <= Instant::now()).is_some()
    }

    /// Does what is due.
    pub(super) fn strike(&mut self, settled: &mut Settled) {
        let now = Instant::now();
        self.strike_queue_deadlines(now, settled);
        self.strike_delayed(now, settled);
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

    fn strike_delayed(&mut self, now: Instant, settled: &mut Settled) {
        while self.clocks.delayed.peek().is_some_and(|entry| entry.0.at <= now) {
            let Some(Reverse(Delayed { task, .. })) = self.clocks.delayed.pop() else { return };
            if task.state().place() == Place::Nowhere {
                self.clocks.dead_delayed -= 1;
                settled.discard(task);
            } else {
                task.state().set_place(Place::Queue);
                self.queue.push_back(task);
            }
        }
    }

    fn strike_queue_deadlines(&mut self, now: Instant, settled: &mut Settled) {
        while self.clocks.queue_deadlines.peek().is_some_and(|deadline| deadline.0.at <= now) {
            let Some(Reverse(due)) = self.clocks.queue_deadlines.pop() else { return };
            let Some(receiver) = due.receiver.upgrade() else { continue };
            let tag = receiver.tag();
            // A place that it leaves only through here; a task that was tried before has begun.
            if !tag.has_begun() && self.withdraw(tag, settled) {
                settled.refuse(receiver, Failure::QueueDeadline { limit: due.limit });
                self.events.push(Event::QueueDeadline { limit: due.limit });
            } else {
                settled.release(receiver);
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
        let Some(terms) = entry.task.policy() else { return };
        let (Some(limit), grace) = (terms.deadline, terms.grace) else { return };
        let here = now.saturating_duration_since(entry.since);
        let ran = match (seen, monotonic_nanos().checked_sub(began)) {
            (Seen::Running, _) if began == 0 => Duration::ZERO,
            // What is to come cannot have begun: then it counts from when it was put here.
            (Seen::Running, ran) => ran.map_or(here, |ran| here.min(Duration::from_nanos(ran))),
            _ => Duration::ZERO,
        };
        if seen != Seen::Running || ran < limit {
            entry.strike = Some(after(now, (limit - ran.min(limit)).max(SOON)));
            return;
        }
        let task = entry.task.entry.name();
        self.events.push(Event::Deadline { pid, task, limit });
        self.doom(index, head, Failure::Deadline { pid, limit }, grace);
    }

    /// Ends workers that use too much memory, or has them replaced.
    fn weigh(&mut self) {
        let super::Limits { memory, replace_above, .. } = self.limits;
        for index in 0..self.members.len() {
            let Some(member) = self.members[index].as_mut() else { continue };
            let (pid, head, busy) = (member.pid, member.head, member.load() > 0);
            if member.weighed || member.doom.is_some() || member.leaving && !busy {
                continue;
            }
            member.trim_captures();
            // Once more when it has nothing to do any longer; then not until its next task.
            member.weighed = !busy;
            // What the initializer uses is not what a task has left behind.
            let grown = member.replies > 0 && !member.retired;
            if memory.is_none() && replace_above.is_none() {
                continue;
            }
            let Some(used) = member.memory() else { continue };
            if let Some(limit) = memory.filter(|&limit| used > limit) {
                self.events.push(Event::MemoryLimit { pid, used, limit });
                if busy {
                    self.doom(index, head, Failure::Memory { pid, limit, used }, Duration::ZERO);
                } else if let Some(member) = self.members[index].as_mut().filter(|_| grown) {
                    member.retire();
                }
            } else if grown && replace_above.is_some_and(|limit| used > limit) {
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
        // One that has been given a grace may be ended at once after all.
        let sooner = grace.is_zero() && !member.killed;
        // And one that is about to die for another reason is not to be tried again.
        let last = matches!(failure, Failure::Killed { .. });
        if runs && (member.doom.is_none() || sooner || last) {
            member.doom = Some((position, failure));
            member.condemned.get_or_insert_with(|| "its task is to end".to_owned());
            if member.killed {
                // It is dying already.
            } else if grace.is_zero() {
                member.kill();
            } else {
                member.life.terminate();
                member.grace = Some(after(Instant::now(), grace));
            }
        }
        self.queue_again(tasks);
        let at = self.members[index].as_ref().and_then(|member| member.grace);
        at.into_iter().for_each(|at| self.clock(at));
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::super::stats::Counts;
    use super::*;
    use crate::callback_threads::FollowUp;
    use crate::task::{Answer, TaskState};
    use std::sync::Mutex;
    use std::sync::atomic::AtomicBool;

    /// A receiver that everybody else lets go of while it is looked at.
    #[derive(Debug)]
    struct Fickle {
        tag: TaskState,
        itself: Mutex<Option<Arc<Fickle>>>,
        dropped: Arc<AtomicBool>,
    }

    impl Receiver for Fickle {
        fn tag(&self) -> &TaskState {
            drop(self.itself.lock().unwrap().take());
            &self.tag
        }

        fn receive(&self, _item: u32, _answer: Answer<'_>) -> FollowUp {
            unreachable!("it has ended")
        }
    }

    impl Drop for Fickle {
        fn drop(&mut self) {
            self.dropped.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_a_queue_deadline_is_the_last_to_hold_is_dropped_without_the_lock() {
        let mut books = Books::new(&Config::default());
        let dropped = Arc::new(AtomicBool::new(false));
        let fickle = Fickle {
            tag: TaskState::default(),
            itself: Mutex::default(),
            dropped: dropped.clone(),
        };
        let fickle = Arc::new(fickle);
        *fickle.itself.lock().unwrap() = Some(fickle.clone());
        let receiver: Arc<dyn Receiver> = fickle;
        let (at, limit, weak) = (Instant::now(), Duration::ZERO, Arc::downgrade(&receiver));
        drop(receiver);
        let receiver = weak;
        books.clocks.queue_deadlines.push(Reverse(QueueDeadline { at, limit, receiver }));

        let mut settled = Settled::default();
        books.strike(&mut settled);
        assert!(!dropped.load(Ordering::Relaxed), "under the lock");
        assert!(!settled.is_empty());
        let _ = settled.resolve(&Counts::default());
        assert!(dropped.load(Ordering::Relaxed));
    }
}
