//! What the parallelism was worth: every race beside the baseline.

use super::race::Race;
use horsepower::ExecutorKind;
use serde::Serialize;

/// A race beside the baseline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Compared {
    pub(super) executor: String,
    pub(super) workers: usize,
    pub(super) seconds: f64,
    /// How many times faster than the baseline.
    pub(super) speedup: f64,
    /// Which part of its workers' power came out: 1 is all of it.
    pub(super) efficiency: f64,
}

/// Compares races with the in-line one, or with the first if there is none.
pub(super) fn compare(races: &[Race]) -> Vec<Compared> {
    let inline = races.iter().find(|race| race.executor == ExecutorKind::Inline);
    let Some(baseline) = inline.or(races.first()).map(seconds) else {
        return Vec::new();
    };
    let compared = races.iter().map(|race| {
        let speedup = baseline / seconds(race);
        Compared {
            executor: race.executor.to_string(),
            workers: race.workers,
            seconds: race.time.as_secs_f64(),
            speedup,
            efficiency: speedup / race.workers as f64,
        }
    });
    compared.collect()
}

/// Never 0, which the clock may say of a race without numbers.
fn seconds(race: &Race) -> f64 {
    race.time.as_secs_f64().max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn race(executor: ExecutorKind, workers: usize, seconds: f64) -> Race {
        Race { executor, workers, time: Duration::from_secs_f64(seconds) }
    }

    fn figures(races: &[Race]) -> Vec<(f64, f64)> {
        compare(races).iter().map(|race| (race.speedup, race.efficiency)).collect()
    }

    #[test]
    fn the_inline_race_is_the_baseline_wherever_it_stands() {
        let inline = race(ExecutorKind::Inline, 1, 3.0);
        let threads = race(ExecutorKind::Threads, 2, 2.0);
        assert_eq!(figures(&[inline, threads]), [(1.0, 1.0), (1.5, 0.75)]);
        assert_eq!(figures(&[threads, inline]), [(1.5, 0.75), (1.0, 1.0)]);
    }

    #[test]
    fn without_an_inline_race_the_first_is() {
        let two = race(ExecutorKind::Threads, 2, 4.0);
        let four = race(ExecutorKind::Threads, 4, 2.0);
        assert_eq!(figures(&[two, four]), [(1.0, 0.5), (2.0, 0.5)]);
        assert_eq!(figures(&[]), []);
    }

    #[test]
    fn no_time_at_all_is_still_a_number() {
        let nothing = race(ExecutorKind::Inline, 1, 0.0);
        assert_eq!(figures(&[nothing, nothing]), [(1.0, 1.0), (1.0, 1.0)]);
    }
}
