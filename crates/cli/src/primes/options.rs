//! The flags of `horsepower primes`.

use super::algorithm::Algorithm;
use crate::input;
use clap::Args;
use horsepower::ExecutorKind;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Numbers to test, from 0 to 2^64-1 [default without --file: six large numbers from the Python
    /// lecture notebook that this tool answers]
    #[arg(value_name = "NUMBER", value_parser = input::number)]
    pub(super) numbers: Vec<u64>,

    /// Read numbers from a file, one per line; `#` starts a comment. `-` reads standard input: each number is
    /// answered as it comes, and the executors are compared at the end, if there were no more than a million
    #[arg(short, long, value_name = "PATH")]
    pub(super) file: Option<PathBuf>,

    /// Executors to run, comma-separated, in this order: inline, threads, processes
    #[arg(short, long, value_name = "LIST", default_value_t)]
    pub(super) executor: Executors,

    /// Number of threads or processes [default: the number of CPUs that this process may use]
    #[arg(short, long, value_name = "N", value_parser = parse_workers)]
    pub(super) workers: Option<NonZeroUsize>,

    /// Primality test
    #[arg(long, value_enum, default_value_t)]
    pub(super) algorithm: Algorithm,

    /// Print one JSON object instead of text
    #[arg(long)]
    pub(super) json: bool,
}

/// A comma-separated list of executors, each at most once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Executors(Vec<ExecutorKind>);

impl Executors {
    pub(super) fn iter(&self) -> impl Iterator<Item = ExecutorKind> {
        self.0.iter().copied()
    }
}

impl Default for Executors {
    fn default() -> Self {
        Executors(ExecutorKind::ALL.to_vec())
    }
}

impl std::fmt::Display for Executors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.0.iter().map(ExecutorKind::to_string).collect();
        f.write_str(&names.join(","))
    }
}

impl FromStr for Executors {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, String> {
        let mut executors = Vec::new();
        for name in list.split(',') {
            let kind = name.trim().parse::<ExecutorKind>().map_err(|error| error.to_string())?;
            if executors.contains(&kind) {
                return Err(format!("{kind} is listed twice; list each executor at most once"));
            }
            executors.push(kind);
        }
        Ok(Executors(executors))
    }
}

fn parse_workers(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "must be a whole number of at least 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn options(line: &str) -> Result<Options, clap::Error> {
        let words = ["primes"].into_iter().chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.options)
    }

    #[test]
    fn the_defaults() {
        let options = options("").unwrap();
        assert_eq!((options.numbers, options.file), (vec![], None));
        assert_eq!((options.workers, options.json), (None, false));
        assert_eq!(options.executor.0, ExecutorKind::ALL);
        assert_eq!(options.executor.0[0], ExecutorKind::Inline, "the baseline comes first");
        assert_eq!(options.algorithm, Algorithm::Trial);
    }

    #[test]
    fn every_flag_is_parsed() {
        let options = options("0 18446744073709551615 -f - -e threads,inline -w 3 --json").unwrap();
        assert_eq!(options.numbers, [0, u64::MAX]);
        assert_eq!(options.file, Some("-".into()));
        assert_eq!(options.executor.0, [ExecutorKind::Threads, ExecutorKind::Inline]);
        assert_eq!(options.workers, NonZeroUsize::new(3));
        assert!(options.json);
    }

    #[test]
    fn invalid_values_are_misuse() {
        for line in [
            "abc",
            "18446744073709551616",
            "-- -1",
            "-e fibers",
            "-e inline,",
            "-e inline,threads,inline",
            "-w 0",
            "-w -1",
            "-w many",
            "--algorithm guess",
            "--nonsense",
        ] {
            let error = options(line).expect_err(line);
            assert_eq!(error.exit_code(), i32::from(crate::exit::MISUSE), "{line}");
        }
    }

    #[test]
    fn a_printed_list_parses_again() {
        let executors = Executors::default();
        assert_eq!(executors.to_string().parse(), Ok(executors));
    }
}
