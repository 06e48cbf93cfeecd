//! The way of a snippet from its text to its report.

use super::compiler::{Compiled, Compiler};
use super::execution::{Ending, Executable};
use super::folder::Folder;
use super::program::Program;
use super::signals::{Interrupted, Signals};
use crate::exit::{FAILED, say};
use crate::timeit::Options;
use anyhow::Context;
use horsepower::timeit::{Measurement, general};
use serde::Serialize;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

/// The answer for programs.
#[derive(Serialize)]
struct Object<'a> {
    statement: &'a str,
    setup: &'a str,
    edition: &'a str,
    clock: &'static str,
    #[serde(flatten)]
    measurement: &'a Measurement,
}

pub(in crate::timeit) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let result = time(options);
    // By now everything temporary is gone.
    if let Err(error) = &result
        && let Some(interrupted) = error.downcast_ref::<Interrupted>()
    {
        interrupted.end();
    }
    result
}

fn time(options: &Options) -> anyhow::Result<ExitCode> {
    let (setup, statement) = (options.setup.join("\n"), options.code.join("\n"));
    let pipe = io::pipe().context("cannot make a pipe")?;
    let program = Program {
        setup: &setup,
        statement: &statement,
        edition: &options.edition,
        number: options.number,
        repeat: options.repeat,
        process: options.process,
        reports: pipe.1.as_raw_fd(),
    };
    // First the signals, then what they are to clean up.
    let mut signals = Signals::new().context("cannot listen to signals")?;
    let folder = Folder::new()?;
    let binary = match Compiler::find().compile(&program, &folder, &mut signals)? {
        Compiled::Program(binary) => binary,
        Compiled::Refused(message) => {
            say(message.trim_end());
            return Ok(ExitCode::from(FAILED));
        }
    };
    let executable = Executable::new(&binary, folder)?;
    let mut report = Report::new(options);
    let output = if options.json { Stdio::from(io::stderr()) } else { Stdio::inherit() };
    let ending =
        executable.run(output, pipe, &mut signals, |number, total| report.tried(number, total))?;
    drop((executable, signals));
    match ending {
        Ending::Measured(measurement) => {
            if options.json {
                let object = Object {
                    statement: &statement,
                    setup: &setup,
                    edition: &options.edition,
                    clock: if options.process { "process" } else { "wall" },
                    measurement: &measurement,
                };
                report.line(&serde_json::to_string(&object)?)?;
            } else {
                report.measured(&measurement)?;
            }
            report.warn(&measurement);
            return Ok(ExitCode::SUCCESS);
        }
        Ending::Panicked => {}
        Ending::Other(status) => {
            say(format_args!("horsepower: the code ended before it was timed ({status})"));
        }
    }
    Ok(ExitCode::from(FAILED))
}

/// What is printed, in the words of Python's `timeit`.
struct Report<'a> {
    options: &'a Options,
    tries: bool,
}

impl Report<'_> {
    fn new(options: &Options) -> Report<'_> {
        Report { options, tries: false }
    }

    fn is_verbose(&self) -> bool {
        self.options.verbose > 0 && !self.options.json
    }

    fn line(&self, line: &str) -> anyhow::Result<()> {
        let mut output = io::stdout().lock();
        writeln!(output, "{line}")
            .and_then(|()| output.flush())
            .context("cannot write to standard output")
    }

    fn tried(&mut self, number: u64, total: Duration) -> anyhow::Result<()> {
        if !self.is_verbose() {
            return Ok(());
        }
        self.tries = true;
        let loops = if number == 1 { "loop" } else { "loops" };
        let seconds = general(total.as_secs_f64(), self.options.digits());
        self.line(&format!("{number} {loops} -> {seconds} secs"))
    }

    fn measured(&self, measurement: &Measurement) -> anyhow::Result<()> {
        let format = self.options.format();
        if self.is_verbose() {
            if self.tries {
                self.line("")?;
            }
            let totals = measurement.totals().iter().map(Duration::as_secs_f64);
            let totals: Vec<_> = totals.map(|total| format.time(total)).collect();
            self.line(&format!("raw times: {}", totals.join(", ")))?;
            if let Some(overhead) = measurement.clock_overhead() {
                let overhead = format.time(overhead.as_secs_f64());
                self.line(&format!("clock: {overhead} of each raw time"))?;
            }
            self.line("")?;
        }
        self.line(&measurement.line(format))
    }

    fn warn(&self, measurement: &Measurement) {
        if measurement.is_unreliable() {
            let format = self.options.format();
            say(format_args!(
                "horsepower: the result is likely unreliable: the worst time ({}) is at least four \
                 times the best ({})",
                format.time(measurement.worst()),
                format.time(measurement.best()),
            ));
        }
    }
}
