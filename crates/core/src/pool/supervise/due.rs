//! Doing what is due, and ending workers whose time is over.
//!
//! Part of the [`Supervisor`], on its thread. What is due for tasks is in
//! [`deadlines`](crate::pool::schedule::deadlines).

use super::supervisor::Supervisor;
use crate::clock::after;
use crate::pool::child::handle::WorkerHandle;
use crate::pool::delivery::outbox::Outbox;
use crate::pool::shared::Teller;
use std::time::{Duration, Instant};

impl Supervisor {
    /// Does what is due, kills workers that are late or condemned, and lets the others go when there will
    /// be no more work.
    pub(super) fn do_due(&self) {
        let mut schedule = self.shared.lock();
        let over = !schedule.is_open() && self.shared.all_resolved();
        let now = Instant::now();
        let start_timeout = self.shared.config.launch.start_timeout;
        let mut ready = false;
        let mut outbox = Outbox::default();
        schedule.do_due(&mut outbox);
        let leave_by = after(now, schedule.leave_timeout());
        for worker in schedule.roster.iter_mut() {
            if over {
                worker.release(leave_by);
            }
            if over && !worker.stage().is_ready() || worker.is_useless() {
                worker.kill();
            }
            if worker.stage().is_late(now) {
                ready |= end_late(worker, now, start_timeout);
            }
            if worker.stage().is_condemned() {
                worker.kill();
            }
        }
        if ready {
            schedule.respawn.ready();
        }
        if schedule.respawn.fork_server_is_late(now) {
            self.fork_servers.kill();
        }
        schedule.wake_helpers();
        self.shared.commit(schedule, outbox, Teller::Tellers);
    }

    /// Makes sure that there are threads for the callbacks that wait, when it is time to check that.
    pub(super) fn check_callback_threads(&self) {
        let due = self.shared.lock().timers.take_callback_threads_check(Instant::now());
        if let Some(at) = due.then(|| self.shared.check_callback_threads()).flatten() {
            self.shared.lock().timers.check_callback_threads_at(at);
        }
    }
}

/// Ends a worker that has not come to `init`, or has not left, in time. True: it has reported ready after
/// all.
fn end_late(worker: &mut WorkerHandle, now: Instant, start_timeout: Duration) -> bool {
    if worker.stage().is_ready() || worker.stage().is_released() {
        worker.kill();
        return false;
    }
    // It may have said so while this thread was busy.
    let ready = worker.read_notes();
    if worker.stage().is_late(now) {
        let pid = worker.pid();
        worker.condemn(|| {
            format!(
                "worker process {pid} did not report ready within {start_timeout:?} and was ended. \
                 Does the program come to `horsepower::init()` when it is started with the \
                 same arguments, and without waiting for anything before?"
            )
        });
    }
    ready
}
