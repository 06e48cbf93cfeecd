//! Tasks that come back: those that are tried again after a pause, and those that go on with another
//! worker.
//!
//! Called by `collect` for living workers and by `recover` for dead ones.

use super::schedule::Schedule;
use crate::clock::after;
use crate::pool::delivery::outbox::Outbox;
use crate::pool::events::Event;
use crate::pool::place::Place;
use crate::pool::task::Task;
use crate::task::Failure;
use crate::wire::capture::Capture;
use smallvec::SmallVec;
use std::time::{Duration, Instant};

impl Schedule {
    /// Keeps a task until the time of its next try.
    pub(crate) fn delay(&mut self, task: Task, pause: Duration) {
        self.log.retried += 1;
        self.log.add(Event::Retry { task: task.entry.name(), pause });
        task.state().set_begun();
        self.timers.delay(task, after(Instant::now(), pause));
    }

    /// The task has failed with its worker: it is tried again, or ends.
    pub(crate) fn retry_or_fail(
        &mut self,
        mut task: Task,
        failure: Failure,
        capture: Option<Capture>,
        outbox: &mut Outbox,
    ) {
        let wanted = !self.is_cancelling() && !matches!(failure, Failure::Killed { .. });
        match task.retry().filter(|_| wanted) {
            Some(pause) => self.delay(task, pause),
            None => outbox.fail_begun(task, failure, capture),
        }
    }

    /// Puts tasks back to the front of the queue, in their order. The rest of a task of many items is
    /// split among the workers that have nothing to do.
    pub(crate) fn requeue(&mut self, tasks: impl IntoIterator<Item = Task>, outbox: &mut Outbox) {
        let tasks: SmallVec<[Task; 1]> = tasks.into_iter().collect();
        for mut task in tasks.into_iter().rev() {
            if task.state().is_stopped() {
                outbox.fail(task, Failure::Cancelled);
                continue;
            }
            let others = if task.has_begun() { self.spare_workers() as u32 } else { 0 };
            let share = task.remaining().div_ceil(others + 1).max(1);
            while task.remaining() > share {
                let part = task.split_off(share);
                part.state().set_place(Place::Scattered);
                outbox.parts += 1;
                self.queue.push_front(part);
            }
            // One that has begun cannot be taken back whole any more.
            let begun = task.has_begun();
            task.state().set_place(if begun { Place::Scattered } else { Place::Queue });
            self.queue.push_front(task);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::config::Config;
    use crate::pool::task::samples::{framed, single};
    use crate::task::TaskPolicy;

    fn schedule(workers: usize) -> (Schedule, Outbox) {
        (Schedule::new(&Config { workers, ..Config::default() }), Outbox::default())
    }

    #[test]
    fn tasks_go_back_in_their_order() {
        let (mut schedule, mut outbox) = schedule(1);
        schedule.accept(single(&[3]));
        schedule.requeue([single(&[1]), single(&[2])], &mut outbox);
        let all = std::iter::from_fn(|| schedule.queue.pop(&mut outbox));
        assert_eq!(all.map(|task| task.argument()[0]).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn the_rest_of_a_task_of_many_items_is_split_among_workers_without_work() {
        for (workers, items, parts) in [(3, 9, 3), (3, 1, 1), (0, 9, 1), (7, 4, 4)] {
            let (mut schedule, mut outbox) = schedule(workers);
            let mut task = framed(items + 1);
            task.advance(1);
            schedule.requeue([task], &mut outbox);
            assert_eq!((schedule.queue.len(), outbox.parts), (parts, parts - 1), "{items}");
            let all: Vec<Task> = std::iter::from_fn(|| schedule.queue.pop(&mut outbox)).collect();
            assert!(all.iter().all(|part| part.state().place() == Place::Scattered));
            assert!(all.iter().flat_map(Task::items).eq(1..=items), "in their order");
        }
    }

    #[test]
    fn one_that_has_not_begun_stays_whole_and_one_that_was_stopped_ends() {
        let (mut schedule, mut outbox) = schedule(3);
        schedule.requeue([framed(9)], &mut outbox);
        assert_eq!((schedule.queue.len(), outbox.parts), (1, 0));
        let task = framed(2);
        task.state().set_stopped();
        schedule.requeue([task], &mut outbox);
        assert_eq!((schedule.queue.len(), outbox.len()), (1, 1));
    }

    #[test]
    fn a_task_is_tried_again_as_often_as_it_may_be_and_not_after_the_user_has_killed_it() {
        let (mut schedule, mut outbox) = schedule(1);
        let retries = || {
            let backoff = Duration::from_secs(60);
            single(b"").with(TaskPolicy { retries: 1, backoff, ..TaskPolicy::default() })
        };
        let failed = || Failure::Deadline { pid: 1, limit: Duration::ZERO };
        schedule.retry_or_fail(retries(), failed(), None, &mut outbox);
        assert_eq!((schedule.timers.delayed(), schedule.log.retried, outbox.len()), (1, 1, 0));
        schedule.retry_or_fail(single(b""), failed(), None, &mut outbox);
        assert_eq!(outbox.len(), 1, "no retries");
        schedule.retry_or_fail(retries(), Failure::Killed { pid: 1 }, None, &mut outbox);
        assert_eq!(outbox.len(), 2, "killed");
        schedule.close(true, false);
        schedule.retry_or_fail(retries(), failed(), None, &mut outbox);
        assert_eq!((schedule.timers.delayed(), outbox.len()), (1, 3), "cancelled");
    }
}
