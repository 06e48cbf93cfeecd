//! Statistics of several timings.

use super::format::TimeFormat;
use serde::{Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// Timings of the same number of loops.
///
/// Times per loop are in seconds, as `f64`: a loop may take less than the nanosecond that a
/// [`Duration`] can represent. It prints as the last line of Python's `timeit`.
///
/// ```
/// use horsepower::timeit::Measurement;
/// use std::time::Duration;
///
/// let measurement = Measurement::new(50, [275, 280, 300].map(Duration::from_millis));
/// assert_eq!(measurement.to_string(), "50 loops, best of 3: 5.5 msec per loop");
/// assert_eq!(measurement.worst(), 0.006);
/// ```
///
/// Serialized, as JSON for example, it is an object of `loops`, `totals_seconds`,
/// `per_loop_seconds` (an object of `best`, `median`, `mean`, `standard_deviation` and `worst`),
/// `outliers_seconds`, `unreliable` and `clock_overhead_seconds`.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    loops: u64,
    totals: Vec<Duration>,
    clock_overhead: Option<Duration>,
}

impl Measurement {
    /// Creates a measurement from the total times of several timings of `loops` loops each.
    ///
    /// # Panics
    /// If there are no loops or no totals.
    ///
    /// ```
    /// use horsepower::timeit::Measurement;
    /// use std::time::Duration;
    ///
    /// assert_eq!(Measurement::new(4, [Duration::from_secs(1)]).best(), 0.25);
    /// ```
    #[must_use]
    pub fn new(loops: u64, totals: impl Into<Vec<Duration>>) -> Measurement {
        let totals = totals.into();
        assert!(loops > 0, "a measurement needs at least one loop");
        assert!(!totals.is_empty(), "a measurement needs at least one total");
        Measurement { loops, totals, clock_overhead: None }
    }

    /// The same measurement, with the clock's overhead per total.
    ///
    /// ```
    /// use horsepower::timeit::Measurement;
    /// use std::time::Duration;
    ///
    /// let overhead = Duration::from_nanos(30);
    /// let measurement = Measurement::new(1, [Duration::from_secs(1)]).with_clock_overhead(overhead);
    /// assert_eq!(measurement.clock_overhead(), Some(overhead));
    /// ```
    #[must_use]
    pub fn with_clock_overhead(self, overhead: Duration) -> Measurement {
        Measurement { clock_overhead: Some(overhead), ..self }
    }

    /// How many loops each timing had.
    ///
    /// ```
    /// # use {horsepower::timeit::Measurement, std::time::Duration};
    /// assert_eq!(Measurement::new(4, [Duration::from_secs(1)]).loops(), 4);
    /// ```
    #[must_use]
    pub fn loops(&self) -> u64 {
        self.loops
    }

    /// The total time of each timing, in the order of the timings.
    ///
    /// ```
    /// # use {horsepower::timeit::Measurement, std::time::Duration};
    /// let totals = [2, 1].map(Duration::from_secs);
    /// assert_eq!(Measurement::new(4, totals).totals(), totals);
    /// ```
    #[must_use]
    pub fn totals(&self) -> &[Duration] {
        &self.totals
    }

    /// The time that the clock added to each total, if it was measured. It is not subtracted.
    ///
    /// ```
    /// # use {horsepower::timeit::Measurement, std::time::Duration};
    /// assert_eq!(Measurement::new(4, [Duration::from_secs(1)]).clock_overhead(), None);
    /// ```
    #[must_use]
    pub fn clock_overhead(&self) -> Option<Duration> {
        self.clock_overhead
    }

    /// The time per loop in each timing, in seconds, in the order of the timings.
    ///
    /// ```
    /// # use {horsepower::timeit::Measurement, std::time::Duration};
    /// let measurement = Measurement::new(4, [2, 1].map(Duration::from_secs));
    /// assert_eq!(measurement.per_loop(), [0.5, 0.25]);
    /// ```
    #[must_use]
    pub fn per_loop(&self) -> Vec<f64> {
        let loops = self.loops as f64;
        let per_loop = self.totals.iter().map(|total| total.as_secs_f64() / loops);
        per_loop.collect()
    }

