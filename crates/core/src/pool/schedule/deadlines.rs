//! What is due at a certain time: deadlines of tasks, retries, workers that are idle or late.
//!
//! Nothing here waits. [`Schedule::next_due`] says when the supervisor is to come by, and
//! [`Schedule::do_due`] does what is due then. Every change of the schedule ends with
//! [`Schedule::wants_supervisor`], which sets the timers anew.

use super::schedule::Schedule;
use crate::clock::{after, monotonic_nanos};
use crate::lane::ring::Seen;
use crate::pool::child::handle::WorkerHandle;
use crate::pool::delivery::outbox::Outbox;
use crate::pool::events::Event;
use crate::sync::Ordering;
use crate::task::Failure;
use std::time::{Duration, Instant};

/// How soon to look again for the beginning of a task with a deadline that waits behind another.
const SOON: Duration = Duration::from_millis(1);

impl Schedule {
    /// Sets the timers anew, and returns true if the supervisor has something to do that it does not know
    /// of.
    pub(crate) fn wants_supervisor(&mut self) -> bool {
        self.arm_timers();
        self.timers.take_call()
            || self.roster.iter().any(WorkerHandle::is_to_be_killed)
            || (self.respawn.may_start() && self.wanted_starts() > 0)
    }

    /// Sets the timers that depend on what is in the lanes.
    fn arm_timers(&mut self) {
        if self.timers.has_deadlines() {
            self.arm_task_deadlines();
        }
        self.arm_leave_timeouts();
        self.arm_memory_check();
        self.arm_trouble_check();
        if let Some(limit) = self.limits.idle {
            let first = self.roster.iter().filter_map(|worker| idle_until(worker, limit)).min();
            first.into_iter().for_each(|at| self.timers.arm(at));
        }
    }

    /// A worker that is to be replaced, and has nothing left to do, has to be gone soon.
    fn arm_leave_timeouts(&mut self) {
        let timeout = self.leave_timeout();
        for worker in self.roster.iter_mut().filter(|worker| worker.may_leave_now()) {
            let at = after(Instant::now(), timeout);
            worker.leave_by(at);
            self.timers.arm(at);
        }
    }

    /// The task at the head of a lane may be the one that runs: from now on its deadline counts.
    fn arm_task_deadlines(&mut self) {
        let now = Instant::now();
        let mut first: Option<Instant> = None;
        for worker in self.roster.iter_mut() {
            let head = worker.window.first().and_then(|head| worker.window.get_mut(head));
            let Some(entry) = head.filter(|entry| entry.check_at.is_none()) else { continue };
            let deadline = entry.task.policy().and_then(|policy| policy.deadline);
            entry.check_at = deadline.map(|deadline| after(now, deadline));
            first = first.into_iter().chain(entry.check_at).min();
        }
        first.into_iter().for_each(|at| self.timers.arm(at));
    }

    /// When the supervisor is to come by. It does so without being called.
    pub(crate) fn next_due(&mut self) -> Option<Instant> {
        let idle = self.limits.idle;
        let workers = self.roster.iter().flat_map(|worker| {
            [
                worker.stage().due(),
                worker.stage().kill_at(),
                task_check_at(worker),
                idle.and_then(|limit| idle_until(worker, limit)),
            ]
        });
        // Also if no worker is wanted now: one may be wanted by then, and nobody calls the supervisor for a
        // start that is delayed.
        let start = self.respawn.next_start();
        let start = start.filter(|&at| at > Instant::now() || self.wanted_starts() > 0);
        let others = workers.chain([start, self.respawn.fork_server_by()]).flatten();
        self.timers.next(others)
    }

    /// Does what is due.
    pub(crate) fn do_due(&mut self, outbox: &mut Outbox) {
        let now = Instant::now();
        self.end_queue_deadlines(now, outbox);
        while let Some(task) = self.timers.pop_delayed(now, outbox) {
            self.queue.push_back(task);
        }
        for index in self.roster.indices() {
            self.check_task_deadline(index, now, outbox);
        }
        if self.timers.take_memory_check(now) {
            self.check_memory();
        }
        if self.timers.take_trouble_check(now) {
            self.check_trouble(now, outbox);
        }
        if let Some(limit) = self.limits.idle {
            for worker in self.roster.iter_mut() {
                if idle_until(worker, limit).is_some_and(|at| at <= now) {
                    self.log.add(Event::WorkerIdle { pid: worker.pid() });
                    worker.retire();
                }
            }
        }
        for worker in self.roster.iter_mut() {
            // Once the task has ended after all, there is nothing to wait for.
            if worker.stage().kill_at().is_some_and(|at| at <= now || worker.has_news()) {
                worker.kill();
            }
        }
    }

