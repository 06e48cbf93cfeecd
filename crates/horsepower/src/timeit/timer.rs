//! Runs a statement many times between two reads of a clock.
//!
//! The rules are those of Python's `timeit` (`Lib/timeit.py`): the setup runs once before each
//! timing and does not count, a timing returns the total, and `autorange` tries 1, 2, 5, 10, 20,
//! 50, … loops until they take 0.2 seconds.

use super::clock::{Clock, WallClock};
use super::measurement::Measurement;
use std::hint::black_box;
use std::sync::atomic::{Ordering, compiler_fence};
use std::time::Duration;

/// The default number of loops per timing, as in Python's `timeit`.
///
/// ```
/// use horsepower::timeit::{NUMBER, Timer};
///
/// println!("{:?} for {NUMBER} loops", Timer::new(|| ()).timeit(NUMBER));
/// ```
pub const NUMBER: u64 = 1_000_000;

/// The default number of timings per measurement, as in Python's `timeit`.
///
/// ```
/// use horsepower::timeit::{REPEAT, Timer};
///
/// assert_eq!(Timer::new(|| ()).repeat(REPEAT, 10).len(), 5);
/// ```
pub const REPEAT: usize = 5;

/// `autorange` accepts a timing that took this long.
const LONG_ENOUGH: Duration = Duration::from_millis(200);

/// How often the clock is read twice in a row to measure the cost of a read.
const CLOCK_READS: u32 = 101;

/// Times a statement: a closure, which may use what a setup closure has prepared.
///
/// ```
/// use horsepower::timeit::Timer;
///
/// let mut timer = Timer::with_setup(|| vec![0_u8; 1000], |bytes: &mut Vec<u8>| bytes.fill(1));
/// let totals = timer.repeat(3, 100);
/// assert_eq!(totals.len(), 3);
/// ```
#[derive(Clone, Debug)]
pub struct Timer<S, F, C = WallClock> {
    setup: S,
    statement: F,
    clock: C,
}

impl Timer<(), ()> {
    /// A timer of a statement without setup. It reads the wall clock.
    ///
    /// ```
    /// use horsepower::timeit::Timer;
    ///
    /// let mut timer = Timer::new(|| String::from("text"));
    /// assert!(timer.timeit(100) > std::time::Duration::ZERO);
    /// ```
    pub fn new<R>(
        mut statement: impl FnMut() -> R,
    ) -> Timer<impl FnMut(), impl FnMut(&mut ()) -> R> {
        Timer::with_setup(|| (), move |()| statement())
    }

    /// A timer of a statement that receives the result of the setup. The setup runs once before
    /// each timing and does not count; neither does dropping its result.
    ///
    /// ```
    /// use horsepower::timeit::Timer;
    ///
    /// let (mut setups, mut loops) = (0, 0);
    /// Timer::with_setup(|| setups += 1, |()| loops += 1).repeat(2, 10);
    /// assert_eq!((setups, loops), (2, 20));
    /// ```
    pub fn with_setup<T, R, S, F>(setup: S, statement: F) -> Timer<S, F>
    where
        S: FnMut() -> T,
        F: FnMut(&mut T) -> R,
    {
        Timer { setup, statement, clock: WallClock::default() }
    }
}

impl<S, F, C> Timer<S, F, C> {
    /// Replaces the clock of the timer.
    ///
    /// ```
    /// use horsepower::timeit::{Timer, WallClock};
    ///
    /// let mut timer = Timer::new(|| ()).clock(WallClock::default());
    /// timer.timeit(1);
    /// ```
    pub fn clock<D: Clock>(self, clock: D) -> Timer<S, F, D> {
        Timer { setup: self.setup, statement: self.statement, clock }
    }
}

