//! What a pool has done and what its workers are doing, for those who operate it.

use super::books::Books;
use super::place::Place;
use super::settled::Settled;
use super::{Config, Shared, Tell};
use crate::death::Death;
use crate::stats::{Restart, Stats, WorkerStats};
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
    last: VecDeque<Restart>,
}

impl Obituaries {
    pub(super) fn add(&mut self, death: &Death, why: Option<String>) {
        self.count += 1;
        self.last.truncate(REMEMBERED - 1);
        let why = match why {
            Some(why) => format!("{death}: {why}"),
            None => death.to_string(),
        };
        self.last.push_front(Restart { pid: death.pid, why });
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
            in_flight: member.in_flight,
            tasks: member.replies,
            busy: Duration::from_nanos(member.busy_nanos),
            memory_bytes: member.memory().unwrap_or(0),
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
            last_restarts: books.obituaries.last.iter().cloned().collect(),
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
        let living = self.queue.iter().filter(|task| task.state().place() != Place::Nowhere);
        let queue: u64 = living.map(|task| u64::from(task.remaining())).sum();
        let lanes: u64 = self.members().map(|(_, member)| member.calls()).sum();
        queue + lanes + self.delayed()
    }
}
