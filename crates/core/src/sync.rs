//! The atomics, the fence and the futex of the lock-free parts, in one place. They are the real
//! ones, or loom's when the crate is built with `--cfg loom`, so loom checks the shipped source.
//!
//! Used by [`crate::lane::ring`] and [`crate::lane::sleep`]. Relies on nothing in this crate except
//! `sys`.

#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

#[cfg(not(loom))]
pub(crate) use crate::sys::futex;

/// A futex for loom: a lock and a condition variable that keep the two promises of the real one.
/// The word is compared under the lock, and a later wake finds the sleeper.
#[cfg(loom)]
pub(crate) mod futex {
    use super::{AtomicU32, Ordering};
    use std::time::Duration;

    loom::lazy_static! {
        static ref LOCK: loom::sync::Mutex<()> = loom::sync::Mutex::new(());
        static ref SLEEPERS: loom::sync::Condvar = loom::sync::Condvar::new();
    }

    pub(crate) fn wait(word: &AtomicU32, expected: u32, _timeout: Option<Duration>) {
        let guard = LOCK.lock().unwrap();
        if word.load(Ordering::Relaxed) == expected {
            drop(SLEEPERS.wait(guard).unwrap());
        }
    }

    pub(crate) fn wake(_word: &AtomicU32) {
        let _guard = LOCK.lock().unwrap();
        SLEEPERS.notify_all();
    }
}
