//! What a pool counts: calls that have ended, and workers that were replaced.
//!
//! Written where ends are told and deaths are seen; read by [`stats`](super::stats).

use crate::death::Death;
use crate::stats::Restart;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many restarts are remembered.
const REMEMBERED: usize = 16;

/// How many calls have ended, and how. A call is one task, or one item of a task of many. Counted without
/// the lock.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) done: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) cancelled: AtomicU64,
}

impl Counts {
    pub(crate) fn add(&self, counter: &AtomicU64, calls: u64) {
        if calls > 0 {
            // Relaxed: only numbers.
            counter.fetch_add(calls, Ordering::Relaxed);
        }
    }
}

/// The workers that have ended although they were wanted, or were replaced.
#[derive(Debug, Default)]
pub(crate) struct Restarts {
    pub(crate) count: u64,
    /// The latest first.
    pub(crate) last: VecDeque<Restart>,
}

impl Restarts {
    pub(crate) fn add(&mut self, death: &Death, why: Option<&str>) {
        self.count += 1;
        self.last.truncate(REMEMBERED - 1);
        let why = match why {
            Some(why) => format!("{death}: {why}"),
            None => death.to_string(),
        };
        self.last.push_front(Restart { pid: death.pid, why });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::death::Cause;

    #[test]
    fn the_latest_restarts_are_remembered() {
        let mut restarts = Restarts::default();
        for pid in 1..=100 {
            let why = (pid == 100).then_some("it was tired");
            restarts.add(&Death::new(pid, Cause::Exit(1)), why);
        }
        assert_eq!((restarts.count, restarts.last.len()), (100, REMEMBERED));
        let pids: Vec<u32> = restarts.last.iter().map(|restart| restart.pid).collect();
        assert!(pids.into_iter().eq((85..=100).rev()));
        assert!(restarts.last[0].why.ends_with("exited with code 1: it was tired"));
    }
}