impl<T, R, S, F, C> Timer<S, F, C>
where
    S: FnMut() -> T,
    F: FnMut(&mut T) -> R,
    C: Clock,
{
    /// Runs the setup once and then the statement `number` times; returns the total time of all
    /// loops. The clock is read twice, before the first and after the last loop.
    ///
    /// # Panics
    /// If the setup or the statement panics.
    ///
    /// ```
    /// use horsepower::timeit::Timer;
    ///
    /// let mut loops = 0;
    /// Timer::new(|| loops += 1).timeit(7);
    /// assert_eq!(loops, 7);
    /// ```
    pub fn timeit(&mut self, number: u64) -> Duration {
        let mut state = black_box((self.setup)());
        let start = fenced(&mut self.clock);
        for _ in 0..number {
            black_box((self.statement)(&mut state));
        }
        let end = fenced(&mut self.clock);
        end.saturating_sub(start)
    }

    /// Times `number` loops, `repeat` times; returns the totals.
    ///
    /// The lowest of them is the most meaningful: what made the others longer was usually something
    /// else on the machine.
    ///
    /// # Panics
    /// If the setup or the statement panics.
    ///
    /// ```
    /// use horsepower::timeit::Timer;
    ///
    /// let totals = Timer::new(|| vec![1, 2, 3]).repeat(5, 1000);
    /// println!("{:?}", totals.iter().min());
    /// ```
    pub fn repeat(&mut self, repeat: usize, number: u64) -> Vec<Duration> {
        (0..repeat).map(|_| self.timeit(number)).collect()
    }

    /// Times 1, 2, 5, 10, 20, 50, … loops until they take at least 0.2 seconds; returns the number
    /// of loops and their total time.
    ///
    /// The clock of the timer decides. A clock of CPU time hardly moves while a statement sleeps or
    /// waits, so that the search may take minutes: choose the number yourself then.
    ///
    /// # Panics
    /// If the setup or the statement panics.
    ///
    /// ```
    /// use horsepower::timeit::Timer;
    /// use std::time::Duration;
    ///
    /// let mut timer = Timer::new(|| std::thread::sleep(Duration::from_millis(100)));
    /// let (number, total) = timer.autorange();
    /// assert!(number <= 2 && total >= Duration::from_millis(200));
    /// ```
    pub fn autorange(&mut self) -> (u64, Duration) {
        self.autorange_reporting(|_, _| {})
    }

    /// Like [`autorange`](Timer::autorange); calls `callback` with the number of loops and their
    /// total time after every attempt, including the last one.
    ///
    /// # Panics
    /// If the setup, the statement or the callback panics.
    ///
    /// ```
    /// use horsepower::timeit::Timer;
    /// use std::time::Duration;
    ///
    /// let mut tries = Vec::new();
    /// let mut timer = Timer::new(|| std::thread::sleep(Duration::from_millis(200)));
    /// timer.autorange_reporting(|number, _total| tries.push(number));
    /// assert_eq!(tries, [1]);
    /// ```
    pub fn autorange_reporting(
        &mut self,
        mut callback: impl FnMut(u64, Duration),
    ) -> (u64, Duration) {
        let mut power = 1_u64;
        loop {
            for digit in [1, 2, 5] {
                // With a clock that stands still, the number of loops would overflow.
                let number = power.saturating_mul(digit);
                let total = self.timeit(number);
                callback(number, total);
                if total >= LONG_ENOUGH || number == u64::MAX {
                    return (number, total);
                }
            }
            power = power.saturating_mul(10);
        }
    }

    /// Chooses a suitable number of loops and times it [`REPEAT`] times.
    ///
    /// # Panics
    /// If the setup or the statement panics.
    ///
    /// ```
    /// use horsepower::timeit::Timer;
    /// use std::{thread, time::Duration};
    ///
    /// let measurement = Timer::new(|| thread::sleep(Duration::from_millis(100))).measure();
    /// assert!(measurement.best() >= 0.1);
    /// println!("{measurement}"); // 2 loops, best of 5: 100 msec per loop
    /// ```
    pub fn measure(&mut self) -> Measurement {
        let (number, _) = self.autorange();
        self.measure_loops(REPEAT, number)
    }

    /// Times `number` loops `repeat` times, and measures the overhead of the clock.
    ///
    /// # Panics
    /// If one of the numbers is zero, or if the setup or the statement panics.
    ///
    /// ```
    /// use horsepower::timeit::Timer;
    ///
    /// let measurement = Timer::new(|| vec![0; 10]).measure_loops(3, 1000);
    /// assert_eq!((measurement.loops(), measurement.totals().len()), (1000, 3));
    /// ```
    pub fn measure_loops(&mut self, repeat: usize, number: u64) -> Measurement {
        let overhead = self.clock_overhead();
        Measurement::new(number, self.repeat(repeat, number)).with_clock_overhead(overhead)
    }

    /// The time that the clock adds to each total: the lowest difference of two consecutive reads.
    ///
    /// A total that is not many times longer than this says more about the clock than about the
    /// statement. Nothing is subtracted anywhere.
    ///
    /// ```
    /// use horsepower::timeit::Timer;
    ///
    /// println!("{:?}", Timer::new(|| ()).clock_overhead()); // tens of nanoseconds
    /// ```
    pub fn clock_overhead(&mut self) -> Duration {
        let differences = (0..CLOCK_READS).map(|_| {
            let start = fenced(&mut self.clock);
            fenced(&mut self.clock).saturating_sub(start)
        });
        differences.min().unwrap_or_default()
    }
}