    /// Ends tasks that have not begun in time.
    fn end_queue_deadlines(&mut self, now: Instant, outbox: &mut Outbox) {
        while let Some(due) = self.timers.pop_queue_deadline(now) {
            let Some(receiver) = due.receiver.upgrade() else { continue };
            let state = receiver.task_state();
            // A task that was tried before has begun.
            if !state.has_begun() && self.withdraw(state, outbox) {
                outbox.refuse(receiver, Failure::QueueDeadline { limit: due.limit });
                self.log.add(Event::QueueDeadline { limit: due.limit });
            } else {
                outbox.release(receiver);
            }
        }
    }

    /// Looks whether the task at the head of a lane is past its deadline.
    fn check_task_deadline(&mut self, index: usize, now: Instant, outbox: &mut Outbox) {
        let is_due = |schedule: &Schedule| {
            let check_at = schedule.roster.get(index).and_then(task_check_at);
            check_at.is_some_and(|at| at <= now)
        };
        if !is_due(self) {
            return;
        }
        // It may have ended meanwhile.
        self.collect(index, outbox);
        if !is_due(self) {
            return;
        }
        let Some(worker) = self.roster.get_mut(index) else { return };
        let (head, pid) = (worker.window.head(), worker.pid());
        let seen = worker.lane.ring().look(head);
        if seen == Seen::Ready && worker.has_begun(head) {
            // To hide from the deadline is not among the transitions.
            return self.condemn(index, "a task that had begun is ready again".to_owned(), outbox);
        }
        // Relaxed: whatever the worker says, it has not begun before it was given the task.
        let began = worker.lane.ring().slot(head).reply.began.load(Ordering::Relaxed);
        let Some(entry) = worker.window.get_mut(head) else { return };
        entry.ran |= seen == Seen::Running;
        let Some(policy) = entry.task.policy() else { return };
        let (Some(limit), grace) = (policy.deadline, policy.grace) else { return };
        let here = now.saturating_duration_since(entry.since);
        let ran = match (seen, monotonic_nanos().checked_sub(began)) {
            (Seen::Running, _) if began == 0 => Duration::ZERO,
            // A time in the future cannot be true: then the run counts from when the task was put here.
            (Seen::Running, ran) => ran.map_or(here, |ran| here.min(Duration::from_nanos(ran))),
            _ => Duration::ZERO,
        };
        if seen != Seen::Running || ran < limit {
            entry.check_at = Some(after(now, (limit - ran.min(limit)).max(SOON)));
            return;
        }
        let task = entry.task.entry.name();
        self.log.add(Event::Deadline { pid, task, limit });
        self.end_task(index, head, Failure::Deadline { pid, limit }, grace);
    }
}

/// When a worker that has nothing to do will have been idle for `limit`.
fn idle_until(worker: &WorkerHandle, limit: Duration) -> Option<Instant> {
    worker.history.idle_since.filter(|_| worker.is_idle())?.checked_add(limit)
}

/// When to look whether the task at the head of a lane is past its deadline, unless it is ended already.
fn task_check_at(worker: &WorkerHandle) -> Option<Instant> {
    let entry = worker.window.first().and_then(|head| worker.window.get(head));
    entry?.check_at.filter(|_| worker.stage().ended_task().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callback_threads::FollowUp;
    use crate::pool::config::Config;
    use crate::pool::counts::Counts;
    use crate::pool::delivery::tell::tell;
    use crate::task::{Answer, Receiver, TaskState};
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, Mutex};

    /// A receiver that everybody else lets go of while it is looked at.
    #[derive(Debug)]
    struct Fickle {
        state: TaskState,
        itself: Mutex<Option<Arc<Fickle>>>,
        dropped: Arc<AtomicBool>,
    }

    impl Receiver for Fickle {
        fn task_state(&self) -> &TaskState {
            drop(self.itself.lock().unwrap().take());
            &self.state
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
        let mut schedule = Schedule::new(&Config::default());
        let dropped = Arc::new(AtomicBool::new(false));
        let fickle = Fickle {
            state: TaskState::default(),
            itself: Mutex::default(),
            dropped: dropped.clone(),
        };
        let fickle = Arc::new(fickle);
        *fickle.itself.lock().unwrap() = Some(fickle.clone());
        let receiver: Arc<dyn Receiver> = fickle;
        schedule.timers.add_queue_deadline(Instant::now(), Duration::ZERO, &receiver);
        drop(receiver);

        let mut outbox = Outbox::default();
        schedule.do_due(&mut outbox);
        assert!(!dropped.load(Ordering::Relaxed), "under the lock");
        assert!(!outbox.is_empty());
        let _ = tell(outbox, &Counts::default());
        assert!(dropped.load(Ordering::Relaxed));
    }
}
