//! `horsepower timeit`: measures the run time of Rust code.
//!
//! | file | what it owns |
//! |---|---|
//! | `command` | the subcommand: with code or without |
//! | `options` | the flags: help, parsing, test |
//! | `constructs` | without code: eight ways to build a container, and their times in Python |
//! | `construct_table` | their measurements as a table or as JSON |
//! | `progress` | the line that tells what a long run is doing |
//! | `variation` | timings that differ too much |
//! | `snippet/` | with code: compile it, run it, report its time |

mod command;
mod construct_table;
mod constructs;
mod options;
mod progress;
#[cfg(unix)]
mod snippet;
mod variation;

pub(crate) use command::run;
pub(crate) use options::Options;
