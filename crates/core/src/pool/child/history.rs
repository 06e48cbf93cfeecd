//! What one worker has been given and has done.
//!
//! Owned by [`WorkerHandle`](super::handle::WorkerHandle). Statistics, limits and the choice of how to wait
//! are made from it; nothing in it decides what becomes of a task.

use std::time::Instant;

/// What a worker has been given and has done.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) started: Instant,
    /// Since when it has nothing to do, if that matters.
    pub(crate) idle_since: Option<Instant>,
    /// Tasks that it was given, without those that were taken back.
    pub(crate) given: usize,
    /// Tasks that it has replied to, and how long it says they took.
    pub(crate) replies: u64,
    pub(crate) busy_nanos: u64,
    /// Its memory was looked at since it was last given a task.
    pub(crate) memory_checked: bool,
    /// It slept when it was last given a task.
    pub(crate) slept: bool,
}

impl History {
    /// That of a worker which was started just now.
    pub(crate) fn new(now: Instant) -> History {
        History {
            started: now,
            idle_since: None,
            given: 0,
            replies: 0,
            busy_nanos: 0,
            memory_checked: false,
            slept: true,
        }
    }

    /// From now on it is noted since when the worker has nothing to do.
    pub(crate) fn keep_idle_time(&mut self) {
        self.idle_since = Some(self.started);
    }

    /// A task was put into the lane.
    pub(crate) fn was_given_a_task(&mut self) {
        self.given += 1;
        self.memory_checked = false;
    }

    /// A reply has come, to a task that took so long as the worker says.
    pub(crate) fn has_replied(&mut self, nanos: u64) {
        self.replies += 1;
        self.busy_nanos = self.busy_nanos.saturating_add(nanos);
    }

    /// The last task has left the lane.
    pub(crate) fn has_nothing_to_do(&mut self) {
        if let Some(idle_since) = &mut self.idle_since {
            *idle_since = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_is_noted_only_where_it_matters() {
        let start = Instant::now();
        let mut history = History::new(start);
        history.has_nothing_to_do();
        assert_eq!(history.idle_since, None);
        history.keep_idle_time();
        assert_eq!(history.idle_since, Some(start));
        history.has_nothing_to_do();
        assert!(history.idle_since.is_some_and(|since| since >= start));
    }

    #[test]
    fn a_new_task_asks_for_a_new_look_at_memory_and_times_may_be_any() {
        let mut history = History::new(Instant::now());
        history.memory_checked = true;
        history.was_given_a_task();
        assert!(!history.memory_checked && history.given == 1);
        [1, u64::MAX, 1].into_iter().for_each(|nanos| history.has_replied(nanos));
        assert_eq!((history.replies, history.busy_nanos), (3, u64::MAX));
    }
}
