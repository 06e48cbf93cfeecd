//! Clocks that a timer can read.
//!
//! A clock also makes a timer testable: any closure that returns a [`Duration`] is one.

use std::time::{Duration, Instant};

/// Reports the time since some fixed moment.
///
/// A closure is a clock:
///
/// ```
/// use horsepower::timeit::Timer;
/// use std::time::Duration;
///
/// let mut seconds = 0;
/// let mut timer = Timer::new(|| ()).clock(|| {
///     seconds += 1;
///     Duration::from_secs(seconds)
/// });
/// assert_eq!(timer.timeit(10), Duration::from_secs(1), "a timing reads the clock twice");
/// ```
pub trait Clock {
    /// The current time.
    fn now(&mut self) -> Duration;
}

impl<F: FnMut() -> Duration> Clock for F {
    fn now(&mut self) -> Duration {
        self()
    }
}

/// Real time: [`Instant`].
///
/// ```
/// use horsepower::timeit::{Clock, WallClock};
///
/// let mut clock = WallClock::default();
/// let before = clock.now();
/// std::thread::sleep(std::time::Duration::from_millis(2));
/// assert!((clock.now() - before).as_millis() >= 2);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    origin: Instant,
}

impl Default for WallClock {
    fn default() -> Self {
        WallClock { origin: Instant::now() }
    }
}

impl Clock for WallClock {
    fn now(&mut self) -> Duration {
        self.origin.elapsed()
    }
}

/// The CPU time that all threads of this process have used, in user code and in the kernel.
/// Sleeping and waiting do not count.
///
/// ```
/// use horsepower::timeit::{ProcessClock, Timer};
/// use std::{thread, time::Duration};
///
/// let nap = Duration::from_millis(50);
/// let mut timer = Timer::new(|| thread::sleep(nap)).clock(ProcessClock);
/// assert!(timer.timeit(1) < nap);
/// ```
#[cfg(unix)]
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessClock;

#[cfg(unix)]
impl Clock for ProcessClock {
    fn now(&mut self) -> Duration {
        read(rustix::time::ClockId::ProcessCPUTime)
    }
}

/// The CPU time of the thread that reads it; other threads do not count.
///
/// ```
/// use horsepower::timeit::{ThreadClock, Timer};
///
/// let mut timer = Timer::new(|| (0..1000).map(std::hint::black_box).sum::<u64>()).clock(ThreadClock);
/// println!("{:?}", timer.timeit(100));
/// ```
#[cfg(unix)]
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadClock;

#[cfg(unix)]
impl Clock for ThreadClock {
    fn now(&mut self) -> Duration {
        read(rustix::time::ClockId::ThreadCPUTime)
    }
}

#[cfg(unix)]
fn read(clock: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(clock);
    // CPU time starts at zero, and the fraction is below 10^9 nanoseconds.
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::hint::black_box;
    use std::thread;

    /// Works until the clock has advanced.
    fn work(clock: &mut impl Clock) -> Duration {
        let before = clock.now();
        while clock.now() < before + Duration::from_millis(1) {
            black_box((0..1000).map(black_box).sum::<u64>());
        }
        clock.now() - before
    }

    #[test]
    fn cpu_clocks_go_on_while_there_is_work() {
        assert!(work(&mut ProcessClock) >= Duration::from_millis(1));
        assert!(work(&mut ThreadClock) >= Duration::from_millis(1));
    }

    #[test]
    fn the_process_has_used_what_its_threads_have() {
        let before = ProcessClock.now();
        let used = thread::spawn(|| work(&mut ThreadClock)).join().unwrap();
        assert!(ProcessClock.now() - before >= used);
    }
}
