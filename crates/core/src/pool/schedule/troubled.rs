//! Workers that cannot serve although nobody has ended them: they have closed their descriptors, or were
//! stopped.
//!
//! Called by [`deadlines`](super::deadlines), every [`STUCK_FOR`] while a worker has something to do.

use super::schedule::Schedule;
use crate::lane::ring::Seen;
use crate::pool::child::handle::WorkerHandle;
use crate::pool::child::trouble::STUCK_FOR;
use crate::pool::delivery::outbox::Outbox;
use crate::task::Failure;
use std::time::{Duration, Instant};

/// How often to look at a worker that is known to be in trouble.
const SOON: Duration = Duration::from_millis(10);

impl Schedule {
    /// Sets the time of the next look, if one is needed.
    pub(super) fn arm_trouble_check(&mut self) {
        if self.timers.checks_trouble() {
            return;
        }
        let soon = self.roster.iter().any(|worker| worker.trouble.is_any());
        let busy =
            |worker: &WorkerHandle| worker.stage().is_ready() && worker.window.in_flight() > 0;
        if soon || self.roster.iter().any(busy) {
            let after = if soon { SOON } else { STUCK_FOR };
            self.timers.check_trouble_at(Instant::now() + after);
        }
    }

    /// Takes tasks away from workers that cannot serve, and has those replaced.
    pub(super) fn check_trouble(&mut self, now: Instant, outbox: &mut Outbox) {
        for index in self.roster.indices() {
            let Some(worker) = self.roster.get_mut(index) else { continue };
            if worker.stage().why().is_some() {
                continue;
            }
            if worker.trouble.is_cut_off(now) {
                self.give_up(index);
            } else if worker.trouble.is_stopped() {
                self.check_stopped(index);
            } else {
                self.check_stuck(index, now, outbox);
            }
        }
    }

    /// The worker can say nothing more. What it runs may end; nothing else begins there.
    fn give_up(&mut self, index: usize) {
        let Some(worker) = self.roster.get_mut(index) else { return };
        if !worker.stage().is_ready() {
            return worker.condemn(|| "it closed its descriptors before it was ready".to_owned());
        }
        let tasks = worker.take_back(usize::MAX);
        worker.retire();
        self.queue.put_back(tasks);
    }

    /// The worker was stopped. It may go on if it is continued before it is needed.
    fn check_stopped(&mut self, index: usize) {
        let needed = self.queue.len() > 0 && !self.has_idle_worker();
        let Some(worker) = self.roster.get_mut(index) else { return };
        let stopped = worker.process.is_stopped();
        worker.trouble.set_stopped(stopped);
        if stopped && needed {
            worker.condemn(|| "it was stopped while tasks waited for it".to_owned());
        }
    }

    /// The task that is next in a lane may be there for too long.
    fn check_stuck(&mut self, index: usize, now: Instant, outbox: &mut Outbox) {
        let others =
            self.roster.enumerate().any(|(other, worker)| other != index && worker.is_idle());
        let Some(worker) = self.roster.get_mut(index) else { return };
        let head = worker.window.first().filter(|_| worker.stage().is_ready());
        let seen = head.map(|head| worker.lane.ring().look(head));
        let next = head.filter(|_| seen == Some(Seen::Ready));
        if !worker.trouble.is_stuck(next, now) {
            return;
        }
        let stopped = worker.process.is_stopped();
        worker.trouble.set_stopped(stopped);
        let starved = others && worker.trouble.is_stuck_for_long(now);
        if !(stopped || starved) {
            return;
        }
        let mut tasks = worker.take_back(usize::MAX);
        let pid = worker.pid();
        // One that hides that it has begun a task looks like this too.
        if !stopped && let Some(task) = tasks.pop_if(|next| !next.survives_loss()) {
            let what = "it does not take its tasks".to_owned();
            outbox.fail(task, Failure::Protocol { pid, what });
        }
        self.queue.put_back(tasks);
    }
}
