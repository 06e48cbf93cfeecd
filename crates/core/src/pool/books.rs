//! What the pool knows, behind one lock: the members, the queue, the phase.

use super::Config;
use super::alone::Birth;
use super::clocks::{Clocks, Limits};
use super::events::Event;
use super::member::Member;
use super::place::Place;
use super::settled::Settled;
use super::stats::Obituaries;
use super::task::Task;
use crate::lane::ring::Seen;
use crate::lane::state::SLOTS;
use crate::task::{Failure, TaskState};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Work that is queued ahead in a lane, so that a worker never waits for its next task. More would
/// only be taken back more often.
const AHEAD: Duration = Duration::from_micros(250);

/// How long either side spins before it sleeps, if that can pay: somewhat longer than it takes to
/// wake up on another CPU that has gone to sleep itself, which on virtual machines is 40 µs and more;
/// with less, each side would be asleep by the time the other has woken up.
const SPIN: Duration = Duration::from_micros(100);

/// Tasks that take longer than this are not worth spinning for.
const SHORT: Duration = Duration::from_micros(40);

/// A pool that has failed to start a worker this often in a row, and has none, is broken.
const TRIES: u32 = 5;

/// What a pool is doing.
#[derive(Debug)]
pub(super) enum Phase {
    /// Taking tasks.
    Open,
    /// Taking no more tasks; ending those it has.
    Closing,
    /// Beyond help, and why.
    Broken(Arc<str>),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) phase: Phase,
    pub(super) members: Vec<Option<Member>>,
    pub(super) queue: VecDeque<Task>,
    /// Entries of the queue that were cancelled.
    dead_entries: usize,
    /// Ends that were found by a thread that does not tell receivers: the supervisor will.
    pub(super) deferred: Settled,
    pub(super) workers: usize,
    cpus: usize,
    pub(super) limits: Limits,
    pub(super) tasks_per_worker: Option<usize>,
    pub(super) clocks: Clocks,
    /// How often tasks were begun again, and how often workers were replaced.
    pub(super) retried: u64,
    pub(super) obituaries: Obituaries,
    /// Moving average of how long a task takes; `None` before the first.
    task_nanos: Option<f64>,
    /// Workers in a row that have died before they did anything.
    pub(super) idle_deaths: u32,
    /// Workers in a row that were never ready, and when the next one may be started.
    failed_starts: u32,
    pub(super) next_start: Option<Instant>,
    /// Workers that are to be started although no task needs them: for those that died.
    pub(super) replacements: usize,
    /// Processes that are to be started for one task each.
    pub(super) births: VecDeque<Birth>,
    /// What has happened, to be told without the lock.
    pub(super) events: Vec<Event>,
    /// There is a fork server, and it is not ready yet.
    pub(super) awaits_server: bool,
    /// When the fork server has to have come to `init`.
    pub(super) server_deadline: Option<Instant>,
    /// What has not begun is not to begin any more.
    pub(super) cancelling: bool,
    /// Every worker is gone, and the supervisor about to be.
    pub(super) supervisor_ended: bool,
    serial: u64,
}

impl Books {
    pub(super) fn new(config: &Config) -> Books {
        Books {
            phase: Phase::Open,
            members: Vec::new(),
            queue: VecDeque::new(),
            dead_entries: 0,
            deferred: Settled::default(),
            workers: config.workers,
            cpus: config.cpus,
            limits: config.limits,
            tasks_per_worker: config.limits.tasks,
            clocks: Clocks::default(),
            retried: 0,
            obituaries: Obituaries::default(),
            task_nanos: None,
            idle_deaths: 0,
            failed_starts: 0,
            next_start: None,
            replacements: 0,
            births: VecDeque::new(),
            events: Vec::new(),
            awaits_server: false,
            server_deadline: None,
            cancelling: false,
            supervisor_ended: false,
            serial: 0,
        }
    }

    pub(super) fn members(&self) -> impl Iterator<Item = (usize, &Member)> {
        self.members.iter().enumerate().filter_map(|(i, member)| Some((i, member.as_ref()?)))
    }

    pub(super) fn members_mut(&mut self) -> impl Iterator<Item = (usize, &mut Member)> {
        self.members.iter_mut().enumerate().filter_map(|(i, member)| Some((i, member.as_mut()?)))
    }

    /// The member at `index`, if it is still the one with this serial number.
    pub(super) fn member(&mut self, index: usize, serial: u64) -> Option<&mut Member> {
        self.members.get_mut(index)?.as_mut().filter(|member| member.serial == serial)
    }

    /// A number for a new member.
    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// The place that the next member will get.
    pub(super) fn free_place(&self) -> usize {
        self.members.iter().position(Option::is_none).unwrap_or(self.members.len())
    }

    /// Adds a member, and returns its place.
    pub(super) fn add(&mut self, member: Member) -> usize {
        let place = self.free_place();
        if place == self.members.len() {
            self.members.push(None);
        }
        self.members[place] = Some(member);
        place
    }

    /// Queues a new task.
    pub(super) fn accept(&mut self, task: Task) {
        self.start_clocks(&task);
        task.state().set_place(Place::Queue);
        self.queue.push_back(task);
    }

