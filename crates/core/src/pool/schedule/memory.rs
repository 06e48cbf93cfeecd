//! Memory limits of workers: those that use too much are replaced, or ended with their task.
//!
//! Called by [`deadlines`](super::deadlines) every [`CHECK_EVERY`] while a worker has something to do.

use super::schedule::Schedule;
use crate::pool::config::Limits;
use crate::pool::events::Event;
use crate::task::Failure;
use std::time::{Duration, Instant};

/// How often the memory of workers is looked at while they have something to do.
const CHECK_EVERY: Duration = Duration::from_millis(20);

impl Schedule {
    /// Sets the time of the next look at memory, if one is needed.
    pub(crate) fn arm_memory_check(&mut self) {
        if self.timers.checks_memory() {
            return;
        }
        let limited = self.limits.memory.is_some() || self.limits.replace_above.is_some();
        let due = self
            .roster
            .iter()
            .any(|worker| !worker.history.memory_checked && (limited || worker.captures_now()));
        if due {
            self.timers.check_memory_at(Instant::now() + CHECK_EVERY);
        }
    }

    /// Ends workers that use too much memory, or has them replaced.
    pub(crate) fn check_memory(&mut self) {
        let Limits { memory, replace_above, .. } = self.limits;
        for index in self.roster.indices() {
            let Some(worker) = self.roster.get_mut(index) else { continue };
            let (pid, head, busy) = (worker.pid(), worker.window.head(), worker.load() > 0);
            let leaves = worker.stage().was_told_to_leave() && !busy;
            if worker.history.memory_checked || worker.stage().ended_task().is_some() || leaves {
                continue;
            }
            worker.trim_captures();
            // A busy worker is looked at again; one that has nothing to do, not until its next task.
            worker.history.memory_checked = !busy;
            // What the initializer uses is not what a task has left behind.
            let grown = worker.history.replies > 0 && !worker.stage().is_retired();
            if memory.is_none() && replace_above.is_none() {
                continue;
            }
            let above = |limit: Option<u64>| {
                limit.and_then(|limit| Some((limit, worker.process.memory_above(limit)?)))
            };
            if let Some((limit, used)) = above(memory) {
                self.log.add(Event::MemoryLimit { pid, used, limit });
                if busy {
                    let failure = Failure::Memory { pid, limit, used };
                    self.end_task(index, head, failure, Duration::ZERO);
                } else if grown {
                    worker.retire();
                }
            } else if let Some((_, used)) = above(replace_above.filter(|_| grown)) {
                let tasks = worker.take_back(usize::MAX);
                worker.retire();
                self.log.add(Event::WorkerGrown { pid, used });
                self.queue.put_back(tasks);
            }
        }
    }
}
