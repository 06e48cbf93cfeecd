//! `horsepower timeit`: how long Rust code takes.
//!
//! | file | what it owns |
//! |---|---|
//! | `command` | the subcommand from beginning to end |
//! | `options` | its flags: help, parsing, test |
//! | `constructs` | the notebook's eight constructs in Rust, and what the notebook printed |
//! | `comparison` | their table and their JSON object |
//! | `snippet/` | code from the command line: compiled, run, reported |

mod command;
mod comparison;
mod constructs;
mod options;
#[cfg(unix)]
mod snippet;

pub(crate) use command::run;
pub(crate) use options::Options;
