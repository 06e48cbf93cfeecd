//! The steps of a snippet: generate a program, compile it, run it, report the measurements.

use super::build_dir::BuildDir;
use super::compiler::{Compilation, Compiler};
use super::executable::{Executable, Outcome};
use super::program::Program;
use super::report::Report;
use super::signals::{Interrupted, Signals};
use crate::exit::{FAILED, say};
use crate::timeit::options::Options;
use anyhow::Context;
use std::io;
use std::os::fd::AsRawFd;
use std::process::{ExitCode, Stdio};

pub(in crate::timeit) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let result = time(options);
    // All temporary files are removed by now.
    if let Err(error) = &result
        && let Some(interrupted) = error.downcast_ref::<Interrupted>()
    {
        interrupted.exit();
    }
    result
}

fn time(options: &Options) -> anyhow::Result<ExitCode> {
    let (setup, statement) = (options.setup.join("\n"), options.code.join("\n"));
    let pipe = io::pipe().context("cannot create a pipe")?;
    let program = Program {
        setup: &setup,
        statement: &statement,
        edition: &options.edition,
        number: options.number,
        repeat: options.repeat,
        process: options.process,
        report_fd: pipe.1.as_raw_fd(),
    };
    // Catch signals before there is something to clean up.
    let mut signals = Signals::new().context("cannot install signal handlers")?;
    let build_dir = BuildDir::new()?;
    let binary = match Compiler::find().compile(&program, &build_dir, &mut signals)? {
        Compilation::Succeeded(binary) => binary,
        Compilation::Failed(messages) => {
            say(messages.trim_end());
            return Ok(ExitCode::from(FAILED));
        }
    };
    let executable = Executable::new(&binary, build_dir)?;
    let mut report = Report::new(options);
    let stdout = if options.json { Stdio::from(io::stderr()) } else { Stdio::inherit() };
    let outcome = executable
        .run(stdout, pipe, &mut signals, |number, total| report.calibration(number, total))?;
    drop((executable, signals));
    match outcome {
        Outcome::Measured(measurement) => {
            report.finish(&setup, &statement, &measurement)?;
            return Ok(ExitCode::SUCCESS);
        }
        // The panic hook of the program has printed the message.
        Outcome::Panicked => {}
        Outcome::Exited(status) => {
            say(format_args!("horsepower: the code ended the process during timing ({status})"));
        }
    }
    Ok(ExitCode::from(FAILED))
}
