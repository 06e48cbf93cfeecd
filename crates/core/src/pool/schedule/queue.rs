//! The tasks that wait for room in a lane.
//!
//! Owned by the [`Schedule`](super::schedule::Schedule). A task that is cancelled here stays as a dead
//! entry, which is passed over when its turn comes: to look for it would cost as much as the queue is long.

use crate::pool::delivery::outbox::Outbox;
use crate::pool::place::Place;
use crate::pool::task::Task;
use crate::prune::{DeadCount, split};
use crate::task::{Failure, TaskState};
use std::collections::VecDeque;

/// So many dead entries are tolerated in any queue.
const TOLERATED: usize = 64;

/// See the module.
#[derive(Debug)]
pub(crate) struct Queue {
    tasks: VecDeque<Task>,
    dead: DeadCount,
}

impl Queue {
    pub(crate) fn new() -> Queue {
        Queue { tasks: VecDeque::new(), dead: DeadCount::new(TOLERATED) }
    }

    /// Adds a task at the end.
    pub(crate) fn push_back(&mut self, task: Task) {
        task.state().set_place(Place::Queue);
        self.tasks.push_back(task);
    }

    /// Puts a task before all others. Its place is what the caller says.
    pub(crate) fn push_front(&mut self, task: Task) {
        self.tasks.push_front(task);
    }

    /// Puts tasks before all others that were taken back from a lane, the last one first.
    pub(crate) fn put_back(&mut self, tasks: Vec<Task>) {
        for task in tasks {
            task.state().set_place(Place::Queue);
            self.tasks.push_front(task);
        }
    }

    /// The next task that was not cancelled.
    pub(crate) fn pop(&mut self, outbox: &mut Outbox) -> Option<Task> {
        loop {
            let task = self.tasks.pop_front()?;
            if task.state().place() == Place::Nowhere {
                self.dead.remove_one();
                outbox.discard(task);
            } else if task.state().is_stopped() {
                outbox.fail(task, Failure::Cancelled);
            } else {
                return Some(task);
            }
        }
    }

    /// Takes back the task with this state, which is in the queue.
    pub(crate) fn withdraw(&mut self, state: &TaskState, outbox: &mut Outbox) {
        state.set_place(Place::Nowhere);
        if self.dead.add(self.tasks.len()) {
            self.remove_dead(outbox);
        }
    }

    /// Takes out all tasks that were not cancelled.
    pub(crate) fn take_all(&mut self, outbox: &mut Outbox) -> Vec<Task> {
        self.remove_dead(outbox);
        self.tasks.drain(..).collect()
    }

    fn remove_dead(&mut self, outbox: &mut Outbox) {
        let dead = split(&mut self.tasks, |task| task.state().place() == Place::Nowhere);
        self.dead.clear();
        dead.into_iter().for_each(|task| outbox.discard(task));
    }

    /// How many tasks wait.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len() - self.dead.get()
    }

    /// How many calls wait.
    pub(crate) fn calls(&self) -> u64 {
        let living = self.tasks.iter().filter(|task| task.state().place() != Place::Nowhere);
        living.map(|task| u64::from(task.remaining())).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::task::samples::{framed, single};

    fn argument(task: &Task) -> u8 {
        task.argument()[0]
    }

    #[test]
    fn tasks_come_out_in_their_order_and_those_taken_back_come_first() {
        let (mut queue, mut outbox) = (Queue::new(), Outbox::default());
        assert!(queue.pop(&mut outbox).is_none());
        (1..=4).for_each(|n| queue.push_back(single(&[n])));
        let taken: Vec<Task> = (0..2).filter_map(|_| queue.pop(&mut outbox)).collect();
        taken.iter().for_each(|task| task.state().set_place(Place::Lane(0, 0)));
        queue.put_back(taken.into_iter().rev().collect());
        let all: Vec<Task> = std::iter::from_fn(|| queue.pop(&mut outbox)).collect();
        assert_eq!(all.iter().map(argument).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert!(all.iter().all(|task| task.state().place() == Place::Queue));
        assert!(outbox.is_empty());
    }

    #[test]
    fn cancelled_tasks_are_passed_over_and_do_not_count() {
        let (mut queue, mut outbox) = (Queue::new(), Outbox::default());
        let states: Vec<_> = (0..3)
            .map(|n| {
                let task = if n == 1 { framed(5) } else { single(&[n]) };
                let receiver = task.receiver.clone();
                queue.push_back(task);
                receiver
            })
            .collect();
        assert_eq!((queue.len(), queue.calls()), (3, 7));
        queue.withdraw(states[1].task_state(), &mut outbox);
        assert_eq!((queue.len(), queue.calls()), (2, 2));
        assert!(outbox.is_empty(), "it is still there");
        assert_eq!(queue.pop(&mut outbox).as_ref().map(argument), Some(0));
        assert_eq!(queue.pop(&mut outbox).as_ref().map(argument), Some(2));
        assert!(!outbox.is_empty(), "it was passed over");
        assert_eq!((queue.len(), outbox.len()), (0, 0));
    }

    #[test]
    fn a_stopped_task_ends_when_its_turn_comes() {
        let (mut queue, mut outbox) = (Queue::new(), Outbox::default());
        let task = framed(2);
        task.state().set_stopped();
        queue.push_back(task);
        assert!(queue.pop(&mut outbox).is_none());
        assert_eq!(outbox.len(), 1);
        assert_eq!(outbox.ends[0].receiver.task_state().place(), Place::Ended);
    }

    #[test]
    fn many_cancelled_tasks_do_not_stay() {
        let (mut queue, mut outbox) = (Queue::new(), Outbox::default());
        for n in [0_usize, 1, TOLERATED, TOLERATED + 1, 3 * TOLERATED] {
            let receivers: Vec<_> = (0..n)
                .map(|_| {
                    let task = single(&[0]);
                    let receiver = task.receiver.clone();
                    queue.push_back(task);
                    receiver
                })
                .collect();
            receivers
                .iter()
                .for_each(|receiver| queue.withdraw(receiver.task_state(), &mut outbox));
            assert_eq!(queue.len(), 0);
            assert!(queue.tasks.len() <= TOLERATED, "{n}");
            assert!(queue.take_all(&mut outbox).is_empty());
            assert!(queue.tasks.is_empty());
        }
    }
}
