//! The referee of a race: puts the first race's verdicts on the board, and holds those of later races
//! against them.

use super::board::Board;
use horsepower::ExecutorKind;
use std::fmt::Display;

/// Most findings of a race that are told one by one. An executor that is broken has one for each
/// number.
const TOLD: usize = 10;

/// Sees the results of one race.
#[derive(Debug)]
pub(super) struct Referee<'a> {
    numbers: &'a [u64],
    board: &'a Board,
    executor: ExecutorKind,
    /// Whose verdicts are on the board; `None`: this race's will be.
    first: Option<ExecutorKind>,
    answered: usize,
    findings: Vec<Finding>,
    untold: usize,
}

/// Something wrong with a result.
#[derive(Debug, PartialEq)]
pub(super) struct Finding {
    /// The number or the executor that it is about.
    pub(super) about: String,
    pub(super) message: String,
}

impl<'a> Referee<'a> {
    pub(super) fn new(
        numbers: &'a [u64],
        board: &'a Board,
        executor: ExecutorKind,
        first: Option<ExecutorKind>,
    ) -> Referee<'a> {
        board.restart();
        let findings = Vec::new();
        Referee { numbers, board, executor, first, answered: 0, findings, untold: 0 }
    }

    /// The next number's result has come.
    pub(super) fn see(&mut self, result: Result<bool, impl Display>) {
        let index = self.answered;
        self.answered += 1;
        match result {
            Ok(prime) => {
                if self.first.is_none() {
                    self.board.put(index, prime);
                }
                self.hold_against_the_board(index, prime);
            }
            Err(error) => self.find(index, format!("{}: {error}", self.executor)),
        }
        self.board.pass(index);
    }

    fn hold_against_the_board(&mut self, index: usize, prime: bool) {
        if let (Some(first), Some(verdict)) = (self.first, self.board.verdict(index))
            && verdict != prime
        {
            let executor = self.executor;
            self.find(index, format!("{first} says prime: {verdict}, {executor} says {prime}"));
        }
    }

    fn find(&mut self, index: usize, message: String) {
        if self.findings.len() < TOLD {
            self.findings.push(Finding { about: self.numbers[index].to_string(), message });
        } else {
            self.untold += 1;
        }
    }

    /// No more results will come. Numbers without one, and findings that were too many, are told
    /// by their count.
    pub(super) fn end(mut self) -> Vec<Finding> {
        self.board.end();
        let rest = [
            (self.untold, "more numbers with a wrong result or none"),
            (self.numbers.len() - self.answered, "numbers were not tested"),
        ];
        for (count, what) in rest.into_iter().filter(|&(count, _)| count > 0) {
            let message = format!("{count} {what}");
            self.findings.push(Finding { about: self.executor.to_string(), message });
        }
        self.findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ExecutorKind::{Inline, Threads};

    type Outcome = Result<bool, &'static str>;

    fn findings(
        numbers: &[u64],
        board: &Board,
        (executor, first): (ExecutorKind, Option<ExecutorKind>),
        results: impl IntoIterator<Item = Outcome>,
    ) -> Vec<(String, String)> {
        let mut referee = Referee::new(numbers, board, executor, first);
        results.into_iter().for_each(|result| referee.see(result));
        referee.end().into_iter().map(|finding| (finding.about, finding.message)).collect()
    }

    fn told(about: &str, message: &str) -> (String, String) {
        (about.to_owned(), message.to_owned())
    }

    #[test]
    fn verdicts_that_agree_are_no_finding() {
        let (numbers, board) = ([4, 5], Board::new(2));
        for race in [(Inline, None), (Threads, Some(Inline))] {
            assert_eq!(findings(&numbers, &board, race, [Ok(false), Ok(true)]), []);
            assert_eq!(board.passed(), 2);
        }
        assert_eq!((board.verdict(0), board.verdict(1)), (Some(false), Some(true)));
    }

    #[test]
    fn a_disagreement_names_the_number_and_both_executors() {
        let (numbers, board) = ([4, 5], Board::new(2));
        findings(&numbers, &board, (Inline, None), [Ok(false), Ok(true)]);
        assert_eq!(
            findings(&numbers, &board, (Threads, Some(Inline)), [Ok(false), Ok(false)]),
            [told("5", "inline says prime: true, threads says false")]
        );
        assert_eq!(board.verdict(1), Some(true), "the first verdict stands");
    }

    #[test]
    fn a_failed_task_has_no_verdict_to_compare() {
        let (numbers, board) = ([4, 5], Board::new(2));
        assert_eq!(
            findings(&numbers, &board, (Inline, None), [Err("it died"), Ok(true)]),
            [told("4", "inline: it died")]
        );
        assert_eq!(board.verdict(0), None);
        assert_eq!(findings(&numbers, &board, (Threads, Some(Inline)), [Ok(true), Ok(true)]), []);
        assert_eq!(board.verdict(0), None, "it was passed over when verdicts were shown");
    }

    #[test]
    fn many_findings_and_missing_results_are_counted() {
        let numbers: Vec<u64> = (0..20).collect();
        let board = Board::new(20);
        let results = std::iter::repeat_n(Err("broken"), 15);
        let findings = findings(&numbers, &board, (Threads, None), results);
        assert_eq!(findings.len(), TOLD + 2);
        assert_eq!(findings[9], told("9", "threads: broken"));
        assert_eq!(findings[10], told("threads", "5 more numbers with a wrong result or none"));
        assert_eq!(findings[11], told("threads", "5 numbers were not tested"));
        assert_eq!(board.passed(), 20);
    }
}
