//! `horsepower primes`: tests the same numbers on every executor and compares the run times.
//!
//! | file | what it owns |
//! |---|---|
//! | `command` | the subcommand from start to end |
//! | `options` | the flags: help, parsing, test |
//! | `algorithm` | the two primality tests |
//! | `numbers` | the numbers to test |
//! | `pipe` | the numbers of standard input, answered as they come |
//! | `run` | one timed run of one executor |
//! | `verifier` | the check that all runs agree |
//! | `verdicts` | the results shared between a run and the printer |
//! | `printer` | the thread that prints verdicts during a run |
//! | `progress` | the progress bar |
//! | `comparison` | speed-up and efficiency |
//! | `error_log` | bad lines, failed tasks, disagreements |
//! | `report` | the trait of the output formats |
//! | `text`, `json` | one output format each |
//!
//! Imports point down only: `command` is the root, and no file imports what imports it.

mod algorithm;
mod command;
mod comparison;
mod error_log;
mod json;
mod numbers;
mod options;
mod pipe;
mod printer;
mod progress;
mod report;
mod run;
mod text;
mod verdicts;
mod verifier;

pub(crate) use command::run;
pub(crate) use options::Options;
