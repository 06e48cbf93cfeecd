//! When the supervisor is to come by, and what it then finds due: queue deadlines, delayed retries, the
//! next look at memory.
//!
//! Owned by the [`Schedule`](super::schedule::Schedule). Nothing here waits: the supervisor sleeps until
//! [`Timers::next`]. Whoever makes something due earlier than that [arms](Timers::arm) the timers, and the
//! supervisor is called ([`Timers::take_call`]).

use crate::pool::delivery::outbox::Outbox;
use crate::pool::place::Place;
use crate::pool::task::Task;
use crate::prune::DeadCount;
use crate::task::Receiver;
use crate::timed::Timed;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// So many queue deadlines are kept before those of tasks that have ended are looked for.
const QUEUE_DEADLINES: usize = 1024;

/// So many delayed tasks that were cancelled are tolerated.
const DELAYED: usize = 64;

/// See the module.
#[derive(Debug)]
pub(crate) struct Timers {
    /// When the supervisor will come by; `None`: when it is called.
    wakes_at: Option<Instant>,
    /// It has to come earlier.
    call: bool,
    /// Some task has had a deadline for its run.
    deadlines: bool,
    queue_deadlines: Timed<QueueDeadline>,
    /// Tasks that wait for their next try.
    delayed: Timed<Task>,
    dead_delayed: DeadCount,
    /// When to look how much memory the workers use.
    memory_at: Option<Instant>,
    /// When to see to it that there are threads for callbacks.
    callback_threads_at: Option<Instant>,
    /// When to look for workers that cannot serve.
    trouble_at: Option<Instant>,
}

/// When a task has to have begun.
#[derive(Debug)]
pub(crate) struct QueueDeadline {
    pub(crate) limit: Duration,
    pub(crate) receiver: Weak<dyn Receiver>,
}

impl Timers {
    pub(crate) fn new() -> Timers {
        Timers {
            wakes_at: None,
            call: false,
            deadlines: false,
            queue_deadlines: Timed::new(QUEUE_DEADLINES),
            delayed: Timed::new(DELAYED),
            dead_delayed: DeadCount::new(DELAYED),
            memory_at: None,
            callback_threads_at: None,
            trouble_at: None,
        }
    }

    /// Something is due at `at`: the supervisor has to come by then.
    pub(crate) fn arm(&mut self, at: Instant) {
        self.call |= self.wakes_at.is_none_or(|wakes_at| at < wakes_at);
    }

    /// True, once, if the supervisor has to come earlier than it knows of.
    pub(crate) fn take_call(&mut self) -> bool {
        std::mem::take(&mut self.call)
    }

    /// When the supervisor is to come by, also for what else is due at these times. It does so without being
    /// called.
    pub(crate) fn next(&mut self, others: impl Iterator<Item = Instant>) -> Option<Instant> {
        let own = [
            self.queue_deadlines.first(),
            self.delayed.first(),
            self.memory_at,
            self.trouble_at,
            self.callback_threads_at,
        ];
        self.wakes_at = own.into_iter().flatten().chain(others).min();
        self.call = false;
        self.wakes_at
    }

    /// Starts the timers of a new task.
    pub(crate) fn start(&mut self, task: &Task) {
        let Some(policy) = task.policy() else { return };
        self.deadlines |= policy.deadline.is_some();
        if policy.deadline.is_some() || policy.retries > 0 {
            // Its end, and that of the task before it, must be noticed although nobody waits.
            task.state().set_watched();
        }
        if let Some(limit) = policy.queue_deadline
            && let Some(at) = Instant::now().checked_add(limit)
        {
            self.add_queue_deadline(at, limit, &task.receiver);
        }
    }

    /// The task of this receiver has to have begun at `at`, `limit` after it was submitted.
    pub(crate) fn add_queue_deadline(
        &mut self,
        at: Instant,
        limit: Duration,
        receiver: &Arc<dyn Receiver>,
    ) {
        let receiver = Arc::downgrade(receiver);
        self.queue_deadlines.push(at, QueueDeadline { limit, receiver });
        // Those of tasks that have ended would keep their memory until their time.
        drop(self.queue_deadlines.prune(|deadline| deadline.receiver.strong_count() == 0));
        self.arm(at);
    }

