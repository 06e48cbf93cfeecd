//! One executor over all numbers, timed.

use super::Options;
use super::algorithm::{Algorithm, by_miller_rabin, by_trial};
use horsepower::{AnyExecutor, Error, Executor, ExecutorKind, MapOptions, OnError};
use std::time::{Duration, Instant};

/// What a race took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Race {
    pub(super) executor: ExecutorKind,
    pub(super) workers: usize,
    /// From before the executor is made until it is gone, as the notebook measures.
    pub(super) time: Duration,
}

/// Tests every number on an executor that is made for it; `see` is given the results in order. A
/// task that fails costs its own result; an executor that fails, all those that are left.
///
/// # Errors
/// If the executor cannot be made.
pub(super) fn run(
    kind: ExecutorKind,
    options: &Options,
    numbers: &[u64],
    see: impl FnMut(Result<bool, Error>),
) -> Result<Race, Error> {
    let started = Instant::now();
    let executor = match options.workers {
        None => AnyExecutor::new(kind)?,
        Some(workers) => AnyExecutor::with_workers(kind, workers.into())?,
    };
    let workers = executor.workers();
    match options.algorithm {
        Algorithm::Trial => test_all(&executor, by_trial, numbers, see),
        Algorithm::MillerRabin => test_all(&executor, by_miller_rabin, numbers, see),
    }
    drop(executor);
    Ok(Race { executor: kind, workers, time: started.elapsed() })
}

fn test_all(
    executor: &AnyExecutor,
    is_prime: impl Fn(u64) -> bool + Copy + Send + Sync + 'static,
    numbers: &[u64],
    mut see: impl FnMut(Result<bool, Error>),
) {
    let numbers = numbers.iter().copied();
    match executor.kind() {
        // `map` would fill its window before the first result is seen.
        Some(ExecutorKind::Inline) => {
            numbers.for_each(|number| see(executor.submit(is_prime, number).result()));
        }
        _ => {
            let options = MapOptions::new().on_error(OnError::Continue);
            executor.tasks(is_prime, numbers).options(options).map().for_each(see);
        }
    }
}
