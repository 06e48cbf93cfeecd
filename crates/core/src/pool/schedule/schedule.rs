//! What a pool knows, as one value behind one lock.
//!
//! [`Shared`](crate::pool::shared::Shared) owns it and locks it. The parts are plain types in files of
//! their own; what changes several of them at once is here and in the files beside this one.

use super::pace::Pace;
use super::queue::Queue;
use super::respawn::{Demand, Respawn, TRIES};
use super::roster::Roster;
use super::timers::Timers;
use crate::lane::ring::Seen;
use crate::launch::Launch;
use crate::pool::child::handle::WorkerHandle;
use crate::pool::child::process::ChildProcess;
use crate::pool::config::{Config, Limits};
use crate::pool::delivery::outbox::{Outbox, SpentSegment};
use crate::pool::events::{Event, Log};
use crate::pool::place::Place;
use crate::pool::task::Task;
use crate::task::{Failure, TaskState};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// How long a worker that was told to leave, and has nothing to do, may take.
pub(crate) const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The same in a pool that is shut down by force.
const KILLED_WITHIN: Duration = Duration::from_millis(500);

/// What a pool is doing.
#[derive(Debug)]
pub(crate) enum Phase {
    /// Taking tasks.
    Open,
    /// Taking no more tasks, and ending those it has. If `cancelling`, no further one begins; if `killing`,
    /// none goes on.
    Closing { cancelling: bool, killing: bool },
    /// It cannot run tasks any more, and why.
    Broken(Arc<str>),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Schedule {
    pub(crate) phase: Phase,
    pub(crate) roster: Roster,
    pub(crate) queue: Queue,
    pub(crate) timers: Timers,
    pub(crate) pace: Pace,
    pub(crate) respawn: Respawn,
    pub(crate) limits: Limits,
    /// Ends that were found by threads that do not tell receivers. The supervisor tells them.
    pub(crate) deferred: Outbox,
    pub(crate) log: Log,
    /// Processes that are to be started for one task each.
    pub(crate) dedicated_starts: VecDeque<DedicatedStart>,
    /// Every worker is gone, and the supervisor's thread is about to end.
    pub(crate) supervisor_ended: bool,
}

/// A process that somebody wants to be started for one task.
#[derive(Debug)]
pub(crate) struct DedicatedStart {
    pub(crate) launch: Launch,
    pub(crate) task: Task,
    /// Where the supervisor sends the process, or the reason why there is none.
    pub(crate) answer: SyncSender<io::Result<Arc<ChildProcess>>>,
}

impl Schedule {
    pub(crate) fn new(config: &Config) -> Schedule {
        Schedule {
            phase: Phase::Open,
            roster: Roster::new(config.workers),
            queue: Queue::new(),
            timers: Timers::new(),
            pace: Pace::new(config.cpus),
            respawn: Respawn::default(),
            limits: config.limits,
            deferred: Outbox::default(),
            log: Log::default(),
            dedicated_starts: VecDeque::new(),
            supervisor_ended: false,
        }
    }

    /// Queues a new task.
    pub(crate) fn accept(&mut self, task: Task) {
        self.timers.start(&task);
        self.queue.push_back(task);
    }

    /// Why the pool takes no more tasks; `None` if it does take them.
    pub(crate) fn refusal(&self) -> Option<Failure> {
        match &self.phase {
            Phase::Open => None,
            Phase::Closing { .. } => Some(Failure::Shutdown),
            Phase::Broken(reason) => Some(Failure::Broken(reason.clone())),
        }
    }

    /// From now on takes no more tasks. If `cancel` or `kill`, in this call or an earlier one, no further
    /// task begins, or none goes on.
    pub(crate) fn close(&mut self, cancel: bool, kill: bool) {
        match &mut self.phase {
            Phase::Open => self.phase = Phase::Closing { cancelling: cancel, killing: kill },
            Phase::Closing { cancelling, killing } => {
                *cancelling |= cancel;
                *killing |= kill;
            }
            Phase::Broken(_) => {}
        }
    }