    /// A queue deadline that is over.
    pub(crate) fn pop_queue_deadline(&mut self, now: Instant) -> Option<QueueDeadline> {
        self.queue_deadlines.pop_due(now)
    }

    /// Keeps a task until the time of its next try.
    pub(crate) fn delay(&mut self, task: Task, at: Instant) {
        task.state().set_place(Place::Delayed);
        self.delayed.push(at, task);
        self.arm(at);
    }

    /// A delayed task whose time has come.
    pub(crate) fn pop_delayed(&mut self, now: Instant, outbox: &mut Outbox) -> Option<Task> {
        loop {
            let task = self.delayed.pop_due(now)?;
            if task.state().place() != Place::Nowhere {
                return Some(task);
            }
            self.dead_delayed.remove_one();
            outbox.discard(task);
        }
    }

    /// A delayed task was cancelled. It stays as a dead entry, until there are too many of those.
    pub(crate) fn delayed_died(&mut self, outbox: &mut Outbox) {
        if self.dead_delayed.add(self.delayed.len()) {
            let dead = self.delayed.remove_dead(|task| task.state().place() == Place::Nowhere);
            self.dead_delayed.clear();
            dead.into_iter().for_each(|task| outbox.discard(task));
        }
    }

    /// Takes out all delayed tasks that were not cancelled.
    pub(crate) fn take_delayed(&mut self, outbox: &mut Outbox) -> Vec<Task> {
        let dead = self.delayed.remove_dead(|task| task.state().place() == Place::Nowhere);
        self.dead_delayed.clear();
        dead.into_iter().for_each(|task| outbox.discard(task));
        self.delayed.take_all()
    }

    /// How many tasks wait for their next try.
    pub(crate) fn delayed(&self) -> usize {
        self.delayed.len() - self.dead_delayed.get()
    }

    /// True if some task has had a deadline for its run.
    pub(crate) fn has_deadlines(&self) -> bool {
        self.deadlines
    }

    /// True if the time of the next look at memory is set.
    pub(crate) fn checks_memory(&self) -> bool {
        self.memory_at.is_some()
    }

    /// True if the time of the next look at troubled workers is set.
    pub(crate) fn checks_trouble(&self) -> bool {
        self.trouble_at.is_some()
    }

    /// Troubled workers are to be looked for then.
    pub(crate) fn check_trouble_at(&mut self, at: Instant) {
        self.trouble_at = Some(at);
        self.arm(at);
    }

    /// True, once, if it is time to look for troubled workers.
    pub(crate) fn take_trouble_check(&mut self, now: Instant) -> bool {
        self.trouble_at.take_if(|at| *at <= now).is_some()
    }

    /// Memory is to be looked at then.
    pub(crate) fn check_memory_at(&mut self, at: Instant) {
        self.memory_at = Some(at);
        self.arm(at);
    }

    /// True, once, if it is time to look at memory.
    pub(crate) fn take_memory_check(&mut self, now: Instant) -> bool {
        self.memory_at.take_if(|at| *at <= now).is_some()
    }

    /// The callback threads are to be looked after then. The caller calls the supervisor.
    pub(crate) fn check_callback_threads_at(&mut self, at: Instant) {
        self.callback_threads_at = self.callback_threads_at.into_iter().chain([at]).min();
    }

