//! How the command ends: exit codes, and what is said on standard error before.
//!
//! 0: everything was done. 1: something could not be done, the rest was. 2: the command was not used
//! as it is meant to be (as clap has it).

use clap::error::ErrorKind;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// Something failed.
pub(crate) const FAILED: u8 = 1;
/// The options make no sense.
pub(crate) const MISUSE: u8 = 2;

/// Says something on standard error. That nobody may be reading there is no reason to stop.
pub(crate) fn say(what: impl Display) {
    let _ = writeln!(io::stderr(), "{what}");
}

/// The end when the command line asks for help, or makes no sense: then the last line is the one with
/// which Python's `timeit` ends.
pub(crate) fn without_arguments(error: &clap::Error) -> ExitCode {
    // As everywhere: that nobody may be reading is no reason to stop.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    if error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        say("use -h/--help for command line help");
    }
    ExitCode::from(MISUSE)
}

/// The end that an error leads to. A reader who has gone away has seen enough: that is no failure.
pub(crate) fn with(error: &anyhow::Error) -> ExitCode {
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
    fn a_closed_pipe_is_known_below_its_context() {
        let fail = |kind| anyhow::Error::from(io::Error::from(kind)).context("cannot write");
        assert!(is_closed_pipe(&fail(io::ErrorKind::BrokenPipe)));
        assert!(!is_closed_pipe(&fail(io::ErrorKind::StorageFull)));
    }
}