    /// The lowest time per loop, in seconds, which is the least disturbed one.
    ///
    /// ```
    /// # use {horsepower::timeit::Measurement, std::time::Duration};
    /// assert_eq!(Measurement::new(4, [2, 1].map(Duration::from_secs)).best(), 0.25);
    /// ```
    #[must_use]
    pub fn best(&self) -> f64 {
        self.quantile(0.0)
    }

    /// The highest time per loop, in seconds.
    ///
    /// ```
    /// # use {horsepower::timeit::Measurement, std::time::Duration};
    /// assert_eq!(Measurement::new(4, [2, 1].map(Duration::from_secs)).worst(), 0.5);
    /// ```
    #[must_use]
    pub fn worst(&self) -> f64 {
        self.quantile(1.0)
    }

    /// The median time per loop, in seconds; for an even number of timings, the mean of the two in
    /// the middle.
    ///
    /// ```
    /// # use {horsepower::timeit::Measurement, std::time::Duration};
    /// assert_eq!(Measurement::new(1, [9, 1, 2].map(Duration::from_secs)).median(), 2.0);
    /// ```
    #[must_use]
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The mean time per loop, in seconds.
    ///
    /// ```
    /// # use {horsepower::timeit::Measurement, std::time::Duration};
    /// assert_eq!(Measurement::new(1, [9, 1, 2].map(Duration::from_secs)).mean(), 4.0);
    /// ```
    #[must_use]
    pub fn mean(&self) -> f64 {
        let sum: f64 = self.totals.iter().map(Duration::as_secs_f64).sum();
        sum / self.totals.len() as f64 / self.loops as f64
    }

    /// The sample standard deviation of the times per loop, in seconds (divided by their number
    /// minus one); zero if there is only one.
    ///
    /// ```
    /// # use {horsepower::timeit::Measurement, std::time::Duration};
    /// let measurement = Measurement::new(1, [1, 2, 3].map(Duration::from_secs));
    /// assert_eq!(measurement.standard_deviation(), 1.0);
    /// ```
    #[must_use]
    pub fn standard_deviation(&self) -> f64 {
        let mean = self.mean();
        let squares: f64 = self.per_loop().iter().map(|x| (x - mean).powi(2)).sum();
        let others = self.totals.len().saturating_sub(1).max(1);
        (squares / others as f64).sqrt()
    }

    /// The times per loop, in seconds, that lie more than one and a half interquartile ranges
    /// outside the quartiles (J. W. Tukey, *Exploratory Data Analysis*, 1977, 2C).
    ///
    /// ```
    /// # use {horsepower::timeit::Measurement, std::time::Duration};
    /// let measurement = Measurement::new(1, [10, 10, 11, 11, 12, 90].map(Duration::from_secs));
    /// assert_eq!(measurement.outliers(), [90.0]);
    /// ```
    #[must_use]
    pub fn outliers(&self) -> Vec<f64> {
        let (low, high) = (self.quantile(0.25), self.quantile(0.75));
        let reach = 1.5 * (high - low);
        let mut outliers = self.per_loop();
        outliers.retain(|&time| time < low - reach || time > high + reach);
        outliers
    }

    /// True if the worst time is at least four times the best: the machine was busy with something
    /// else, or the statement does not always do the same work.
    ///
    /// ```
    /// # use {horsepower::timeit::Measurement, std::time::Duration};
    /// assert!(Measurement::new(1, [1, 4].map(Duration::from_secs)).is_unreliable());
    /// assert!(!Measurement::new(1, [1, 3].map(Duration::from_secs)).is_unreliable());
    /// ```
    #[must_use]
    pub fn is_unreliable(&self) -> bool {
        self.worst() >= 4.0 * self.best()
    }

    /// The line that [`Display`](fmt::Display) prints, with the given format of the time.
    ///
    /// ```
    /// use horsepower::timeit::{Measurement, TimeFormat, Unit};
    /// use std::time::Duration;
    ///
    /// let measurement = Measurement::new(1, [Duration::from_millis(3)]);
    /// let format = TimeFormat::default().unit(Unit::Usec);
    /// assert_eq!(measurement.line(format), "1 loop, best of 1: 3e+03 usec per loop");
    /// ```
    #[must_use]
    pub fn line(&self, format: TimeFormat) -> String {
        format!(
            "{} loop{}, best of {}: {} per loop",
            self.loops,
            if self.loops == 1 { "" } else { "s" },
            self.totals.len(),
            format.time(self.best())
        )
    }

