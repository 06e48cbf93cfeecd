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

/// Tests every number on an executor that is made for it; `each` is given the results in order. A
/// task that fails costs its own result; an executor that fails, all those that are left.
///
/// # Errors
/// If the executor cannot be made.
pub(super) fn run(
    kind: ExecutorKind,
    options: &Options,
    numbers: &[u64],
    each: impl FnMut((usize, Result<bool, Error>)),
) -> Result<Race, Error> {
    let started = Instant::now();
    let executor = AnyExecutor::new(kind, options.workers.map(usize::from))?;
    let workers = executor.workers();
    let items = numbers.iter().copied();
    let results = match options.algorithm {
        Algorithm::Trial => executor.map_with(settings(kind), by_trial, items),
        Algorithm::MillerRabin => executor.map_with(settings(kind), by_miller_rabin, items),
    };
    results.enumerate().for_each(each);
    drop(executor);
    Ok(Race { executor: kind, workers, time: started.elapsed() })
}

fn settings(kind: ExecutorKind) -> MapOptions {
    let settings = MapOptions::new().on_error(OnError::Continue);
    match kind {
        // It works while its results are asked for, so that each can be shown when it is there.
        ExecutorKind::Inline => settings.window(1),
        _ => settings,
    }
}
