//! How a worker waits for its next task: spinning or asleep.
//!
//! Two sides that hand work back and forth are fast in two ways: both spin, each on its own CPU; or
//! both go to sleep at once and share a CPU, where a switch is cheap. Anything in between is slow:
//! one side spins on the CPU on which the other would wake up, so the other has to be woken on an
//! idle CPU, which takes a virtual machine dozens of microseconds. So a worker spins only if its
//! last reply did not have to wake anybody: then the parent is awake. Otherwise it goes to sleep
//! at once. But when tasks keep arriving soon after replies, it tries from time to time whether
//! both sides could spin.
//!
//! Used by [`crate::worker`]. The parent's side is `pool/help.rs`.

use crate::lane::ring::Ring;
use crate::lane::sleep::Rung;
use std::time::{Duration, Instant};

/// A task that arrives this soon after a reply suggests that the parent waits for each reply.
const SOON: Duration = Duration::from_micros(50);

/// After this many such tasks in a row the worker tries spinning; each failure doubles the number.
const TRY_AFTER: u32 = 16;

/// The number never exceeds this.
const TRY_AFTER_MOST: u32 = 4096;

/// What the worker has learned about how its tasks arrive.
#[derive(Debug)]
pub(crate) struct Idle {
    /// Number of tasks in a row that arrived soon.
    soon: u32,
    try_after: u32,
}

impl Default for Idle {
    fn default() -> Self {
        Idle { soon: 0, try_after: TRY_AFTER }
    }
}

impl Idle {
    /// Waits until there may be work at `cursor`. `rung`: which side the last reply woke. Calls
    /// `before_sleep` before it sleeps.
    pub(crate) fn until_news(
        &mut self,
        ring: &Ring,
        cursor: u32,
        rung: Rung,
        before_sleep: impl FnOnce(),
    ) {
        let start = Instant::now();
        let most = ring.spin();
        let tries = rung == Rung::Helper && self.soon >= self.try_after;
        if !most.is_zero() && (rung == Rung::Nobody || tries) {
            while start.elapsed() < most {
                for _ in 0..16 {
                    if ring.has_news(cursor) {
                        return;
                    }
                    std::hint::spin_loop();
                }
            }
            if tries {
                self.soon = 0;
                self.try_after = TRY_AFTER_MOST.min(2 * self.try_after);
            }
        }
        before_sleep();
        ring.park(cursor);
        self.soon = if start.elapsed() < SOON { self.soon.saturating_add(1) } else { 0 };
    }
}
