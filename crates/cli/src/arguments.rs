//! The command line: one subcommand, whose options stand in its own file.

use crate::{info, primes, timeit, tour};
use clap::{Parser, Subcommand};

/// Use all the computing power that this machine has, and see what it was worth.
#[derive(Debug, Parser)]
#[command(name = "horsepower", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tell which numbers are prime: in line, on threads and in processes, and what each took
    Primes(primes::Options),
    /// Tell what this process is, and how many CPUs and how much memory it may use
    Info(info::Options),
    /// Tell how long Rust code takes, as `python -m timeit` does for Python
    Timeit(timeit::Options),
    /// Walk through what this library offers: explanation, code, and what it does on this machine
    Tour(tour::Options),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_sound() {
        Arguments::command().debug_assert();
    }
}
