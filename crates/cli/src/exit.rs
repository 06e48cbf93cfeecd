//! Exit codes and error messages.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | success |
//! | 1 | something failed |
//! | 2 | wrong usage, as in clap |

use clap::error::ErrorKind;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// Something failed; other parts of the work may have succeeded.
pub(crate) const FAILED: u8 = 1;
/// The arguments are invalid.
pub(crate) const MISUSE: u8 = 2;

/// Prints a message to standard error. Ignores a closed standard error.
pub(crate) fn say(message: impl Display) {
    let _ = writeln!(io::stderr(), "{message}");
}

/// Prints the help, or an error in the command line, and returns the exit code. The error ends with the
/// line that Python's `timeit` ends with.
pub(crate) fn on_usage_error(error: &clap::Error) -> ExitCode {
    // Ignore a closed standard error, as in `say`.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    if error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        say("use -h/--help for command line help");
    }
    ExitCode::from(MISUSE)
}

/// Prints an error and returns the exit code. A closed pipe is a success without a message: the reader
/// has what it wanted.
pub(crate) fn on_error(error: &anyhow::Error) -> ExitCode {
    if is_closed_pipe(error) {
        return ExitCode::SUCCESS;
    }
    say(format_args!("horsepower: {error:#}"));
    ExitCode::from(FAILED)
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_found_below_its_context() {
        let fail = |kind| anyhow::Error::from(io::Error::from(kind)).context("cannot write");
        assert!(is_closed_pipe(&fail(io::ErrorKind::BrokenPipe)));
        assert!(!is_closed_pipe(&fail(io::ErrorKind::StorageFull)));
    }
}
