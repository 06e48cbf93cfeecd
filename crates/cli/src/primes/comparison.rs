//! Speed-up and efficiency of each run against the baseline.

use super::run::Run;
use horsepower::ExecutorKind;
use serde::Serialize;

/// A run compared with the baseline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct ComparedRun {
    pub(super) executor: String,
    pub(super) workers: usize,
    pub(super) seconds: f64,
    /// Run time of the baseline divided by the run time of this run.
    pub(super) speedup: f64,
    /// Speed-up divided by the number of workers: 1 is a perfect speed-up.
    pub(super) efficiency: f64,
}

/// Compares all runs with the inline one, or with the first one if there is no inline run.
pub(super) fn compare(runs: &[Run]) -> Vec<ComparedRun> {
    let inline = runs.iter().find(|run| run.executor == ExecutorKind::Inline);
    let Some(baseline) = inline.or(runs.first()).map(seconds) else {
        return Vec::new();
    };
    let compared = runs.iter().map(|run| {
        let speedup = baseline / seconds(run);
        ComparedRun {
            executor: run.executor.to_string(),
            workers: run.workers,
            seconds: run.time.as_secs_f64(),
            speedup,
            efficiency: speedup / run.workers as f64,
        }
    });
    compared.collect()
}

/// The run time, never 0: a coarse clock may report 0 for a run without numbers.
fn seconds(run: &Run) -> f64 {
    run.time.as_secs_f64().max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn run(executor: ExecutorKind, workers: usize, seconds: f64) -> Run {
        Run { executor, workers, time: Duration::from_secs_f64(seconds) }
    }

    fn figures(runs: &[Run]) -> Vec<(f64, f64)> {
        compare(runs).iter().map(|run| (run.speedup, run.efficiency)).collect()
    }

    #[test]
    fn the_inline_run_is_the_baseline_at_any_position() {
        let inline = run(ExecutorKind::Inline, 1, 3.0);
        let threads = run(ExecutorKind::Threads, 2, 2.0);
        assert_eq!(figures(&[inline, threads]), [(1.0, 1.0), (1.5, 0.75)]);
        assert_eq!(figures(&[threads, inline]), [(1.5, 0.75), (1.0, 1.0)]);
    }

    #[test]
    fn without_an_inline_run_the_first_is_the_baseline() {
        let two = run(ExecutorKind::Threads, 2, 4.0);
        let four = run(ExecutorKind::Threads, 4, 2.0);
        assert_eq!(figures(&[two, four]), [(1.0, 0.5), (2.0, 0.5)]);
        assert_eq!(figures(&[]), []);
    }

    #[test]
    fn a_run_time_of_zero_gives_finite_figures() {
        let zero = run(ExecutorKind::Inline, 1, 0.0);
        assert_eq!(figures(&[zero, zero]), [(1.0, 1.0), (1.0, 1.0)]);
    }
}
