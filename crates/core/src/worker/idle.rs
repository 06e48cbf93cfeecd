//! How a worker waits for its next task: spinning, or asleep.
//!
//! Two sides that hand work back and forth are fast in two ways: both spin, each on its own CPU; or
//! both sleep at once and share one, where a switch costs little. In between it is slow: one spins on
//! the CPU that the other would wake up on, and the other has to be woken on a CPU that has gone to
//! sleep, which takes a virtual machine dozens of microseconds. So a worker spins if nobody had to be
//! woken for its last reply: then the parent is awake. If somebody had to be, it makes room at once;
//! but when tasks keep coming soon after replies, it tries now and then whether both could spin.
//!
//! Used by [`crate::worker`]; the parent's side of it is `pool/help.rs`.

use crate::lane::ring::Ring;
use crate::lane::sleep::Rung;
use std::time::{Duration, Instant};

/// A task that comes this soon after a reply is a sign of somebody who waits for each reply.
const SOON: Duration = Duration::from_micros(50);

/// So many of them in a row, and it is tried whether both can spin; after each failure twice as many.
const TRY_AFTER: u32 = 16;

/// But never more than this.
const TRY_AFTER_MOST: u32 = 4096;

/// What the worker has learned about the way its tasks come.
#[derive(Debug)]
pub(crate) struct Idle {
    /// Tasks in a row that came soon.
    soon: u32,
    try_after: u32,
}

impl Default for Idle {
    fn default() -> Self {
        Idle { soon: 0, try_after: TRY_AFTER }
    }
}

impl Idle {
    /// Waits until there may be something at `cursor`. `rung`: whom the last reply woke.
    pub(crate) fn until_news(&mut self, ring: &Ring, cursor: u32, rung: Rung) {
        let start = Instant::now();
        let most = ring.spin();
        let tries = rung == Rung::Attendant && self.soon >= self.try_after;
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
        ring.park(cursor);
        self.soon = if start.elapsed() < SOON { self.soon.saturating_add(1) } else { 0 };
    }
}
