//! A thread that waits for a task helps to collect replies.
//!
//! Called by the futures of the `horsepower` crate. The thread spins or sleeps on the bell of the lane that
//! its task is in, and collects replies from there itself, its own and others', instead of waiting for
//! another thread to be scheduled. One thread helps with a lane at a time.

use super::child::handle::WorkerHandle;
use super::child::helper::Helper;
use super::delivery::outbox::Outbox;
use super::place::Place;
use super::shared::{Shared, Teller};
use crate::lane::ring::Seen;
use crate::task::TaskState;
use std::time::{Duration, Instant};

/// What a thread that has offered to help is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Helped {
    /// Something happened, or the time is over: look again.
    LookAgain,
    /// The task is in no lane, or another thread helps with that lane already. The end of the task will be
    /// told without this thread: sleep until then.
    NotNeeded,
}

impl Shared {
    /// Called by a thread that waits for the task with this state to end, no longer than until
    /// `deadline`.
    pub fn help(&self, state: &TaskState, deadline: Option<Instant>) -> Helped {
        if self.is_copy() {
            return Helped::NotNeeded;
        }
        let mut schedule = self.lock();
        let Place::Lane(index, _) = state.place() else {
            schedule.watch(state);
            let deferred = !schedule.deferred.is_empty();
            self.commit(schedule, Outbox::default(), Teller::Here);
            return if deferred { Helped::LookAgain } else { Helped::NotNeeded };
        };
        let mut outbox = Outbox::default();
        schedule.collect(index, &mut outbox);
        if !outbox.is_empty() || !schedule.deferred.is_empty() {
            self.commit(schedule, outbox, Teller::Here);
            return Helped::LookAgain;
        }
        let spin = schedule.spin();
        // From a lane whose worker is to be killed, nothing is collected before it is dead.
        let needs_help = |worker: &&mut WorkerHandle| {
            worker.helper == Helper::None && worker.stage().why().is_none()
        };
        let Some(worker) = schedule.roster.get_mut(index).filter(needs_help) else {
            schedule.watch(state);
            self.commit(schedule, outbox, Teller::Here);
            return Helped::NotNeeded;
        };
        worker.helper = Helper::Waits;
        // A worker that has yet to wake up may need this very CPU for it: spinning would keep it away.
        let spin = if worker.history.slept { Duration::ZERO } else { spin };
        let (lane, head, serial) = (worker.lane.clone(), worker.window.head(), worker.serial);
        let changes = lane.changes();
        drop(schedule);

        // News is a reply at `head`; and whatever another thread has taken out of the lane, a reply or
        // a task that was cancelled, moved, or recovered from a dead worker.
        let ring = lane.ring();
        let news =
            || lane.changes() != changes || !matches!(ring.look(head), Seen::Ready | Seen::Running);
        let now = Instant::now();
        let timeout = deadline.map(|deadline| deadline.saturating_duration_since(now));
        if !spins_until(now, spin.min(timeout.unwrap_or(spin)), &news) {
            ring.bell().wait(news, timeout);
        }

        let mut schedule = self.lock();
        if let Some(worker) = schedule.roster.get_same(index, serial) {
            worker.helper = Helper::None;
            schedule.collect(index, &mut outbox);
        }
        self.commit(schedule, outbox, Teller::Here);
        Helped::LookAgain
    }
}

/// Looks for `news` again and again, for `spin` from `start`.
fn spins_until(start: Instant, spin: Duration, news: &impl Fn() -> bool) -> bool {
    while !spin.is_zero() {
        for _ in 0..16 {
            if news() {
                return true;
            }
            std::hint::spin_loop();
        }
        if start.elapsed() >= spin {
            break;
        }
    }
    false
}
