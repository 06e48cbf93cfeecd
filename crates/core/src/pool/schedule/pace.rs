//! How long tasks take, and what follows from it: how deep a lane is, and how long to spin.
//!
//! Owned by the [`Schedule`](super::schedule::Schedule). `collect` teaches it, `put` and `help` ask it.

use crate::lane::state::SLOTS;
use std::time::Duration;

/// Work that is queued ahead in a lane, so that a worker never waits for its next task. More would
/// only be taken back more often.
const AHEAD: Duration = Duration::from_micros(250);

/// How long either side spins before it sleeps, if that can pay: somewhat longer than it takes to
/// wake up on another CPU that has gone to sleep itself, which on virtual machines is 40 µs and more;
/// with less, each side would be asleep by the time the other has woken up.
const SPIN: Duration = Duration::from_micros(100);

/// Tasks that take longer than this are not worth spinning for.
const SHORT: Duration = Duration::from_micros(40);

/// See the module.
#[derive(Debug)]
pub(crate) struct Pace {
    /// CPUs that this process may use.
    cpus: usize,
    /// Moving average of how long a task takes; `None` before the first.
    task_nanos: Option<f64>,
}

impl Pace {
    pub(crate) fn new(cpus: usize) -> Pace {
        Pace { cpus, task_nanos: None }
    }

    /// A task has taken so long, as its worker says.
    pub(crate) fn learn(&mut self, nanos: u64) {
        // A corrupted worker may report any number; more than ten seconds makes no difference here.
        let nanos = nanos.min(10_000_000_000) as f64;
        self.task_nanos = Some(self.task_nanos.map_or(nanos, |mean| mean + (nanos - mean) / 8.0));
    }

    /// How many tasks a lane may hold: one while tasks are long, many when they are tiny.
    pub(crate) fn depth(&self) -> usize {
        let Some(nanos) = self.task_nanos else {
            return 1;
        };
        let ahead = AHEAD.as_nanos() as f64 / nanos.max(1.0);
        (ahead as usize).clamp(1, SLOTS as usize)
    }

    /// How long a side may spin while so many workers are busy: not at all if more sides would be runnable
    /// than there are CPUs, or if tasks take so long that sleeping costs nothing in comparison.
    pub(crate) fn spin(&self, busy: usize) -> Duration {
        let short = self.task_nanos.is_none_or(|nanos| nanos < SHORT.as_nanos() as f64);
        if busy < self.cpus && short { SPIN } else { Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(nanos: &[u64]) -> Pace {
        let mut pace = Pace::new(2);
        nanos.iter().for_each(|&nanos| pace.learn(nanos));
        pace
    }

    #[test]
    fn a_lane_is_as_deep_as_tasks_are_short() {
        let slots = SLOTS as usize;
        let most = 250_000 / SLOTS as u64;
        let depths = [
            (0, slots),
            (1, slots),
            (most - 1, slots),
            (most + 1, slots - 1),
            (124_999, 2),
            (125_000, 2),
            (125_001, 1),
            (250_000, 1),
            (u64::MAX, 1),
        ];
        assert_eq!(after(&[]).depth(), 1, "nothing is known yet");
        for (nanos, depth) in depths {
            assert_eq!(after(&[nanos]).depth(), depth, "{nanos}");
        }
    }

    #[test]
    fn the_average_follows_what_tasks_take_now() {
        let mut pace = after(&[1_000_000_000]);
        (0..200).for_each(|_| pace.learn(1000));
        assert_eq!(pace.depth(), SLOTS as usize);
        pace.learn(u64::MAX);
        assert_eq!(pace.depth(), 1, "one that lies counts as ten seconds");
        (0..200).for_each(|_| pace.learn(1000));
        assert_eq!(pace.depth(), SLOTS as usize);
    }

    #[test]
    fn nobody_spins_for_long_tasks_or_without_a_free_cpu() {
        for (nanos, spins) in [(0, true), (39_999, true), (40_000, false), (1_000_000, false)] {
            assert_eq!(!after(&[nanos]).spin(1).is_zero(), spins, "{nanos}");
        }
        for (busy, spins) in [(0, true), (1, true), (2, false), (3, false)] {
            assert_eq!(!after(&[]).spin(busy).is_zero(), spins, "{busy}");
        }
    }
}
