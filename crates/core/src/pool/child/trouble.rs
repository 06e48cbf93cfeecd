//! What is odd about a worker that means no harm: it can say nothing more, or does not take its tasks.
//!
//! Owned by [`WorkerHandle`](super::handle::WorkerHandle); [`schedule`](crate::pool::schedule) acts on it.

use std::time::{Duration, Instant};

/// A worker that can say nothing more has this long to end: it has probably just died.
pub(crate) const SILENT_FOR: Duration = Duration::from_millis(50);

/// A task that is next in a lane and is not taken for so long is a sign that the worker was stopped.
pub(crate) const STUCK_FOR: Duration = Duration::from_millis(100);

/// The same, if the worker was not stopped: a busy machine may give it no CPU for a while.
const LONG: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    /// Since when it can say nothing more, although its process was not seen to end.
    silent_since: Option<Instant>,
    /// The task that is next in its lane, and since when it is.
    next: Option<(u32, Instant)>,
    /// It was found to be stopped.
    stopped: bool,
}

impl Trouble {
    /// The worker can say nothing more.
    pub(crate) fn is_silent(&mut self, now: Instant) {
        self.silent_since.get_or_insert(now);
    }

    /// True if it can say nothing more and lives on.
    pub(crate) fn is_cut_off(&self, now: Instant) -> bool {
        self.silent_since.is_some_and(|since| now.saturating_duration_since(since) >= SILENT_FOR)
    }

    /// Notes which task is next, and waits to be taken, if one does. True: it has been so for too long.
    pub(crate) fn is_stuck(&mut self, next: Option<u32>, now: Instant) -> bool {
        match (self.next, next) {
            (Some((before, since)), Some(next)) if before == next => {
                now.saturating_duration_since(since) >= STUCK_FOR
            }
            _ => {
                self.next = next.map(|next| (next, now));
                false
            }
        }
    }

    /// True if the same task has been next for much longer than a busy machine explains.
    pub(crate) fn is_stuck_for_long(&self, now: Instant) -> bool {
        self.next.is_some_and(|(_, since)| now.saturating_duration_since(since) >= LONG)
    }

    pub(crate) fn set_stopped(&mut self, stopped: bool) {
        self.stopped = stopped;
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// True if it is to get no more tasks for now.
    pub(crate) fn keeps_tasks_away(&self) -> bool {
        self.stopped || self.silent_since.is_some()
    }

    /// True if it is to be looked at soon.
    pub(crate) fn is_any(&self) -> bool {
        self.keeps_tasks_away()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_cut_off_only_after_a_while() {
        let (mut trouble, now) = (Trouble::default(), Instant::now());
        assert!(!trouble.is_cut_off(now + SILENT_FOR) && !trouble.keeps_tasks_away());
        trouble.is_silent(now);
        trouble.is_silent(now + SILENT_FOR);
        assert!(trouble.keeps_tasks_away() && !trouble.is_cut_off(now));
        assert!(trouble.is_cut_off(now + SILENT_FOR));
    }

    #[test]
    fn a_worker_is_stuck_while_the_same_task_is_next() {
        let (mut trouble, now) = (Trouble::default(), Instant::now());
        for (millis, next, stuck) in [
            (0, Some(1), false),
            (99, Some(1), false),
            (100, Some(1), true),
            (150, Some(2), false),
            (240, None, false),
            (260, Some(2), false),
            (359, Some(2), false),
            (360, Some(2), true),
        ] {
            let at = now + Duration::from_millis(millis);
            assert_eq!(trouble.is_stuck(next, at), stuck, "{millis}");
        }
        let since = now + Duration::from_millis(260);
        assert!(!trouble.is_stuck_for_long(since + LONG - STUCK_FOR));
        assert!(trouble.is_stuck_for_long(since + LONG));
    }
}