    pub(super) fn has_idle_member(&self) -> bool {
        self.members().any(|(_, member)| member.usable() && member.load() == 0)
    }

    pub(super) fn close(&mut self) {
        if matches!(self.phase, Phase::Open) {
            self.phase = Phase::Closing;
        }
    }

    /// Takes a task back that has not begun. One of many items that has is told to begin no further.
    pub(super) fn cancel(&mut self, tag: &TaskState, settled: &mut Settled) -> bool {
        if self.withdraw(tag, settled) {
            return true;
        }
        match tag.place() {
            Place::Lane(index, position) => {
                let Some(member) = self.members[index].as_mut() else { return false };
                if member.task(position).is_some_and(|entry| entry.task.is_framed()) {
                    tag.set_stopped();
                    member.stop(tag);
                }
            }
            Place::Scattered => {
                tag.set_stopped();
                self.members().for_each(|(_, member)| member.stop(tag));
            }
            _ => {}
        }
        false
    }

    /// Takes a task back that has not begun, or that waits for its next try. Its receiver is not told.
    pub(super) fn withdraw(&mut self, tag: &TaskState, settled: &mut Settled) -> bool {
        match tag.place() {
            Place::Nowhere | Place::Ended | Place::Scattered => false,
            // It stays where it is as a dead entry, which is passed over when its turn comes.
            Place::Queue => {
                tag.set_place(Place::Nowhere);
                self.dead_entries += 1;
                if self.dead_entries > 64.max(self.queue.len() / 2) {
                    self.remove_dead_entries(settled);
                }
                true
            }
            Place::Staged => {
                tag.set_place(Place::Nowhere);
                true
            }
            Place::Delayed => {
                tag.set_place(Place::Nowhere);
                self.bury_delayed(settled);
                true
            }
            Place::Lane(index, position) => {
                let Some(member) = self.members[index].as_mut() else { return false };
                if member.lane.ring().take_back(position)
                    && let Some(entry) = member.remove(position)
                {
                    tag.set_place(Place::Nowhere);
                    if let Some(segment) = entry.segment {
                        member.keep_segment(segment);
                    }
                    settled.discard(entry.task);
                    return true;
                }
                false
            }
        }
    }

    /// Throws out of the queue what was cancelled in it.
    fn remove_dead_entries(&mut self, settled: &mut Settled) {
        let (living, dead): (VecDeque<Task>, Vec<Task>) = {
            let mut living = VecDeque::with_capacity(self.queue.len());
            let mut dead = Vec::with_capacity(self.dead_entries);
            for task in self.queue.drain(..) {
                if task.state().place() == Place::Nowhere {
                    dead.push(task)
                } else {
                    living.push_back(task)
                }
            }
            (living, dead)
        };
        self.queue = living;
        self.dead_entries = 0;
        dead.into_iter().for_each(|task| settled.discard(task));
    }

    /// The next task of the queue that was not cancelled.
    pub(super) fn next_in_queue(&mut self, settled: &mut Settled) -> Option<Task> {
        loop {
            let task = self.queue.pop_front()?;
            if task.state().place() == Place::Nowhere {
                self.dead_entries -= 1;
                settled.discard(task);
            } else if task.state().is_stopped() {
                settled.fail(task, Failure::Cancelled);
            } else {
                return Some(task);
            }
        }
    }

    pub(super) fn running(&self, tag: &TaskState) -> bool {
        match tag.place() {
            Place::Lane(index, position) => self.members[index]
                .as_ref()
                .is_some_and(|member| member.lane.ring().look(position) == Seen::Running),
            _ => false,
        }
    }

    /// Notes that somebody wants to know when the task ends.
    pub(super) fn watch(&mut self, tag: &TaskState) {
        if tag.is_watched() {
            return;
        }
        tag.set_watched();
        match tag.place() {
            Place::Lane(index, position) => {
                if let Some(member) = &mut self.members[index] {
                    member.watch_at(position);
                }
            }
            Place::Scattered => self.members_mut().for_each(|(_, member)| member.watch(tag)),
            Place::Nowhere | Place::Queue | Place::Staged | Place::Ended | Place::Delayed => {}
        }
    }

    /// Learns how long tasks take.
    pub(super) fn learn(&mut self, nanos: u64) {
        // A worker gone mad may say anything; ten seconds is as good as for ever here.
        let nanos = nanos.min(10_000_000_000) as f64;
        self.task_nanos = Some(self.task_nanos.map_or(nanos, |mean| mean + (nanos - mean) / 8.0));
    }

    /// How many tasks a lane may hold: one for each worker while tasks are long, many when they are
    /// tiny.
    pub(super) fn depth(&self) -> usize {
        let Some(nanos) = self.task_nanos else {
            return 1;
        };
        let ahead = AHEAD.as_nanos() as f64 / nanos.max(1.0);
        (ahead as usize).clamp(1, SLOTS as usize)
    }

