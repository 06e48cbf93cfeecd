//! Taking tasks back that have not begun: because they are cancelled, are too late, or their worker is to
//! leave.

use super::schedule::Schedule;
use crate::pool::child::handle::WorkerHandle;
use crate::pool::delivery::outbox::Outbox;
use crate::pool::place::Place;
use crate::task::{Failure, TaskState};

impl Schedule {
    /// Takes a task back that has not begun. One of many items that has begun is told to begin no further
    /// item.
    pub(crate) fn cancel(&mut self, state: &TaskState, outbox: &mut Outbox) -> bool {
        if self.withdraw(state, outbox) {
            return true;
        }
        match state.place() {
            Place::Lane(index, position) => {
                let Some(worker) = self.roster.get(index) else { return false };
                if worker.window.get(position).is_some_and(|entry| entry.task.is_framed()) {
                    state.set_stopped();
                    worker.stop(state);
                }
            }
            Place::Scattered => {
                state.set_stopped();
                self.roster.iter().for_each(|worker| worker.stop(state));
            }
            _ => {}
        }
        false
    }

    /// Takes back every task that has not begun, which then has failed as cancelled. One of many items that
    /// has begun is told to begin no further item.
    pub(crate) fn cancel_all(&mut self, outbox: &mut Outbox) {
        self.roster.iter().for_each(WorkerHandle::stop_all);
        let mut tasks = self.timers.take_delayed(outbox);
        for worker in self.roster.iter_mut() {
            tasks.extend(worker.take_back(usize::MAX));
        }
        while let Some(task) = self.queue.pop(outbox) {
            tasks.push(task);
        }
        tasks.into_iter().for_each(|task| outbox.fail(task, Failure::Cancelled));
    }

    /// Has the workers leave that are more than there may be. Tasks that they have not begun go to others.
    pub(crate) fn retire_surplus(&mut self) {
        let mut wanted: Vec<_> = self
            .roster
            .enumerate()
            .filter(|(_, worker)| worker.stage().is_wanted())
            .map(|(index, worker)| (worker.serves(), worker.load(), index))
            .collect();
        wanted.sort_unstable();
        let surplus = wanted.len().saturating_sub(self.roster.most);
        for &(_, _, index) in &wanted[..surplus] {
            if let Some(worker) = self.roster.get_mut(index) {
                let tasks = worker.take_back(usize::MAX);
                worker.retire();
                self.queue.put_back(tasks);
            }
        }
    }

    /// Takes a task back that has not begun, or that waits for its next try. Its receiver is not told.
    pub(crate) fn withdraw(&mut self, state: &TaskState, outbox: &mut Outbox) -> bool {
        match state.place() {
            Place::Nowhere | Place::Ended | Place::Scattered => false,
            Place::Queue => {
                self.queue.withdraw(state, outbox);
                true
            }
            // Whoever carries it sees that on arrival.
            Place::Staged => {
                state.set_place(Place::Nowhere);
                true
            }
            Place::Delayed => {
                state.set_place(Place::Nowhere);
                self.timers.delayed_died(outbox);
                true
            }
            Place::Lane(index, position) => {
                let Some(worker) = self.roster.get_mut(index) else { return false };
                if worker.lane.ring().take_back(position)
                    && let Some(entry) = worker.remove(position)
                {
                    state.set_place(Place::Nowhere);
                    if let Some(segment) = entry.segment {
                        worker.segments.give_back(segment);
                    }
                    outbox.discard(entry.task);
                    return true;
                }
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::config::Config;
    use crate::pool::task::samples::{framed, single};
    use std::time::Instant;

    #[test]
    fn a_task_is_taken_back_from_wherever_it_waits_and_once() {
        let (mut schedule, mut outbox) = (Schedule::new(&Config::default()), Outbox::default());
        let (queued, delayed) = (single(b""), single(b""));
        let receivers = [queued.receiver.clone(), delayed.receiver.clone()];
        schedule.accept(queued);
        schedule.timers.delay(delayed, Instant::now());
        for receiver in receivers {
            assert!(schedule.cancel(receiver.task_state(), &mut outbox));
            assert!(
                !schedule.cancel(receiver.task_state(), &mut outbox),
                "it is not there any more"
            );
        }
        let staged = single(b"");
        staged.state().set_place(Place::Staged);
        assert!(schedule.cancel(staged.state(), &mut outbox));
        assert_eq!((schedule.unended_calls(), outbox.len()), (0, 0));
    }

    #[test]
    fn a_task_that_was_split_is_stopped_instead() {
        let (mut schedule, mut outbox) = (Schedule::new(&Config::default()), Outbox::default());
        let task = framed(3);
        task.state().set_place(Place::Scattered);
        assert!(!schedule.cancel(task.state(), &mut outbox));
        assert!(task.state().is_stopped());
    }
}