    /// True, once, if it is time to look after the callback threads.
    pub(crate) fn take_callback_threads_check(&mut self, now: Instant) -> bool {
        self.callback_threads_at.take_if(|at| *at <= now).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::task::samples::single;
    use crate::task::TaskPolicy;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_supervisor_is_called_only_for_what_is_earlier_than_it_knows_of() {
        let (mut timers, now) = (Timers::new(), Instant::now());
        assert_eq!(timers.next(std::iter::empty()), None);
        assert!(!timers.take_call());
        timers.arm(now + 5 * SECOND);
        assert!(timers.take_call() && !timers.take_call());
        timers.check_memory_at(now + 5 * SECOND);
        assert_eq!(timers.next([now + 9 * SECOND].into_iter()), Some(now + 5 * SECOND));
        for (seconds, call) in [(4, true), (5, false), (6, false)] {
            timers.arm(now + seconds * SECOND);
            assert_eq!(timers.take_call(), call, "{seconds}");
        }
        assert_eq!(timers.next([now + SECOND].into_iter()), Some(now + SECOND));
        assert!(!timers.take_memory_check(now + 4 * SECOND));
        assert!(timers.take_memory_check(now + 5 * SECOND));
        assert!(!timers.take_memory_check(now + 5 * SECOND) && !timers.checks_memory());
    }

    #[test]
    fn a_task_starts_the_timers_that_it_asks_for() {
        let mut timers = Timers::new();
        let policy = TaskPolicy::default();
        for (policy, watched, deadlines, call) in [
            (policy.clone(), false, false, false),
            (TaskPolicy { retries: 1, ..policy.clone() }, true, false, false),
            (TaskPolicy { queue_deadline: Some(SECOND), ..policy.clone() }, false, false, true),
            (
                TaskPolicy { queue_deadline: Some(Duration::MAX), ..policy.clone() },
                false,
                false,
                false,
            ),
            (TaskPolicy { deadline: Some(SECOND), ..policy }, true, true, false),
        ] {
            let task = single(b"").with(policy);
            timers.start(&task);
            assert_eq!(task.state().is_watched(), watched);
            assert_eq!(timers.has_deadlines(), deadlines);
            assert_eq!(timers.take_call(), call);
        }
    }

    #[test]
    fn queue_deadlines_of_tasks_that_have_ended_are_forgotten() {
        let (mut timers, now) = (Timers::new(), Instant::now());
        let living = single(b"");
        for _ in 0..3 * QUEUE_DEADLINES {
            timers.add_queue_deadline(now, SECOND, &single(b"").receiver);
        }
        timers.add_queue_deadline(now + SECOND, 2 * SECOND, &living.receiver);
        assert!(timers.queue_deadlines.len() <= QUEUE_DEADLINES + 1);
        while let Some(due) = timers.pop_queue_deadline(now) {
            assert!(due.receiver.upgrade().is_none());
        }
        let due = timers.pop_queue_deadline(now + SECOND).unwrap();
        assert_eq!(due.limit, 2 * SECOND);
        assert!(std::ptr::eq(due.receiver.upgrade().unwrap().task_state(), living.state()));
    }

    #[test]
    fn delayed_tasks_come_at_their_time_but_for_those_that_were_cancelled() {
        let (mut timers, mut outbox, now) = (Timers::new(), Outbox::default(), Instant::now());
        for n in [3, 1, 2] {
            timers.delay(single(&[n]), now + u32::from(n) * SECOND);
        }
        assert_eq!(timers.delayed(), 3);
        assert!(timers.pop_delayed(now, &mut outbox).is_none());
        let first = timers.pop_delayed(now + SECOND, &mut outbox).unwrap();
        assert_eq!((first.argument(), first.state().place()), (&[1][..], Place::Delayed));

        let cancelled = single(&[9]);
        let receiver = cancelled.receiver.clone();
        timers.delay(cancelled, now);
        receiver.task_state().set_place(Place::Nowhere);
        timers.delayed_died(&mut outbox);
        assert_eq!(timers.delayed(), 2);
        assert!(outbox.is_empty());
        assert!(timers.pop_delayed(now, &mut outbox).is_none());
        assert!(!outbox.is_empty(), "it was passed over");
        assert_eq!(timers.take_delayed(&mut outbox).len(), 2);
        assert_eq!(timers.delayed(), 0);
    }

    #[test]
    fn many_cancelled_tasks_do_not_stay() {
        let (mut timers, mut outbox, now) = (Timers::new(), Outbox::default(), Instant::now());
        for _ in 0..=DELAYED {
            let task = single(b"");
            let receiver = task.receiver.clone();
            timers.delay(task, now);
            receiver.task_state().set_place(Place::Nowhere);
            timers.delayed_died(&mut outbox);
        }
        assert_eq!(timers.delayed.len(), 0);
        assert_eq!(timers.delayed(), 0);
    }
}