    /// The time per loop below which this fraction of them lies, interpolated linearly.
    fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.per_loop();
        sorted.sort_by(f64::total_cmp);
        let place = part * (sorted.len() - 1) as f64;
        let (below, above) = (place.floor() as usize, place.ceil() as usize);
        sorted[below] + (sorted[above] - sorted[below]) * place.fract()
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line(TimeFormat::default()))
    }
}

impl Serialize for Measurement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Object {
            loops: u64,
            totals_seconds: Vec<f64>,
            per_loop_seconds: PerLoop,
            outliers_seconds: Vec<f64>,
            unreliable: bool,
            clock_overhead_seconds: Option<f64>,
        }
        #[derive(Serialize)]
        struct PerLoop {
            best: f64,
            median: f64,
            mean: f64,
            standard_deviation: f64,
            worst: f64,
        }
        Object {
            loops: self.loops,
            totals_seconds: self.totals.iter().map(Duration::as_secs_f64).collect(),
            per_loop_seconds: PerLoop {
                best: self.best(),
                median: self.median(),
                mean: self.mean(),
                standard_deviation: self.standard_deviation(),
                worst: self.worst(),
            },
            outliers_seconds: self.outliers(),
            unreliable: self.is_unreliable(),
            clock_overhead_seconds: self.clock_overhead.as_ref().map(Duration::as_secs_f64),
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measurement(loops: u64, milliseconds: &[u64]) -> Measurement {
        let totals: Vec<_> =
            milliseconds.iter().map(|&total| Duration::from_millis(total)).collect();
        Measurement::new(loops, totals)
    }

    #[test]
    fn ti_06_last_line() {
        for (loops, totals, expected) in [
            (1, &[1000, 2000][..], "1 loop, best of 2: 1 sec per loop"),
            (10, &[10_000], "10 loops, best of 1: 1 sec per loop"),
            (2, &[900, 600, 700], "2 loops, best of 3: 300 msec per loop"),
        ] {
            assert_eq!(measurement(loops, totals).to_string(), expected);
        }
    }

    #[test]
    fn one_timing_has_no_deviation() {
        let one = measurement(1, &[1000]);
        assert_eq!((one.best(), one.median(), one.worst()), (1.0, 1.0, 1.0));
        assert_eq!((one.mean(), one.standard_deviation()), (1.0, 0.0));
        assert_eq!(one.outliers(), [0.0; 0]);
        assert!(!one.is_unreliable());
    }

    #[test]
    fn the_middle_of_an_even_number() {
        let four = measurement(2, &[8000, 2000, 4000, 6000]);
        assert_eq!((four.median(), four.mean()), (2.5, 2.5));
        // statistics.stdev([4, 1, 2, 3])
        assert!((four.standard_deviation() - 1.290_994_448_735_805_6).abs() < 1e-12);
    }

    #[test]
    fn ti_14_four_times_the_best_is_unreliable() {
        assert!(measurement(1, &[100, 150, 400]).is_unreliable());
        assert!(!measurement(1, &[100, 150, 399]).is_unreliable());
    }

    #[test]
    fn the_object_has_the_promised_form() {
        let measurement = measurement(2, &[500, 1000]).with_clock_overhead(Duration::from_secs(1));
        assert_eq!(
            serde_json::to_value(&measurement).unwrap(),
            serde_json::json!({
                "loops": 2,
                "totals_seconds": [0.5, 1.0],
                "per_loop_seconds": {
                    "best": 0.25,
                    "median": 0.375,
                    "mean": 0.375,
                    "standard_deviation": 0.03125_f64.sqrt(),
                    "worst": 0.5,
                },
                "outliers_seconds": [],
                "unreliable": false,
                "clock_overhead_seconds": 1.0,
            })
        );
    }

    #[test]
    #[should_panic(expected = "at least one total")]
    fn nothing_is_no_measurement() {
        let _ = measurement(1, &[]);
    }
}
