//! [`Clock`]: how long an item takes, and so how many make a chunk.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a chunk of items should take: long beside what sending it costs, and short enough
/// to share the work evenly.
const CHUNK: Duration = Duration::from_millis(1);

/// Most items in a chunk of automatic size: so many small arguments, and so many small results, fit
/// into the blocks of a lane.
const LARGEST: usize = 2048;

/// How long an item takes, as measured so far.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// Moving average of nanoseconds for an item; 0 before the first measurement.
    nanos: AtomicU64,
    pub(super) measurements: AtomicU64,
}

impl Clock {
    /// So many items have taken so long.
    pub(crate) fn learn(&self, items: usize, time: Duration) {
        let new = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX) / items.max(1) as u64;
        // Relaxed, and lost updates are fine: an estimate.
        let old = self.nanos.load(Ordering::Relaxed);
        let mean = if old == 0 { new } else { old / 4 * 3 + new / 4 };
        self.nanos.store(mean.max(1), Ordering::Relaxed);
        self.measurements.fetch_add(1, Ordering::Relaxed);
    }

    /// How many items take about as long as a chunk should; 1 as long as nothing is known.
    pub(super) fn items_in_a_chunk(&self) -> usize {
        match self.nanos.load(Ordering::Relaxed) {
            0 => 1,
            nanos => (CHUNK.as_nanos() as u64 / nanos).clamp(1, LARGEST as u64) as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiny_items_make_large_chunks_and_long_ones_go_alone() {
        let clock = Clock::default();
        assert_eq!(clock.items_in_a_chunk(), 1, "nothing is known");
        clock.learn(10, Duration::from_micros(100));
        assert_eq!(clock.items_in_a_chunk(), 100);
        clock.learn(1, Duration::ZERO);
        assert!(clock.items_in_a_chunk() > 100);
        clock.learn(1, Duration::from_secs(3));
        assert_eq!(clock.items_in_a_chunk(), 1);
    }
}