    /// How long a side may spin: not at all if more sides would be runnable than there are CPUs, or
    /// if tasks take so long that sleeping costs nothing in comparison.
    pub(super) fn spin(&self) -> Duration {
        let busy = self.members().filter(|(_, member)| member.load() > 0).count();
        let short = self.task_nanos.is_none_or(|nanos| nanos < SHORT.as_nanos() as f64);
        if busy < self.cpus && short { SPIN } else { Duration::ZERO }
    }

    /// How many workers have nothing to do, or could be started.
    pub(super) fn spare_workers(&self) -> usize {
        self.workers.saturating_sub(self.members().filter(|(_, member)| member.load() > 0).count())
    }

    /// Tasks that wait although a worker might be started for them.
    fn backlog(&self) -> usize {
        let ahead: usize = self.members().map(|(_, member)| member.load().saturating_sub(1)).sum();
        self.queue.len() - self.dead_entries + ahead
    }

    /// How many workers ought to be started now.
    pub(super) fn wanted_starts(&self) -> usize {
        if matches!(self.phase, Phase::Broken(_)) || self.awaits_server {
            return 0;
        }
        // One that is to be replaced counts until it is gone: there are never more than asked for.
        let living = |m: &Member| (!m.leaving || m.retired) && m.condemned.is_none();
        let living = self.members().filter(|(_, member)| living(member)).count();
        let busy = self.members().filter(|(_, member)| member.load() > 0).count();
        let replacements = if matches!(self.phase, Phase::Open) { self.replacements } else { 0 };
        let needed = (busy + self.backlog()).max(living + replacements).min(self.workers);
        let wanted = needed.saturating_sub(living);
        if self.failed_starts == 0 {
            return wanted;
        }
        // After a failure one at a time, until one succeeds.
        let starting = self.members().any(|(_, member)| !member.ready && !member.leaving);
        if starting { 0 } else { wanted.min(1) }
    }

    /// True if the supervisor has something to do that it does not know of.
    pub(super) fn wants_supervisor(&mut self) -> bool {
        self.wind_clocks();
        let called = std::mem::take(&mut self.clocks.call);
        let waits = self.next_start.is_some_and(|start| start > Instant::now());
        // One that has a grace need not wait for its end once its task has ended.
        let over = |m: &Member| m.condemned.is_some() && (m.grace.is_none() || m.has_news());
        let to_end = |m: &Member| !m.killed && (over(m) || m.is_useless());
        called
            || self.members().any(|(_, member)| to_end(member))
            || (!waits && self.wanted_starts() > 0)
    }

    /// Sees to it that replies are noticed where that matters: for tasks that are watched, and as
    /// long as there is something to feed or to share out. Returns true if there are replies
    /// already.
    pub(super) fn arm(&self) -> bool {
        let all = self.backlog() > 0 || !matches!(self.phase, Phase::Open);
        let mut news = false;
        for (_, member) in self.members() {
            let watched = member.watched > 0 || member.doom.is_some();
            if member.in_flight > 0 && (all || watched) {
                member.lane.ring().bell().arm();
                news |= member.has_news() && member.condemned.is_none();
            }
        }
        news
    }

    /// Wakes the threads that attend a lane from which somebody else has taken something.
    pub(super) fn wake_attendants(&mut self) {
        for (_, member) in self.members_mut() {
            if std::mem::take(&mut member.wake_attendant) {
                member.lane.ring().bell().wake();
            }
        }
    }

    /// A worker is ready.
    pub(super) fn started(&mut self) {
        self.failed_starts = 0;
        self.next_start = None;
    }

    /// A worker has died before it was given anything: the next one is not started at once, if that
    /// happens again and again.
    pub(super) fn died_idle(&mut self) {
        self.idle_deaths += 1;
        if self.idle_deaths > 1 {
            let pause = Duration::from_millis(5 << self.idle_deaths.min(7));
            self.next_start = Some(Instant::now() + pause);
        }
    }

    /// A worker was never ready. If that has happened too often the pool is broken.
    pub(super) fn failed_to_start(&mut self, why: &str, settled: &mut Settled) {
        self.failed_starts += 1;
        let pause = Duration::from_millis(5 << self.failed_starts.min(7));
        self.next_start = Some(Instant::now() + pause);
        let served = self.members().any(|(_, member)| member.ready);
        if self.failed_starts >= TRIES && !served {
            self.break_down(
                &format!("no worker could be started in {TRIES} tries; the last one: {why}"),
                settled,
            );
        }
    }

    /// Fails everything, now and from now on.
    pub(super) fn break_down(&mut self, reason: &str, settled: &mut Settled) {
        if matches!(self.phase, Phase::Broken(_)) {
            return;
        }
        let reason: Arc<str> = reason.into();
        self.phase = Phase::Broken(reason.clone());
        self.events.push(Event::Broken { reason: reason.clone() });
        self.births.clear();
        self.remove_dead_entries(settled);
        let mut tasks: Vec<Task> = self.queue.drain(..).collect();
        tasks.extend(self.take_delayed(settled));
        for (_, member) in self.members_mut() {
            member.condemned.get_or_insert_with(|| "the pool is broken".to_owned());
            tasks.extend(member.take_tasks());
        }
        for task in tasks {
            settled.fail(task, Failure::Broken(reason.clone()));
        }
    }
}
