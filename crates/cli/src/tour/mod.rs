//! `horsepower tour`: the guide of the library as a live demonstration. Each section prints an
//! explanation and its own source code, runs that code, and prints the output.
//!
//! | file | what it owns |
//! |---|---|
//! | `command` | the subcommand from start to end |
//! | `options` | the arguments: help, parsing, test |
//! | `section` | [`section::Section`]: names, titles and order |
//! | `sections/` | one file per section: its text and its code |
//! | `snippet` | extracts the code to show from a source file |
//! | `writer` | formats headings, text and code |

mod command;
mod options;
mod section;
mod sections;
mod snippet;
mod writer;

pub(crate) use command::run;
pub(crate) use options::Options;
