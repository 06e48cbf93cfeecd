//! One timed run: one executor tests all numbers.

use super::algorithm::{Algorithm, miller_rabin, trial_division};
use super::options::Options;
use horsepower::{AnyExecutor, Error, Executor, ExecutorKind, MapOptions, OnError};
use std::time::{Duration, Instant};

/// A finished run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) executor: ExecutorKind,
    pub(super) workers: usize,
    /// Wall-clock time, including the start and the shutdown of the executor.
    pub(super) time: Duration,
}

/// Starts an executor, tests every number on it, and shuts it down. Passes the results to
/// `on_result` in input order. A failed task loses its own result; a broken executor loses all
/// remaining results.
///
/// # Errors
/// If the executor cannot start.
pub(super) fn execute(
    kind: ExecutorKind,
    options: &Options,
    numbers: &[u64],
    on_result: impl FnMut(Result<bool, Error>),
) -> Result<Run, Error> {
    let start = Instant::now();
    let executor = match options.workers {
        None => AnyExecutor::new(kind)?,
        Some(workers) => AnyExecutor::with_workers(kind, workers.into())?,
    };
    let workers = executor.workers();
    match options.algorithm {
        Algorithm::Trial => test_all(&executor, trial_division, numbers, on_result),
        Algorithm::MillerRabin => test_all(&executor, miller_rabin, numbers, on_result),
    }
    drop(executor);
    Ok(Run { executor: kind, workers, time: start.elapsed() })
}

fn test_all(
    executor: &AnyExecutor,
    is_prime: impl Fn(u64) -> bool + Copy + Send + Sync + 'static,
    numbers: &[u64],
    mut on_result: impl FnMut(Result<bool, Error>),
) {
    let numbers = numbers.iter().copied();
    match executor.kind() {
        // `map` would run the tasks of a whole window before it yields the first result.
        Some(ExecutorKind::Inline) => {
            numbers.for_each(|number| on_result(executor.submit(is_prime, number).result()));
        }
        _ => {
            let options = MapOptions::new().on_error(OnError::Continue);
            executor.tasks(is_prime, numbers).options(options).map().for_each(on_result);
        }
    }
}
