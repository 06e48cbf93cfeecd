//! The command `horsepower`: what this process is, what computing power it has, and what it is worth
//! to use all of it.
//!
//! | file | what it owns |
//! |---|---|
//! | `arguments` | the subcommands |
//! | `primes/` | `horsepower primes` |
//! | `info` | `horsepower info` |
//! | `timeit/` | `horsepower timeit` |
//! | `tour/` | `horsepower tour` |
//! | `input` | numbers, from a file or a pipe |
//! | `table` | aligned columns |
//! | `exit` | exit codes, and what is said before them |

#![forbid(unsafe_code)]

mod arguments;
mod exit;
mod info;
mod input;
mod primes;
mod table;
mod timeit;
mod tour;

use arguments::{Arguments, Command};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    horsepower::init();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return exit::without_arguments(&error),
    };
    let result = match arguments.command {
        Command::Primes(options) => primes::run(&options),
        Command::Info(options) => info::run(&options),
        Command::Timeit(options) => timeit::run(&options),
        Command::Tour(options) => tour::run(&options),
    };
    result.unwrap_or_else(|error| exit::with(&error))
}
