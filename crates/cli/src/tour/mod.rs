//! `horsepower tour`: the guide of the library, live: each section explains, shows its code, runs that
//! very code, and prints what came out.
//!
//! | file | what it owns |
//! |---|---|
//! | `command` | the subcommand from beginning to end |
//! | `options` | its arguments: help, parsing, test |
//! | `section` | [`section::Section`]: the names, the texts, the order |
//! | `sections/` | one file a section: the code that is shown and run |
//! | `snippet` | the part of a file that is shown |
//! | `stage` | how headings, text and code are written |

mod command;
mod options;
mod section;
mod sections;
mod snippet;
mod stage;

pub(crate) use command::run;
pub(crate) use options::Options;
