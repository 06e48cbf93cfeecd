//! `horsepower timeit` from start to end: measures the user's code, or the built-in constructs if there
//! is no code.

use super::construct_table;
use super::options::Options;
use std::process::ExitCode;

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    if options.code.is_empty() {
        return construct_table::run(options);
    }
    #[cfg(unix)]
    return super::snippet::run(options);
    #[cfg(not(unix))]
    anyhow::bail!(
        "cannot time CODE: this requires Unix; without CODE, `horsepower timeit` measures eight \
         built-in constructs"
    );
}
