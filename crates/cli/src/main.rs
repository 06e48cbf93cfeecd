//! The command `horsepower`: runs work on all CPUs and measures the speed-up.
//!
//! | file | what it owns |
//! |---|---|
//! | `arguments` | the list of subcommands |
//! | `primes/` | `horsepower primes` |
//! | `info` | `horsepower info` |
//! | `timeit/` | `horsepower timeit` |
//! | `tour/` | `horsepower tour` |
//! | `input` | reading numbers from a file or a pipe |
//! | `table` | text in aligned columns |
//! | `exit` | exit codes and error messages |

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
        Err(error) => return exit::on_usage_error(&error),
    };
    let result = match arguments.command {
        Command::Primes(options) => primes::run(&options),
        Command::Info(options) => info::run(&options),
        Command::Timeit(options) => timeit::run(&options),
        Command::Tour(options) => tour::run(&options),
    };
    result.unwrap_or_else(|error| exit::on_error(&error))
}
