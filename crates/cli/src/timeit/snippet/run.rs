//! The steps of a snippet, in the measuring process: generate a program, compile it, run it, report the
//! measurements.

use super::build_dir::BuildDir;
use super::compiler::{self, Compilation, Compiler};
use super::executable::{Executable, Outcome};
use super::orphans::Orphans;
use super::program::{LONG_ENOUGH, Program};
use super::report::Report;
use super::reports::Event;
use super::signals::{Interrupted, Signals};
use super::source::Source;
use super::supervisor;
use crate::exit::{FAILED, say};
use crate::timeit::options::Options;
use crate::timeit::progress::Progress;
use anyhow::Context;
use std::io;
use std::os::fd::AsRawFd;
use std::process::{ExitCode, Stdio};

/// Runs the measuring process if the supervisor has given it a directory, else the supervisor.
pub(in crate::timeit) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let Some(build_dir) = &options.supervised_in else { return supervisor::run() };
    match BuildDir::of_supervisor(build_dir).and_then(|build_dir| time(options, build_dir)) {
        // All processes and temporary files are gone by now.
        Err(error) if error.is::<Interrupted>() => {
            error.downcast::<Interrupted>()?.exit();
            Ok(ExitCode::from(FAILED))
        }
        result => result,
    }
}

fn time(options: &Options, build_dir: BuildDir) -> anyhow::Result<ExitCode> {
    // In another group, so that killing the supervisor's group leaves this process to clean up; and in
    // another session, so that the terminal does not stop a group in the background that writes. It
    // fails if a shell has made this process the leader of a group; then it needs no session.
    let _ = rustix::process::setsid();
    let source = Source { setup: options.setup.join("\n"), statement: options.code.join("\n") };
    if let Some(misplaced) = source.misplaced() {
        say(misplaced);
        return Ok(ExitCode::from(FAILED));
    }
    let pipe = io::pipe().context("cannot create a pipe")?;
    let program = Program {
        source: &source,
        edition: &options.edition,
        number: options.number,
        repeat: options.repeat,
        process: options.process,
        report_fd: pipe.1.as_raw_fd(),
    };
    let lifeline = Some(io::stdin());
    let mut signals = Signals::new(lifeline).context("cannot install signal handlers")?;
    let orphans = Orphans::adopt().context("cannot adopt the processes of the code")?;
    let mut report = Report::new(options);
    // With `--verbose`, what is printed tells the progress.
    let progress = Progress::new(options.verbose == 0);
    progress.set("compiling".to_owned());
    let mut compiler = Compiler {
        path: compiler::find(),
        build_dir: &build_dir,
        signals: &mut signals,
        progress: &progress,
    };
    let (binary, does_nothing) = match compiler.compile(&program)? {
        Compilation::Succeeded(binary, frame) => (binary, compiler.does_nothing(&program, frame)?),
        Compilation::Failed(messages) => {
            drop(progress);
            say(messages.trim_end());
            return Ok(ExitCode::from(FAILED));
        }
    };
    let executable = Executable::new(&binary, build_dir)?;
    let stdout = if options.json { Stdio::from(io::stderr()) } else { Stdio::inherit() };
    let timing = |timing: usize| format!("timing {timing} of {}", options.repeat);
    progress.set(if options.number == 0 { "searching".to_owned() } else { timing(1) });
    let outcome = executable.run(stdout, pipe, &mut signals, &progress, |event| match event {
        Event::Tried(number, total) => {
            let found = total >= LONG_ENOUGH;
            progress.set(if found { timing(1) } else { format!("more than {number} loops") });
            report.calibration(number, total)
        }
        Event::Timed(timings) => {
            progress.set(timing((timings + 1).min(options.repeat)));
            Ok(())
        }
    })?;
    drop((progress, executable, orphans, signals));
    match outcome {
        Outcome::Measured(measured) => {
            report.finish(&source, &measured, does_nothing.as_deref())?;
            return Ok(ExitCode::SUCCESS);
        }
        Outcome::Failed => {}
        Outcome::Exited(status) => {
            say(format_args!("horsepower: the code ended the process during timing ({status})"));
        }
    }
    Ok(ExitCode::from(FAILED))
}
