//! The pool behind its lock: what its threads, its handle and the futures share.
//!
//! Futures and executors call the public methods. Each of them changes the [`Schedule`] under the lock and
//! ends with [`Shared::commit`]; what the receivers are told afterwards, without the lock, is in
//! [`deliver`](super::delivery::deliver).

use super::config::Config;
use super::counts::Counts;
use super::delivery::deliver::tell_events;
use super::delivery::outbox::Outbox;
use super::place::Place;
use super::schedule::schedule::Schedule;
use super::task::Task;
use crate::callback_threads::CallbackThreads;
use crate::copies::Maker;
use crate::inside::{is_inside, within};
use crate::task::{Failure, TaskState};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

/// So many ends are gathered before they are told: enough for a burst.
const MOST_ENDS: usize = 1024;

/// What the pool's threads and futures share.
#[derive(Debug)]
pub struct Shared {
    schedule: Mutex<Schedule>,
    /// Notified when all work has ended, and when the supervisor has.
    pub(crate) idle: Condvar,
    /// How many tasks there are whose receivers have not been told everything yet.
    unresolved: AtomicUsize,
    /// Somebody waits, or will wait, for `unresolved` to become 0.
    closing: AtomicBool,
    /// Wakes the supervisor.
    pub(crate) event: OwnedFd,
    pub(crate) counts: Counts,
    pub(crate) config: Config,
    /// The threads that call callbacks.
    pub(crate) callback_threads: CallbackThreads,
    /// The threads that tell the receivers of what the supervisor finds. They are others than those of the
    /// callbacks, so that no result waits for a callback. There is at least one from the start.
    pub(crate) tellers: CallbackThreads,
    /// What those threads hold on to while they make a call.
    pub(crate) me: Weak<Shared>,
    /// The process that has the pool's threads.
    maker: Maker,
}

/// Who tells the receivers of the ends that were found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Teller {
    /// This thread, which waits for a task.
    Here,
    /// The tellers. This thread is the supervisor, on which all deadlines depend, so it runs no code of the
    /// user at all: no `Deserialize`, no waker, no subscriber of events.
    Tellers,
    /// The supervisor. This thread only submits, looks or cancels, and the user's code that belongs to other
    /// tasks must not run in the middle of that.
    Supervisor,
}

impl Shared {
    /// What a new pool shares.
    ///
    /// # Errors
    /// If the kernel gives no descriptor.
    pub(crate) fn new(config: Config) -> io::Result<Arc<Shared>> {
        let flags = rustix::event::EventfdFlags::CLOEXEC | rustix::event::EventfdFlags::NONBLOCK;
        let event = rustix::event::eventfd(0, flags)?;
        Ok(Arc::new_cyclic(|me| Shared {
            schedule: Mutex::new(Schedule::new(&config)),
            idle: Condvar::new(),
            unresolved: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
            event,
            counts: Counts::default(),
            config,
            callback_threads: CallbackThreads::named("hp-callback"),
            tellers: CallbackThreads::named("hp-teller"),
            me: me.clone(),
            maker: Maker::here(),
        }))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Schedule> {
        // A panic under the lock is a bug in this crate; the supervisor then breaks the pool.
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the supervisor.
    pub(crate) fn poke(&self) {
        // It can fail only when the counter is full, and then the supervisor wakes anyway.
        let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
    }

    /// True in a copy, made by a fork, of the process that has made the pool: its threads are not here, and
    /// its lanes are another's. There, every operation fails or does nothing.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        !self.maker.is_here()
    }

    /// Accepts a task. Whatever happens to it, its receiver is told, once for each item.
    pub fn submit(&self, task: Task) {
        if self.is_copy() {
            return task.fail_all(&Failure::Copied);
        }
        let mut schedule = self.lock();
        if let Some(refusal) = schedule.refusal() {
            drop(schedule);
            task.fail_all(&refusal);
            return;
        }
        self.add_unresolved(1);
        let mut outbox = Outbox::default();
        if !schedule.has_idle_worker() {
            schedule.collect_all(&mut outbox);
        }
        schedule.accept(task);
        self.commit(schedule, outbox, Teller::Supervisor);
    }

    /// True if the pool takes tasks: it is neither shut down nor broken.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.is_copy() && self.lock().is_open()
    }

    /// Cancels a task that has not begun. True: its receiver is told nothing more, except by `tell`, which may
    /// call code of the user.
    /// False: the task has begun or ended. If it has several items, those that have not begun are cancelled.
    pub fn cancel(&self, state: &TaskState, tell: impl FnOnce()) -> bool {
        if self.is_copy() {
            return false;
        }
        let mut schedule = self.lock();
        let mut outbox = Outbox::default();
        let cancelled = schedule.cancel(state, &mut outbox);
        self.commit(schedule, outbox, Teller::Supervisor);
        if cancelled {
            self.counts.add(&self.counts.cancelled, 1);
            let _ = crate::wire::panic::catch(|| within(self, tell));
            self.resolved(1);
        }
        cancelled
    }

