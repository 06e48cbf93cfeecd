//! Runs the built program for the tests. A watchdog turns a hang into a failed test.
//!
//! | file | what it owns |
//! |---|---|
//! | `start` | starting the program, with or without input |
//! | `outcome` | the exit code and the output of a finished program |
//! | `watchdog` | killing a program that hangs |
//! | `processes` | finding processes by their command line |
//! | `terminal` | a pseudo-terminal |
//! | `timeit` | starting `horsepower timeit`, with its own directory or compiler |

// Each test file uses only some of these.
#![allow(dead_code, unused_imports)]

mod outcome;
mod processes;
mod start;
mod terminal;
mod timeit;
mod watchdog;

pub(crate) use outcome::{Outcome, finish};
pub(crate) use processes::{await_no_process_with, processes_with};
pub(crate) use start::{default_interrupts, horsepower, run, run_with_input, spawn, wait};
pub(crate) use terminal::terminal;
pub(crate) use timeit::{assert_empty, compiler, run_timeit, timeit, until};
pub(crate) use watchdog::watched;