/// Reads the clock. The compiler may not move memory accesses across the read.
fn fenced(clock: &mut impl Clock) -> Duration {
    compiler_fence(Ordering::SeqCst);
    let now = clock.now();
    compiler_fence(Ordering::SeqCst);
    now
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// A clock that advances only with the statement, and counts how often it is read.
    #[derive(Default)]
    struct Fake {
        loops: Cell<u64>,
        setups: Cell<u64>,
        reads: Cell<u64>,
    }

    impl Fake {
        /// A timer whose statement takes the `per_second`th part of a second.
        fn timer(
            &self,
            per_second: u64,
        ) -> Timer<impl FnMut(), impl FnMut(&mut ()), impl Clock + '_> {
            let statement = |(): &mut ()| self.loops.set(self.loops.get() + 1);
            Timer::with_setup(|| self.setups.set(self.setups.get() + 1), statement).clock(
                move || {
                    self.reads.set(self.reads.get() + 1);
                    let loops = self.loops.get();
                    let rest = loops % per_second * 1_000_000_000 / per_second;
                    Duration::new(loops / per_second, rest as u32)
                },
            )
        }

        fn counts(&self) -> (u64, u64, u64) {
            (self.setups.get(), self.loops.get(), self.reads.get())
        }
    }

    #[test]
    fn ti_01_total_of_two_reads() {
        let fake = Fake::default();
        assert_eq!(fake.timer(1).timeit(3), Duration::from_secs(3));
        assert_eq!(fake.counts(), (1, 3, 2));
    }

    #[test]
    fn ti_02_no_loops() {
        let fake = Fake::default();
        assert_eq!(fake.timer(1).timeit(0), Duration::ZERO);
        assert_eq!(fake.counts(), (1, 0, 2));
    }

    #[test]
    fn ti_03_repeat() {
        let fake = Fake::default();
        assert_eq!(fake.timer(1).repeat(3, 5), [Duration::from_secs(5); 3]);
        assert_eq!(fake.counts(), (3, 15, 6));
        assert_eq!(fake.timer(1).repeat(0, 5), []);
        assert_eq!(fake.timer(1).repeat(2, 0), [Duration::ZERO; 2]);
        assert_eq!(fake.counts(), (5, 15, 10));
        assert_eq!((REPEAT, NUMBER), (5, 1_000_000));
    }

    #[test]
    fn ti_04_autorange() {
        let fake = Fake::default();
        let expected = Duration::from_nanos(500 * 1_000_000_000 / 1024);
        assert_eq!(fake.timer(1024).autorange(), (500, expected));
        assert_eq!(fake.timer(1).autorange(), (1, Duration::from_secs(1)));
        // The exact threshold is enough.
        assert_eq!(fake.timer(5).autorange(), (1, Duration::from_millis(200)));
        assert_eq!(fake.timer(10).autorange(), (2, Duration::from_millis(200)));
    }

    #[test]
    fn ti_05_autorange_tells_every_try() {
        let fake = Fake::default();
        let mut tries = Vec::new();
        let last = fake.timer(1024).autorange_reporting(|number, total| {
            let expected = number as f64 / 1024.0;
            assert!((total.as_secs_f64() - expected).abs() < 2e-9, "{number}");
            tries.push(number);
        });
        assert_eq!(tries, [1, 2, 5, 10, 20, 50, 100, 200, 500]);
        assert_eq!(last.0, 500);
        assert_eq!(fake.setups.get(), 9);
    }

    #[test]
    fn ti_16_the_statement_is_really_executed() {
        let total = Timer::new(|| 6 * 7).timeit(1_000_000);
        assert!(total > Duration::ZERO);
    }

    #[test]
    fn a_setup_is_fresh_for_each_timing() {
        let mut longest = 0;
        let mut timer = Timer::with_setup(Vec::new, |list: &mut Vec<u8>| {
            list.push(0);
            longest = longest.max(list.len());
        });
        timer.repeat(3, 4);
        assert_eq!(longest, 4);
    }

    #[test]
    fn a_clock_that_goes_back_is_no_panic() {
        let mut seconds = 1000;
        let mut timer = Timer::new(|| ()).clock(move || {
            seconds -= 1;
            Duration::from_secs(seconds)
        });
        assert_eq!(timer.timeit(1), Duration::ZERO);
    }

    #[test]
    fn what_the_clock_costs_is_known() {
        let mut microseconds = 0;
        let mut timer = Timer::new(|| ()).clock(move || {
            microseconds += 3;
            Duration::from_micros(microseconds)
        });
        assert_eq!(timer.clock_overhead(), Duration::from_micros(3));
        let measurement = timer.measure_loops(2, 10);
        assert_eq!(measurement.clock_overhead(), Some(Duration::from_micros(3)));
        assert_eq!(measurement.totals(), [Duration::from_micros(3); 2]);
    }
}
