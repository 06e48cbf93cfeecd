//! Futex waits and wake-ups on words in memory that processes share.

use rustix::thread::Timespec;
use rustix::thread::futex::{Flags, wait as futex_wait, wake as futex_wake};
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// Sleeps while `word` is `expected`: until woken, until `timeout` has passed, or spuriously. The
/// caller looks again. Works across processes.
pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
    let timeout = timeout.map(|timeout| Timespec {
        tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    // Every error means "look again": the word has changed (AGAIN), a signal arrived (INTR), or the
    // time is up (TIMEDOUT).
    let _ = futex_wait(word, Flags::empty(), expected, timeout.as_ref());
}

/// Wakes one sleeper on `word`, in any process.
pub(crate) fn wake(word: &AtomicU32) {
    // It cannot fail on a mapped, aligned word, and there is nobody to report an error to.
    let _ = futex_wake(word, Flags::empty(), 1);
}
