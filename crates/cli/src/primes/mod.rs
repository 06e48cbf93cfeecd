//! `horsepower primes`: the same work on every executor, and what each made of it.
//!
//! | file | what it owns |
//! |---|---|
//! | `command` | the subcommand from beginning to end |
//! | `options` | its flags: help, parsing, test |
//! | `algorithm` | `is_prime`, twice |
//! | `numbers` | which numbers |
//! | `race` | one executor over all numbers, timed |
//! | `referee` | what is to be said about the results of a race |
//! | `board` | the verdicts, and how far the race is |
//! | `display` | the thread that shows the board while a race runs |
//! | `progress` | the progress bar |
//! | `comparison` | speed-up and efficiency |
//! | `complaints` | what was wrong |
//! | `report`, `text`, `json` | the two forms of the answer |

mod algorithm;
mod board;
mod command;
mod comparison;
mod complaints;
mod display;
mod json;
mod numbers;
mod options;
mod progress;
mod race;
mod referee;
mod report;
mod text;

pub(crate) use command::run;
pub(crate) use options::Options;
