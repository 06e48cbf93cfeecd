//! The monotonic clock as a number with the same meaning in every process of the machine.

use std::time::{Duration, Instant};

/// The instant `time` after `now`. If the clock cannot represent it, one in the far future instead.
pub(crate) fn after(now: Instant, time: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    now.checked_add(time).unwrap_or(now + FAR)
}

/// Nanoseconds of the monotonic clock, which counts roughly from boot; never 0.
pub(crate) fn monotonic_nanos() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
    (seconds * 1_000_000_000 + nanos).max(1)
}
