//! `horsepower primes` from start to end: reads the numbers, runs every executor on them, prints the
//! verdicts of the first run as they arrive, and compares the run times.

use super::comparison::compare;
use super::error_log::ErrorLog;
use super::json::Json;
use super::numbers;
use super::options::Options;
use super::printer::Printer;
use super::report::Report;
use super::run::{self, Run};
use super::text::Text;
use super::verdicts::Verdicts;
use super::verifier::Verifier;
use crate::exit::{MISUSE, say};
use std::io::{self, BufWriter};
use std::process::ExitCode;

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut errors = ErrorLog::new(options.json);
    let numbers = match numbers::load(options, |file, bad| errors.bad_line(file, bad)) {
        Ok(numbers) => numbers,
        Err(error) => {
            say(format_args!("horsepower: {error:#}"));
            return Ok(ExitCode::from(MISUSE));
        }
    };
    let verdicts = Verdicts::new(numbers.len());
    let mut printer = Printer::new(&numbers, &verdicts, report(options.json));
    let mut runs = Vec::new();
    for kind in options.executor.iter() {
        let reference = runs.first().map(|run: &Run| run.executor);
        let mut verifier = Verifier::new(&numbers, &verdicts, kind, reference);
        let outcome = printer.print_during(kind.name(), || {
            let run = run::execute(kind, options, &numbers, |result| verifier.record(result))?;
            Ok::<_, horsepower::Error>((run, verifier.finish()))
        });
        match outcome {
            Ok((run, mismatches)) => {
                runs.push(run);
                mismatches.into_iter().for_each(|error| errors.add(error));
            }
            Err(error) => errors.failed(kind.to_string(), error.to_string()),
        }
    }
    printer.finish(&compare(&runs), errors.kept())?;
    Ok(errors.exit_code())
}

/// The output format, writing to standard output.
fn report(json: bool) -> Box<dyn Report> {
    let output = BufWriter::with_capacity(1 << 16, io::stdout());
    if json { Box::new(Json::new(output)) } else { Box::new(Text::new(output)) }
}
