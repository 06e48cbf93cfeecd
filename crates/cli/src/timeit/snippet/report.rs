//! [`Report`]: prints the measurements of a snippet as JSON, or in the format of Python's `timeit`.

use super::reports::Measured;
use super::source::Source;
use super::verdict;
use crate::exit::say;
use crate::timeit::options::Options;
use anyhow::Context;
use horsepower::timeit::{Measurement, general};
use serde::Serialize;
use std::io::{self, Write};
use std::time::Duration;

/// The JSON report.
#[derive(Serialize)]
struct Object<'a> {
    statement: &'a str,
    setup: &'a str,
    edition: &'a str,
    clock: &'static str,
    #[serde(flatten)]
    measurement: &'a Measurement,
    empty_loop_seconds: f64,
    warnings: &'a [String],
}

pub(super) struct Report<'a> {
    options: &'a Options,
    /// Whether a calibration run has been printed.
    calibrated: bool,
}

impl Report<'_> {
    pub(super) fn new(options: &Options) -> Report<'_> {
        Report { options, calibrated: false }
    }

    /// With `--verbose`: prints one run of the search for the number of loops.
    pub(super) fn calibration(&mut self, number: u64, total: Duration) -> anyhow::Result<()> {
        if !self.is_verbose() {
            return Ok(());
        }
        self.calibrated = true;
        let loops = if number == 1 { "loop" } else { "loops" };
        let seconds = general(total.as_secs_f64(), self.options.digits());
        print(&format!("{number} {loops} -> {seconds} secs"))
    }

    /// Prints the result, and warnings on standard error if it does not mean what it seems to.
    pub(super) fn finish(
        &self,
        source: &Source,
        measured: &Measured,
        does_nothing: Option<&str>,
    ) -> anyhow::Result<()> {
        let warnings = verdict::warnings(measured, does_nothing, self.options.format());
        if self.options.json {
            let Source { setup, statement } = source;
            let edition = &self.options.edition;
            let clock = if self.options.process { "process" } else { "wall" };
            let &Measured { ref measurement, empty_loop: empty_loop_seconds, .. } = measured;
            let warnings = &warnings;
            let object = Object {
                statement,
                setup,
                edition,
                clock,
                measurement,
                empty_loop_seconds,
                warnings,
            };
            print(&serde_json::to_string(&object)?)?;
        } else {
            self.print_text(measured)?;
        }
        for warning in warnings {
            say(format_args!("horsepower: {warning}"));
        }
        Ok(())
    }

    fn is_verbose(&self) -> bool {
        self.options.verbose > 0 && !self.options.json
    }

    fn print_text(&self, measured: &Measured) -> anyhow::Result<()> {
        let format = self.options.format();
        let measurement = &measured.measurement;
        if self.is_verbose() {
            if self.calibrated {
                print("")?;
            }
            let totals = measurement.totals().iter().map(Duration::as_secs_f64);
            let totals: Vec<_> = totals.map(|total| format.time(total)).collect();
            print(&format!("raw times: {}", totals.join(", ")))?;
            if let Some(overhead) = measurement.clock_overhead() {
                let overhead = format.time(overhead.as_secs_f64());
                print(&format!("clock overhead: {overhead} per raw time"))?;
            }
            print(&format!("empty loop: {} per loop", format.time(measured.empty_loop)))?;
            print("")?;
        }
        if measurement.totals().len() > 1 {
            print(&format!(
                "from {} to {}, median {} per loop",
                format.time(measurement.best()),
                format.time(measurement.worst()),
                format.time(measurement.median()),
            ))?;
        }
        print(&measurement.line(format))
    }
}

fn print(line: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")
        .and_then(|()| output.flush())
        .context("cannot write to standard output")
}
