//! [`Report`]: prints the measurements of a snippet as JSON, or in the format of Python's `timeit`.

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

    /// Prints the result, and a warning on standard error if it is unreliable.
    pub(super) fn finish(
        &self,
        setup: &str,
        statement: &str,
        measurement: &Measurement,
    ) -> anyhow::Result<()> {
        if self.options.json {
            let edition = &self.options.edition;
            let clock = if self.options.process { "process" } else { "wall" };
            let object = Object { statement, setup, edition, clock, measurement };
            print(&serde_json::to_string(&object)?)?;
        } else {
            self.print_text(measurement)?;
        }
        self.warn_if_unreliable(measurement);
        Ok(())
    }

    fn is_verbose(&self) -> bool {
        self.options.verbose > 0 && !self.options.json
    }

    fn print_text(&self, measurement: &Measurement) -> anyhow::Result<()> {
        let format = self.options.format();
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
            print("")?;
        }
        print(&measurement.line(format))
    }

    fn warn_if_unreliable(&self, measurement: &Measurement) {
        if measurement.is_unreliable() {
            let format = self.options.format();
            say(format_args!(
                "horsepower: the results are likely unreliable: the worst time ({}) is at least \
                 four times the best time ({})",
                format.time(measurement.worst()),
                format.time(measurement.best()),
            ));
        }
    }
}

fn print(line: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")
        .and_then(|()| output.flush())
        .context("cannot write to standard output")
}
