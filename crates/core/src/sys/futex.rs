//! Futex waits and wakes on words that lie in memory shared between processes.

use rustix::thread::Timespec;
use rustix::thread::futex::{Flags, wait as futex_wait, wake as futex_wake};
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// Sleeps while `word` is `expected`, until woken, until `timeout` has passed, or for no reason:
/// the caller looks again. Works across processes.
pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
    let timeout = timeout.map(|timeout| Timespec {
        tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    // Every error means «look again»: the word has changed (AGAIN), a signal came (INTR), the time
    // is over (TIMEDOUT).
    let _ = futex_wait(word, Flags::empty(), expected, timeout.as_ref());
}

/// Wakes one sleeper on `word`, in whichever process it is.
pub(crate) fn wake(word: &AtomicU32) {
    // It cannot fail on a mapped, aligned word; and there is nobody to tell.
    let _ = futex_wake(word, Flags::empty(), 1);
}
