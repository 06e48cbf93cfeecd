//! Timings that differ too much to trust the best of them.

use horsepower::timeit::{Measurement, TimeFormat};

/// From this ratio of the worst to the best time on, the timings vary.
const VARIED: f64 = 1.5;

pub(super) const CAUSES: &str =
    "something else uses the CPU, or the code does not always do the same work";

/// How many percent the worst time is above the best, if the timings vary.
pub(super) fn percent(measurement: &Measurement) -> Option<f64> {
    let (best, worst) = (measurement.best(), measurement.worst());
    (worst >= VARIED * best && worst > 0.0).then(|| 100.0 * (worst / best - 1.0))
}

/// What to say about timings that vary. The sentence about four times the best is that of Python.
#[cfg(unix)]
pub(super) fn sentence(measurement: &Measurement, format: TimeFormat) -> Option<String> {
    let percent = percent(measurement)?;
    Some(if measurement.is_unreliable() {
        format!(
            "the results are likely unreliable: the worst time ({}) is at least four times the best \
             time ({})",
            format.time(measurement.worst()),
            format.time(measurement.best()),
        )
    } else {
        format!("the timings vary: the worst is {percent:.0} % above the best; {CAUSES}")
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn from_one_and_a_half_times_the_best_on_timings_vary() {
        let sentence = |totals: &[u64]| {
            let totals: Vec<_> = totals.iter().map(|&total| Duration::from_nanos(total)).collect();
            sentence(&Measurement::new(1, totals), TimeFormat::default())
        };
        assert_eq!(sentence(&[100]), None);
        assert_eq!(sentence(&[0, 0]), None);
        assert_eq!(sentence(&[149, 100, 120]), None);
        assert!(sentence(&[150, 100, 120]).unwrap().contains("the worst is 50 % above the best"));
        assert!(sentence(&[399, 100]).unwrap().contains("299 %"));
        assert!(sentence(&[400, 100]).unwrap().contains("likely unreliable"));
        assert!(sentence(&[1, 0]).is_some());
    }
}