    /// How long a worker may take to leave when there will be no more work.
    pub(crate) fn leave_timeout(&self) -> Duration {
        match self.phase {
            Phase::Closing { killing: true, .. } => KILLED_WITHIN,
            _ => LEAVE_TIMEOUT,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    /// True if no further task is to begin.
    pub(crate) fn is_cancelling(&self) -> bool {
        matches!(self.phase, Phase::Closing { cancelling: true, .. })
    }

    pub(crate) fn has_idle_worker(&self) -> bool {
        self.roster.iter().any(|worker| worker.is_usable() && worker.load() == 0)
    }

    fn busy_workers(&self) -> usize {
        self.roster.iter().filter(|worker| worker.load() > 0).count()
    }

    /// How many workers have nothing to do, or could be started.
    pub(crate) fn spare_workers(&self) -> usize {
        self.roster.most.saturating_sub(self.busy_workers())
    }

    /// Tasks that wait although a worker might be started for them.
    fn backlog(&self) -> usize {
        let ahead: usize = self.roster.iter().map(|worker| worker.load().saturating_sub(1)).sum();
        self.queue.len() + ahead
    }

    /// Calls that have not ended.
    pub(crate) fn unended_calls(&self) -> u64 {
        let lanes: u64 = self.roster.iter().map(WorkerHandle::calls).sum();
        self.queue.calls() + lanes + self.timers.delayed() as u64
    }

    /// How long a side may spin now.
    pub(crate) fn spin(&self) -> Duration {
        self.pace.spin(self.busy_workers())
    }

    /// How many workers ought to be started now.
    pub(crate) fn wanted_starts(&self) -> usize {
        if matches!(self.phase, Phase::Broken(_)) || self.respawn.awaits_fork_server() {
            return 0;
        }
        let starting = self.respawn.has_failed()
            && self.roster.iter().any(|worker| worker.stage().is_starting());
        self.respawn.wanted(&Demand {
            most: self.roster.most,
            living: self.roster.iter().filter(|worker| worker.stage().counts()).count(),
            busy: self.busy_workers(),
            backlog: self.backlog(),
            starting,
            open: self.is_open(),
        })
    }

    /// The kernel refused to start a worker, or the fork server. If it refuses for want of something, that
    /// may change: after so many tries the tasks that wait fail, and later ones are tried again.
    pub(crate) fn not_started(&mut self, error: &io::Error, outbox: &mut Outbox) {
        if !is_shortage(error) {
            return self.failed_to_start(&error.to_string(), outbox);
        }
        let too_often = self.respawn.refused(Instant::now());
        if !too_often || self.roster.iter().any(|worker| worker.stage().is_ready()) {
            return;
        }
        let mut tasks = self.queue.take_all(outbox);
        for worker in self.roster.iter_mut() {
            tasks.extend(worker.take_back(usize::MAX));
        }
        let why = format!("no worker could be started in {TRIES} tries; the last one: {error}");
        for task in tasks {
            outbox.fail(task, Failure::NoWorker(why.clone()));
        }
    }

    /// A worker, or the fork server, was never ready. If that has happened too often the pool is broken.
    pub(crate) fn failed_to_start(&mut self, why: &str, outbox: &mut Outbox) {
        let too_often = self.respawn.failed(Instant::now());
        if too_often && !self.roster.iter().any(|worker| worker.stage().is_ready()) {
            self.break_down(
                &format!("no worker could be started in {TRIES} tries; the last one: {why}"),
                outbox,
            );
        }
    }

    /// Breaks the pool: fails all tasks that it has and all that are submitted later.
    pub(crate) fn break_down(&mut self, reason: &str, outbox: &mut Outbox) {
        if matches!(self.phase, Phase::Broken(_)) {
            return;
        }
        let reason: Arc<str> = reason.into();
        self.phase = Phase::Broken(reason.clone());
        self.log.add(Event::Broken { reason: reason.clone() });
        self.dedicated_starts.clear();
        let mut tasks = self.queue.take_all(outbox);
        tasks.extend(self.timers.take_delayed(outbox));
        for worker in self.roster.iter_mut() {
            worker.condemn(|| "the pool is broken".to_owned());
            tasks.extend(worker.take_tasks());
        }
        for task in tasks {
            outbox.fail(task, Failure::Broken(reason.clone()));
        }
    }

    /// True if the task runs at this moment.
    pub(crate) fn is_running(&self, state: &TaskState) -> bool {
        let Place::Lane(index, position) = state.place() else { return false };
        let worker = self.roster.get(index);
        worker.is_some_and(|worker| worker.lane.ring().look(position) == Seen::Running)
    }

    /// Notes that somebody wants to know when the task ends.
    pub(crate) fn watch(&mut self, state: &TaskState) {
        if state.is_watched() {
            return;
        }
        state.set_watched();
        match state.place() {
            Place::Lane(index, position) => {
                if let Some(worker) = self.roster.get_mut(index) {
                    worker.window.watch_at(position);
                }
            }
            Place::Scattered => {
                self.roster.iter_mut().for_each(|worker| worker.window.watch(state));
            }
            Place::Nowhere | Place::Queue | Place::Staged | Place::Ended | Place::Delayed => {}
        }
    }

    /// Makes sure that replies are noticed where that matters: for tasks that are watched, and as long as
    /// tasks wait that could be fed to a worker. Returns true if there are replies already.
    pub(crate) fn arm_bells(&self) -> bool {
        let all = self.backlog() > 0 || !self.is_open();
        let mut news = false;
        for worker in self.roster.iter() {
            let watched = worker.window.is_watched() || worker.stage().ended_task().is_some();
            if worker.window.in_flight() > 0 && (all || watched) {
                worker.lane.ring().bell().arm();
                news |= worker.has_news() && worker.stage().why().is_none();
            }
        }
        news
    }

    /// Wakes the threads that help with a lane from which somebody else has taken something.
    pub(crate) fn wake_helpers(&mut self) {
        self.roster.iter_mut().for_each(WorkerHandle::wake_helper);
    }

    /// Gives segments back to the workers that they came from.
    pub(crate) fn give_back_segments(&mut self, spent: Vec<SpentSegment>) {
        for (index, serial, segment) in spent {
            if let Some(worker) = self.roster.get_same(index, serial) {
                worker.segments.give_back(segment);
            }
        }
    }
}

/// True if the kernel has refused for want of descriptors, processes or memory.
pub(crate) fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = Errno::from_io_error(error);
    errno.is_some_and(|errno| {
        [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM, Errno::NOSPC, Errno::NOBUFS]
            .contains(&errno)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::task::samples::single;

    fn schedule() -> Schedule {
        Schedule::new(&Config { workers: 2, ..Config::default() })
    }

    #[test]
    fn a_pool_closes_once_and_cancels_from_then_on() {
        let mut schedule = schedule();
        assert!(schedule.is_open() && schedule.refusal().is_none());
        for (cancelling, cancels) in [(false, false), (true, true), (false, true)] {
            schedule.close(cancelling, false);
            assert!(!schedule.is_open());
            assert!(matches!(schedule.refusal(), Some(Failure::Shutdown)));
            assert_eq!(schedule.is_cancelling(), cancels);
        }
        schedule.break_down("why", &mut Outbox::default());
        schedule.close(false, false);
        assert!(matches!(schedule.refusal(), Some(Failure::Broken(why)) if &*why == "why"));
    }

    #[test]
    fn a_shortage_fails_the_tasks_that_wait_and_breaks_nothing() {
        let (mut schedule, mut outbox) = (schedule(), Outbox::default());
        let shortage = io::Error::from(rustix::io::Errno::MFILE);
        for round in 1..=3 {
            schedule.accept(single(b""));
            for _ in 0..TRIES {
                assert_eq!((outbox.len(), schedule.queue.len()), (round - 1, 1));
                schedule.not_started(&shortage, &mut outbox);
            }
            assert_eq!((outbox.len(), schedule.queue.len()), (round, 0));
            assert!(schedule.is_open());
        }
        for _ in 0..TRIES {
            schedule.not_started(&rustix::io::Errno::NOENT.into(), &mut outbox);
        }
        assert!(matches!(schedule.refusal(), Some(Failure::Broken(_))));
    }

    #[test]
    fn a_broken_pool_fails_what_it_has_and_starts_nothing() {
        let (mut schedule, mut outbox) = (schedule(), Outbox::default());
        schedule.accept(single(b""));
        schedule.timers.delay(single(b""), Instant::now());
        assert_eq!((schedule.wanted_starts(), schedule.unended_calls()), (1, 2));
        for tries in 1..=TRIES {
            assert!(outbox.is_empty());
            schedule.failed_to_start("no reason", &mut outbox);
            assert_eq!(schedule.wanted_starts(), usize::from(tries < TRIES));
        }
        assert_eq!((outbox.len(), schedule.unended_calls()), (2, 0));
        assert_eq!(schedule.log.events.len(), 1);
        schedule.break_down("once more", &mut outbox);
        assert_eq!((outbox.len(), schedule.log.events.len()), (2, 1));
    }
}
