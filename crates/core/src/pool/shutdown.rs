//! The end of a pool, changes of its size, and the end of single tasks that run.

use super::config::Shutdown;
use super::delivery::outbox::Outbox;
use super::events::Event;
use super::handle::Pool;
use super::place::Place;
use super::shared::{Shared, Teller};
use crate::lane::ring::Seen;
use crate::task::{Failure, TaskState};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

impl Pool {
    /// Accepts no more tasks, waits until all have ended and their receivers were told, and ends the
    /// workers and the supervisor. Does not wait in one of the pool's own callbacks, which could
    /// only wait for itself; the pool then ends by itself. True: nothing of the pool is left.
    pub fn shutdown(&self, how: Shutdown) -> bool {
        if self.shared.is_copy() {
            return false;
        }
        let deadline = how.patience.map(|patience| Instant::now().checked_add(patience));
        self.shared.close(how);
        if self.shared.in_callback() {
            return false;
        }
        let mut schedule = self.shared.lock();
        while !self.shared.all_resolved() || !schedule.supervisor_ended {
            let idle = &self.shared.idle;
            let Some(Some(at)) = deadline else {
                schedule = idle.wait(schedule).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            schedule = idle.wait_timeout(schedule, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(schedule);
        let handle = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(handle) = handle {
            // The supervisor catches its own panics; there is nothing to learn here.
            let _ = handle.join();
        }
        self.shared.tellers.join();
        self.shared.callback_threads.join();
        true
    }

    /// Changes how many workers there may be. More are started when tasks need them; of fewer, those
    /// that have yet to become ready go first, then those that have nothing to do, and the others when
    /// their tasks have ended.
    pub fn resize(&self, workers: usize) {
        if self.shared.is_copy() {
            return;
        }
        let mut schedule = self.shared.lock();
        schedule.roster.most = workers;
        schedule.retire_surplus();
        self.shared.commit(schedule, Outbox::default(), Teller::Supervisor);
        self.shared.poke();
    }
}

impl Shared {
    /// Accepts no more tasks, and cancels or kills those that are there, as `how` says.
    fn close(&self, how: Shutdown) {
        let mut schedule = self.lock();
        schedule.close(how.cancel_queued, how.kill_running);
        self.set_closing();
        let mut outbox = Outbox::default();
        if how.cancel_queued {
            schedule.cancel_all(&mut outbox);
        }
        if how.kill_running {
            // What has ended is no longer at the head of its lane.
            schedule.collect_all(&mut outbox);
            let running: Vec<_> = schedule
                .roster
                .enumerate()
                .map(|(index, worker)| (index, worker.window.head(), worker.pid()))
                .collect();
            for (index, head, pid) in running {
                schedule.end_task(index, head, Failure::Killed { pid }, Duration::ZERO);
            }
        }
        self.commit(schedule, outbox, Teller::Here);
        self.poke();
    }

    /// Ends the worker that runs the task with this state, and the task with it. False: it does not run
    /// in a worker just now.
    pub fn kill(&self, state: &TaskState) -> bool {
        if self.is_copy() {
            return false;
        }
        let mut schedule = self.lock();
        let mut outbox = Outbox::default();
        schedule.collect_all(&mut outbox);
        let mut killed = false;
        if let Place::Lane(index, position) = state.place()
            && let Some(worker) = schedule.roster.get(index)
            && worker.lane.ring().look(position) == Seen::Running
        {
            let pid = worker.pid();
            let task = worker.window.get(position).map(|entry| entry.task.entry.name());
            killed = schedule.end_task(index, position, Failure::Killed { pid }, Duration::ZERO);
            if let Some(task) = task.filter(|_| killed) {
                schedule.log.add(Event::Killed { pid, task });
            }
        }
        self.commit(schedule, outbox, Teller::Supervisor);
        killed
    }
}
