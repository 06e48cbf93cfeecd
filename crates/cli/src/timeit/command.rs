//! `horsepower timeit` from beginning to end: the table of constructs, or the user's own code.

use super::{Options, comparison};
use std::process::ExitCode;

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    if options.code.is_empty() {
        return comparison::run(options);
    }
    #[cfg(unix)]
    return super::snippet::run(options);
    #[cfg(not(unix))]
    anyhow::bail!("code can be timed on Unix systems only; without code there is a table");
}
