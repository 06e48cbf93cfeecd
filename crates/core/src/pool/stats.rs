//! What a pool has done and what its workers are doing, for those who operate it.

use super::delivery::outbox::Outbox;
use super::shared::{Shared, Teller};
use crate::stats::{Stats, WorkerStats};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

impl Shared {
    /// What the pool has done, and what it is doing.
    #[must_use]
    pub fn stats(&self) -> Stats {
        if self.is_copy() {
            return Stats::default();
        }
        let mut schedule = self.lock();
        // Replies that nobody has asked for yet count too, as soon as the supervisor has told them.
        let mut outbox = Outbox::default();
        schedule.collect_all(&mut outbox);
        let now = Instant::now();
        let workers = schedule.roster.iter().map(|worker| WorkerStats {
            name: worker.name.clone(),
            pid: worker.pid(),
            age: now.saturating_duration_since(worker.history.started),
            ready: worker.serves(),
            in_flight: worker.window.in_flight(),
            tasks: worker.history.replies,
            busy: Duration::from_nanos(worker.history.busy_nanos),
            memory_bytes: worker.process.own_memory().unwrap_or(0),
        });
        let workers = workers.collect();
        // Relaxed: only numbers.
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let running = schedule.roster.iter().filter(|worker| worker.runs()).count() as u64;
        let stats = Stats {
            queued: schedule.unended_calls().saturating_sub(running),
            running,
            done: read(&self.counts.done),
            failed: read(&self.counts.failed),
            cancelled: read(&self.counts.cancelled),
            retried: schedule.log.retried,
            workers,
            restarts: schedule.log.restarts.count,
            last_restarts: schedule.log.restarts.last.iter().cloned().collect(),
        };
        self.commit(schedule, outbox, Teller::Supervisor);
        stats
    }
}
