//! [`Clock`]: measures how long an item takes, and from that how many items make a chunk.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a chunk should take: long compared to the cost of sending it, and short enough to
/// balance the work.
const CHUNK: Duration = Duration::from_millis(1);

/// Most items in a chunk of automatic size: this many small arguments, and as many small results,
/// fit into the blocks of a lane.
const LARGEST: usize = 2048;

/// The measured time of an item.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// Moving average of nanoseconds per item; 0 before the first measurement.
    nanos: AtomicU64,
    pub(super) measurements: AtomicU64,
}

impl Clock {
    /// Adds a measurement: `items` items took `time`.
    pub(crate) fn learn(&self, items: usize, time: Duration) {
        let new = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX) / items.max(1) as u64;
        // Relaxed, and lost updates are acceptable: an estimate.
        let old = self.nanos.load(Ordering::Relaxed);
        let mean = if old == 0 { new } else { old / 4 * 3 + new / 4 };
        self.nanos.store(mean.max(1), Ordering::Relaxed);
        self.measurements.fetch_add(1, Ordering::Relaxed);
    }

    /// How many items take about as long as a chunk should; 1 before the first measurement.
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
        assert_eq!(clock.items_in_a_chunk(), 1, "nothing is measured yet");
        clock.learn(10, Duration::from_micros(100));
        assert_eq!(clock.items_in_a_chunk(), 100);
        clock.learn(1, Duration::ZERO);
        assert!(clock.items_in_a_chunk() > 100);
        clock.learn(1, Duration::from_secs(3));
        assert_eq!(clock.items_in_a_chunk(), 1);
    }
}
