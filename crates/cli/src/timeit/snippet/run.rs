//! The steps of a snippet, in the measuring process: generate a program, compile it, run it, report the
//! measurements.

use super::build_dir::BuildDir;
use super::compiler::{Compilation, Compiler};
use super::executable::{Executable, Outcome};
use super::orphans::Orphans;
use super::program::Program;
use super::report::Report;
use super::signals::{Interrupted, Signals};
use super::supervisor;
use crate::exit::{FAILED, say};
use crate::timeit::options::Options;
use anyhow::Context;
use std::io;
use std::os::fd::AsRawFd;
use std::process::{ExitCode, Stdio};

/// Runs the measuring process if the supervisor has given it a directory, else the supervisor.
pub(in crate::timeit) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let Some(build_dir) = &options.supervised_in else { return supervisor::run() };
    match time(options, BuildDir::of_supervisor(build_dir)) {
        // All processes and temporary files are gone by now.
        Err(error) if error.is::<Interrupted>() => {
            error.downcast::<Interrupted>()?.exit();
            Ok(ExitCode::from(FAILED))
        }
        result => result,
    }
}

fn time(options: &Options, build_dir: BuildDir) -> anyhow::Result<ExitCode> {
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
    let lifeline = Some(io::stdin());
    let mut signals = Signals::new(lifeline).context("cannot install signal handlers")?;
    let orphans = Orphans::adopt().context("cannot adopt the processes of the code")?;
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
    drop((executable, orphans, signals));
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
