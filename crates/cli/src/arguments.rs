//! The command line: the list of subcommands. Each subcommand defines its own options.

use crate::{info, primes, timeit, tour};
use clap::{Parser, Subcommand};

/// Run work on all CPUs and measure the speed-up.
#[derive(Debug, Parser)]
#[command(name = "horsepower", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Test numbers for primality inline, on threads and in processes, and compare the run times
    Primes(primes::Options),
    /// Print the ids of this process, and the CPUs and memory available to it
    Info(info::Options),
    /// Measure the run time of Rust code, like `python -m timeit`
    Timeit(timeit::Options),
    /// Explain the features of the library one by one, show their code, and run it
    Tour(tour::Options),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_valid() {
        Arguments::command().debug_assert();
    }
}