    /// True if the task has begun and not ended.
    #[must_use]
    pub fn running(&self, state: &TaskState) -> bool {
        !self.is_copy() && self.lock().is_running(state)
    }

    /// True if the task has ended, whether its receiver has been told yet or not.
    #[must_use]
    pub fn ended(&self, state: &TaskState) -> bool {
        if self.is_copy() {
            return false;
        }
        let mut schedule = self.lock();
        let mut outbox = Outbox::default();
        schedule.collect_all(&mut outbox);
        let ended = state.place() == Place::Ended;
        self.commit(schedule, outbox, Teller::Supervisor);
        ended
    }

    /// Asks that the end of this task be noticed although nobody waits for it.
    pub fn watch(&self, state: &TaskState) {
        if self.is_copy() {
            return;
        }
        let mut schedule = self.lock();
        schedule.watch(state);
        self.commit(schedule, Outbox::default(), Teller::Supervisor);
    }

    /// The settings with which the pool was made.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// True in a callback of this pool. To wait for the end of the pool there is to wait for oneself.
    #[must_use]
    pub fn in_callback(&self) -> bool {
        is_inside(self)
    }

    /// Ends a change of the schedule; every change ends here. Feeds the lanes, makes sure that the next reply
    /// is noticed, and releases the lock. Then `teller` tells the receivers.
    pub(crate) fn commit<'a>(
        &'a self,
        mut schedule: MutexGuard<'a, Schedule>,
        mut outbox: Outbox,
        teller: Teller,
    ) {
        loop {
            // Under the lock, and before any of the parts can end.
            self.add_unresolved(std::mem::take(&mut outbox.parts));
            while let Some(mut staged) = schedule.feed(&mut outbox) {
                // A large argument is copied into its segment without the lock.
                drop(schedule);
                staged.fill();
                schedule = self.lock();
                schedule.put_staged(staged, &mut outbox);
            }
            if !schedule.arm_bells() {
                break;
            }
            if outbox.len() >= MOST_ENDS {
                // The supervisor will find the others.
                self.poke();
                break;
            }
            schedule.collect_all(&mut outbox);
        }
        let mut poke = schedule.wants_supervisor();
        schedule.wake_helpers();
        match teller {
            Teller::Here | Teller::Tellers => outbox.append(&mut schedule.deferred),
            Teller::Supervisor => {
                // If the list is not empty, whoever put the first entry there has called the supervisor.
                poke |= schedule.deferred.is_empty() && !outbox.is_empty();
                schedule.deferred.append(&mut outbox);
            }
        }
        let events = std::mem::take(&mut schedule.log.events);
        drop(schedule);
        if poke {
            self.poke();
        }
        if teller == Teller::Tellers {
            self.deliver_elsewhere(events, outbox);
        } else {
            tell_events(events);
            self.deliver(outbox);
        }
    }

    /// Counts tasks whose receivers are to be told of their ends.
    pub(crate) fn add_unresolved(&self, tasks: usize) {
        // Relaxed: ordered by the lock for `close`, which is called under it.
        self.unresolved.fetch_add(tasks, Ordering::Relaxed);
    }

    /// Notes that the receivers of so many tasks have been told everything.
    pub(crate) fn resolved(&self, tasks: usize) {
        // SeqCst, here and in `set_closing`: either this sees `closing`, or whoever has set it sees the count.
        if tasks > 0
            && self.unresolved.fetch_sub(tasks, Ordering::SeqCst) == tasks
            && self.closing.load(Ordering::SeqCst)
        {
            let schedule = self.lock();
            self.idle.notify_all();
            drop(schedule);
            // The supervisor waits for this too, to let the workers go.
            self.poke();
        }
    }

    /// True if every receiver has been told everything.
    pub(crate) fn all_resolved(&self) -> bool {
        self.unresolved.load(Ordering::SeqCst) == 0
    }

    /// Somebody will wait for everything to be resolved.
    pub(crate) fn set_closing(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    /// True if [`set_closing`](Self::set_closing) was called.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Breaks the pool: fails all tasks that it has and all that are submitted later.
    pub(crate) fn break_down(&self, reason: &str) {
        let mut schedule = self.lock();
        let mut outbox = Outbox::default();
        schedule.break_down(reason, &mut outbox);
        self.commit(schedule, outbox, Teller::Tellers);
    }
}
