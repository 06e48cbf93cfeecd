//! [`StopToken`]: the stop request, and the sleep that it ends.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A stop request, shared by the threads that request a stop and those that are asked to stop.
/// Clones are the same token.
///
/// Nothing is stopped by force: a function checks its token when it can stop, and sleeps on the
/// token.
///
/// ```
/// use horsepower::{StopToken, Thread};
/// use std::time::Duration;
///
/// let thread = Thread::spawn(|stop: &StopToken| {
///     while stop.sleep(Duration::from_secs(3)) {
///         println!("working");
///     }
///     "retired"
/// })?;
/// thread.stop();
/// assert_eq!(*thread.get()?, "retired");
/// # Ok::<(), horsepower::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct StopToken(Arc<Request>);

#[derive(Default)]
struct Request {
    /// Set once, under the lock, so that no sleeper misses it.
    made: AtomicBool,
    lock: Mutex<()>,
    changed: Condvar,
}

impl StopToken {
    /// Creates a token without a stop request.
    ///
    /// A [`Thread`](crate::Thread) already has one; create one for other uses.
    ///
    /// ```
    /// let token = horsepower::StopToken::new();
    /// assert!(!token.stop_requested());
    /// token.clone().request_stop();
    /// assert!(token.stop_requested());
    /// ```
    #[must_use]
    pub fn new() -> StopToken {
        StopToken::default()
    }

    /// True once a stop has been requested. It never becomes false again.
    ///
    /// ```
    /// let token = horsepower::StopToken::new();
    /// let mut turns = 0;
    /// while !token.stop_requested() {
    ///     turns += 1;
    ///     if turns == 1000 {
    ///         token.request_stop();
    ///     }
    /// }
    /// assert_eq!(turns, 1000);
    /// ```
    #[must_use]
    pub fn stop_requested(&self) -> bool {
        // Acquire pairs with the Release of `request_stop`: a thread that sees the request also
        // sees what was written before it.
        self.0.made.load(Ordering::Acquire)
    }

    /// Requests a stop, and wakes threads that sleep on this token. A second request has no effect.
    ///
    /// ```
    /// let token = horsepower::StopToken::new();
    /// token.request_stop();
    /// token.request_stop();
    /// assert!(token.stop_requested());
    /// ```
    pub fn request_stop(&self) {
        let lock = self.0.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.made.store(true, Ordering::Release);
        drop(lock);
        self.0.changed.notify_all();
    }

    /// Sleeps for `time`, or until a stop is requested. Returns true if the whole time has passed
    /// without a request, false if there is one. So `while stop.sleep(pause) { … }` works until it
    /// is asked to stop, and never finishes a pause needlessly.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let token = horsepower::StopToken::new();
    /// assert!(token.sleep(Duration::from_millis(1)));
    /// token.request_stop();
    /// assert!(!token.sleep(Duration::MAX));
    /// ```
    pub fn sleep(&self, time: Duration) -> bool {
        // `None`: beyond the range of the clock.
        let end = Instant::now().checked_add(time);
        let mut lock = self.0.lock.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.stop_requested() {
            let Some(end) = end else {
                lock = self.0.changed.wait(lock).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            let waited = self.0.changed.wait_timeout(lock, left);
            lock = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }
}

impl fmt::Debug for StopToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.stop_requested() {
            "StopToken(stop requested)"
        } else {
            "StopToken(no request)"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_sleep_is_as_long_as_asked_unless_it_is_ended() {
        let token = StopToken::new();
        let begun = Instant::now();
        assert!(token.sleep(Duration::from_millis(30)));
        assert!(begun.elapsed() >= Duration::from_millis(30));
        assert!(token.sleep(Duration::ZERO));
        assert_eq!(format!("{token:?}"), "StopToken(no request)");

        let sleepers: Vec<_> = [Duration::MAX, Duration::from_secs(1_000_000)]
            .map(|time| {
                let token = token.clone();
                thread::spawn(move || token.sleep(time))
            })
            .into();
        token.request_stop();
        for sleeper in sleepers {
            assert!(!sleeper.join().unwrap());
        }
        assert!(!token.sleep(Duration::ZERO));
        assert_eq!(format!("{token:?}"), "StopToken(stop requested)");
    }
}
