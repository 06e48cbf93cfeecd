//! What a pool has done and what its workers are doing, for those who operate it.

use super::books::Books;
use super::settled::Settled;
use super::task::Place;
use super::{Config, Shared, Tell};
use crate::death::Death;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many deaths are remembered.
const REMEMBERED: usize = 16;

/// How many calls have ended, and how. A call is one task, or one item of a task of many.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) done: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) cancelled: AtomicU64,
}

/// The workers that have ended although they were wanted.
#[derive(Debug, Default)]
pub(super) struct Obituaries {
    count: u64,
    last: VecDeque<Obituary>,
}

/// Why a worker has ended.
#[derive(Clone, Debug)]
pub struct Obituary {
    /// How its process ended.
    pub death: Death,
    /// Why the pool has ended or replaced it, if it was the pool.
    pub why: Option<String>,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Stats {
    /// Calls that wait.
    pub queued: u64,
    /// Tasks that run at this moment.
    pub running: u64,
    /// Calls that have returned.
    pub done: u64,
    /// Calls that have failed.
    pub failed: u64,
    /// Calls that were cancelled.
    pub cancelled: u64,
    /// How often tasks were begun again.
    pub retried: u64,
    /// The workers that live.
    pub workers: Vec<WorkerStats>,
    /// How many workers have ended although they were wanted.
    pub restarts: u64,
    /// The last of them.
    pub obituaries: Vec<Obituary>,
}

/// One worker.
#[derive(Clone, Debug)]
pub struct WorkerStats {
    /// Its name.
    pub name: String,
    /// Its process id.
    pub pid: u32,
    /// Since when it lives.
    pub age: Duration,
    /// It has come to `init` and serves.
    pub ready: bool,
    /// Tasks in its lane.
    pub tasks_in_lane: usize,
    /// Tasks that it has replied to.
    pub tasks: u64,
    /// How long it says that they took.
    pub busy: Duration,
    /// Bytes of memory that it has for itself; 0 if it has just ended.
    pub memory: u64,
}

impl Obituaries {
    pub(super) fn add(&mut self, death: &Death, why: Option<String>) {
        self.count += 1;
        self.last.truncate(REMEMBERED - 1);
        self.last.push_front(Obituary { death: death.clone(), why });
    }
}

impl Counts {
    pub(super) fn add(&self, counter: &AtomicU64, calls: u64) {
        if calls > 0 {
            // Relaxed: only numbers.
            counter.fetch_add(calls, Ordering::Relaxed);
        }
    }
}

impl Shared {
    /// What the pool has done, and what it is doing.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut books = self.lock();
        // Replies that nobody has asked for yet count too, as soon as the supervisor has told them.
        let mut settled = Settled::default();
        books.collect_all(&mut settled);
        let now = Instant::now();
        let workers = books.members().map(|(_, member)| WorkerStats {
            name: member.name.clone(),
            pid: member.pid,
            age: now.saturating_duration_since(member.born),
            ready: member.serves(),
            tasks_in_lane: member.in_flight,
            tasks: member.replies,
            busy: Duration::from_nanos(member.busy_nanos),
            memory: member.memory().unwrap_or(0),
        });
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let running = books.members().filter(|(_, member)| member.runs()).count() as u64;
        let stats = Stats {
            queued: books.queued().saturating_sub(running),
            running,
            done: read(&self.counts.done),
            failed: read(&self.counts.failed),
            cancelled: read(&self.counts.cancelled),
            retried: books.retried,
            workers: workers.collect(),
            restarts: books.obituaries.count,
            obituaries: books.obituaries.last.iter().cloned().collect(),
        };
        self.settle(books, settled, Tell::Supervisor);
        stats
    }

    /// With which settings it was made.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }
}

impl Books {
    /// Calls that have not ended.
    fn queued(&self) -> u64 {
        let living = self.queue.iter().filter(|task| task.tag().place() != Place::Nowhere);
        let queue: u64 = living.map(|task| u64::from(task.remaining())).sum();
        let lanes: u64 = self.members().map(|(_, member)| member.calls()).sum();
        queue + lanes + self.delayed()
    }
}
