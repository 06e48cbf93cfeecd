//! Code from the command line, timed: written into a program, compiled, run, reported.
//!
//! | file | what it owns |
//! |---|---|
//! | `course` | the way of a snippet from its text to its report |
//! | `program` | the program that is written around the user's text |
//! | `compiler` | `rustc`: where it is, how it is called |
//! | `diagnostics` | what the compiler says, told about the user's own lines |
//! | `execution` | the compiled program while it runs, and what it reports |
//! | `child` | a child process that does not outlive this one's interest, and waiting for it |
//! | `signals` | Ctrl-C and its kind, noticed while waiting |
//! | `folder` | the temporary folder, and that it goes away |

mod child;
mod compiler;
mod course;
mod diagnostics;
mod execution;
mod folder;
mod program;
mod signals;

pub(super) use course::run;
