//! [`Verifier`]: stores the verdicts of the first run, and checks those of later runs against them.

use super::error_log::ErrorEntry;
use super::verdicts::Verdicts;
use horsepower::ExecutorKind;
use std::fmt::Display;

/// How many errors of a run are listed. A broken executor fails once for each number; the rest are
/// counted.
const MAX_LISTED: usize = 10;

/// Records the results of one run.
#[derive(Debug)]
pub(super) struct Verifier<'a> {
    numbers: &'a [u64],
    verdicts: &'a Verdicts,
    executor: ExecutorKind,
    /// The executor that produced the stored verdicts; `None` if this run produces them.
    reference: Option<ExecutorKind>,
    recorded: usize,
    errors: Vec<ErrorEntry>,
    unlisted: usize,
}

impl<'a> Verifier<'a> {
    pub(super) fn new(
        numbers: &'a [u64],
        verdicts: &'a Verdicts,
        executor: ExecutorKind,
        reference: Option<ExecutorKind>,
    ) -> Verifier<'a> {
        verdicts.start_run();
        let errors = Vec::new();
        Verifier { numbers, verdicts, executor, reference, recorded: 0, errors, unlisted: 0 }
    }

    /// Records the result of the next number.
    pub(super) fn record(&mut self, result: Result<bool, impl Display>) {
        let index = self.recorded;
        self.recorded += 1;
        match result {
            Ok(prime) => {
                if self.reference.is_none() {
                    self.verdicts.set(index, prime);
                }
                self.check(index, prime);
            }
            Err(error) => self.add_error(index, format!("{}: {error}", self.executor)),
        }
        self.verdicts.complete(index);
    }

    fn check(&mut self, index: usize, prime: bool) {
        if let (Some(reference), Some(expected)) = (self.reference, self.verdicts.get(index))
            && expected != prime
        {
            let executor = self.executor;
            let message =
                format!("{executor} returned {prime}, but {reference} returned {expected}");
            self.add_error(index, message);
        }
    }

    fn add_error(&mut self, index: usize, message: String) {
        if self.errors.len() < MAX_LISTED {
            let text = self.numbers[index].to_string();
            self.errors.push(ErrorEntry { line: None, text, message });
        } else {
            self.unlisted += 1;
        }
    }

    /// Ends the run and returns its errors. The last entries count the errors that are not listed and
    /// the numbers without a result.
    pub(super) fn finish(mut self) -> Vec<ErrorEntry> {
        self.verdicts.end_run();
        let counts = [
            ("more errors, not listed", self.unlisted),
            ("numbers not tested", self.numbers.len() - self.recorded),
        ];
        for (what, count) in counts.into_iter().filter(|&(_, count)| count > 0) {
            let (text, message) = (self.executor.to_string(), format!("{what}: {count}"));
            self.errors.push(ErrorEntry { line: None, text, message });
        }
        self.errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ExecutorKind::{Inline, Threads};

    type TaskResult = Result<bool, &'static str>;

    fn errors(
        numbers: &[u64],
        verdicts: &Verdicts,
        (executor, reference): (ExecutorKind, Option<ExecutorKind>),
        results: impl IntoIterator<Item = TaskResult>,
    ) -> Vec<(String, String)> {
        let mut verifier = Verifier::new(numbers, verdicts, executor, reference);
        results.into_iter().for_each(|result| verifier.record(result));
        verifier.finish().into_iter().map(|error| (error.text, error.message)).collect()
    }

    fn error(text: &str, message: &str) -> (String, String) {
        (text.to_owned(), message.to_owned())
    }

    #[test]
    fn matching_verdicts_are_no_error() {
        let (numbers, verdicts) = ([4, 5], Verdicts::new(2));
        for run in [(Inline, None), (Threads, Some(Inline))] {
            assert_eq!(errors(&numbers, &verdicts, run, [Ok(false), Ok(true)]), []);
            assert_eq!(verdicts.completed(), 2);
        }
        assert_eq!((verdicts.get(0), verdicts.get(1)), (Some(false), Some(true)));
    }

    #[test]
    fn a_disagreement_names_the_number_and_both_executors() {
        let (numbers, verdicts) = ([4, 5], Verdicts::new(2));
        errors(&numbers, &verdicts, (Inline, None), [Ok(false), Ok(true)]);
        assert_eq!(
            errors(&numbers, &verdicts, (Threads, Some(Inline)), [Ok(false), Ok(false)]),
            [error("5", "threads returned false, but inline returned true")]
        );
        assert_eq!(verdicts.get(1), Some(true), "the first verdict stays");
    }

    #[test]
    fn a_failed_task_has_no_verdict_to_compare() {
        let (numbers, verdicts) = ([4, 5], Verdicts::new(2));
        assert_eq!(
            errors(&numbers, &verdicts, (Inline, None), [Err("worker died"), Ok(true)]),
            [error("4", "inline: worker died")]
        );
        assert_eq!(verdicts.get(0), None);
        assert_eq!(errors(&numbers, &verdicts, (Threads, Some(Inline)), [Ok(true), Ok(true)]), []);
        assert_eq!(verdicts.get(0), None, "the printer has already passed it");
    }

    #[test]
    fn unlisted_errors_and_missing_results_are_counted() {
        let numbers: Vec<u64> = (0..20).collect();
        let verdicts = Verdicts::new(20);
        let results = std::iter::repeat_n(Err("broken"), 15);
        let errors = errors(&numbers, &verdicts, (Threads, None), results);
        assert_eq!(errors.len(), MAX_LISTED + 2);
        assert_eq!(errors[9], error("9", "threads: broken"));
        assert_eq!(errors[10], error("threads", "more errors, not listed: 5"));
        assert_eq!(errors[11], error("threads", "numbers not tested: 5"));
        assert_eq!(verdicts.completed(), 20);
    }
}
