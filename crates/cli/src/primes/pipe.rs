//! Numbers from standard input: each is answered as soon as it has come, however slowly they come and however
//! many there are.
//!
//! One executor answers them. They are kept for the timed runs that follow, up to [`MOST_KEPT`].

use super::algorithm::{Algorithm, miller_rabin, trial_division};
use super::error_log::ErrorLog;
use super::options::Options;
use super::report::Report;
use crate::input::Numbers;
use anyhow::Context as _;
use horsepower::{AnyExecutor, Executor, ExecutorKind, MapOptions, OnError};
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Most numbers that are kept: 8 MB of them.
const MOST_KEPT: usize = 1_000_000;

/// What came from standard input.
pub(super) struct Answered {
    /// The numbers; `None` if there were too many to keep.
    pub(super) numbers: Option<Vec<u64>>,
    /// Whether each is prime; `None` if its task failed.
    pub(super) verdicts: Vec<Option<bool>>,
    /// The executor that has answered.
    pub(super) by: ExecutorKind,
}

/// True if the numbers come from standard input.
pub(super) fn is_wanted(options: &Options) -> bool {
    options.file.as_deref() == Some(Path::new("-"))
}

/// Answers the numbers of the command line and then those of standard input.
///
/// # Errors
/// If standard input cannot be read, the output cannot be written, or the executor cannot start.
pub(super) fn answer(
    options: &Options,
    errors: &Arc<Mutex<ErrorLog>>,
    report: &mut dyn Report,
) -> anyhow::Result<Answered> {
    // The last is the one that shares the work among the most workers, unless it was not asked for.
    let by = options.executor.iter().last().unwrap_or(ExecutorKind::Inline);
    let executor = match options.workers {
        None => AnyExecutor::new(by)?,
        Some(workers) => AnyExecutor::with_workers(by, workers.into())?,
    };
    match options.algorithm {
        Algorithm::Trial => answer_on(&executor, by, trial_division, options, errors, report),
        Algorithm::MillerRabin => answer_on(&executor, by, miller_rabin, options, errors, report),
    }
}

fn answer_on(
    executor: &AnyExecutor,
    by: ExecutorKind,
    is_prime: impl Fn(u64) -> bool + Copy + Send + Sync + 'static,
    options: &Options,
    errors: &Arc<Mutex<ErrorLog>>,
    report: &mut dyn Report,
) -> anyhow::Result<Answered> {
    // The numbers that were read and not answered yet, in their order.
    let waiting = Arc::new(Mutex::new(VecDeque::new()));
    let failure = Arc::new(Mutex::new(None));
    let items = {
        let (waiting, failure, errors) = (waiting.clone(), failure.clone(), errors.clone());
        let on_bad_line = move |line| lock(&errors).bad_line("<stdin>", line);
        let mut read = Numbers::new(io::BufReader::new(io::stdin()), on_bad_line);
        let mut given = options.numbers.clone().into_iter();
        std::iter::from_fn(move || {
            let number = given.next().or_else(|| read.next());
            match number {
                Some(number) => lock(&waiting).push_back(number),
                None => *lock(&failure) = read.take_error(),
            }
            number
        })
    };
    let settings = MapOptions::new().on_error(OnError::Continue);
    // In line, a number is tested when it is submitted, so none may be ahead of the one that is printed.
    let settings = if by == ExecutorKind::Inline { settings.window(1) } else { settings };
    let mut map = executor.stream(is_prime, items).options(settings).map();
    let mut answered = Answered { numbers: Some(Vec::new()), verdicts: Vec::new(), by };
    loop {
        let mut next = map.next_timeout(Duration::ZERO);
        if matches!(&next, Some(Err(error)) if error.is_timeout() && error.item().is_none()) {
            // Whoever reads sees what is there before the next wait.
            report.flush().context(CANNOT_WRITE)?;
            next = map.next();
        }
        let (Some(result), Some(number)) = (next, lock(&waiting).pop_front()) else { break };
        match &result {
            Ok(prime) => report.verdict(number, *prime).context(CANNOT_WRITE)?,
            Err(error) => lock(errors).failed(number.to_string(), format!("{by}: {error}")),
        }
        answered.keep(number, result.ok());
    }
    report.flush().context(CANNOT_WRITE)?;
    let failure = lock(&failure).take();
    failure.map_or(Ok(()), Err).context("cannot read <stdin>")?;
    Ok(answered)
}

impl Answered {
    fn keep(&mut self, number: u64, prime: Option<bool>) {
        let Some(numbers) = &mut self.numbers else { return };
        if numbers.len() == MOST_KEPT {
            (self.numbers, self.verdicts) = (None, Vec::new());
            return;
        }
        numbers.push(number);
        self.verdicts.push(prime);
    }
}

const CANNOT_WRITE: &str = "cannot write to standard output";

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
