//! `horsepower primes` from start to end: reads the numbers, runs every executor on them, prints the
//! verdicts of the first run as they arrive, and compares the run times.

use super::comparison::compare;
use super::error_log::ErrorLog;
use super::json::Json;
use super::numbers;
use super::options::Options;
use super::pipe::{self, Answered};
use super::printer::Printer;
use super::report::Report;
use super::run::{self, Run};
use super::text::Text;
use super::verdicts::Verdicts;
use super::verifier::Verifier;
use crate::exit::{MISUSE, say};
use horsepower::ExecutorKind;
use std::io::{self, BufWriter};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    if pipe::is_wanted(options) {
        return answer_a_pipe(options);
    }
    let mut errors = ErrorLog::new(options.json);
    let numbers = match numbers::load(options, |file, bad| errors.bad_line(file, bad)) {
        Ok(numbers) => numbers,
        Err(error) => {
            say(format_args!("horsepower: {error:#}"));
            return Ok(ExitCode::from(MISUSE));
        }
    };
    let verdicts = Verdicts::new(numbers.len());
    compare_all(options, &numbers, &verdicts, None, report(options.json), errors)
}

/// Numbers that come from standard input are answered first. Then they are known, and the executors are
/// compared as with any others.
fn answer_a_pipe(options: &Options) -> anyhow::Result<ExitCode> {
    let errors = Arc::new(Mutex::new(ErrorLog::new(options.json)));
    let mut report = report(options.json);
    let Answered { numbers, verdicts: answers, by } = pipe::answer(options, &errors, &mut *report)?;
    let errors = std::mem::replace(&mut *pipe::lock(&errors), ErrorLog::new(false));
    let Some(numbers) = numbers else {
        say("horsepower: too many numbers to compare the executors; save them to a file for that");
        report.finish(&[], errors.kept())?;
        return Ok(errors.exit_code());
    };
    let verdicts = Verdicts::new(numbers.len());
    for (index, prime) in answers.into_iter().enumerate() {
        prime.into_iter().for_each(|prime| verdicts.set(index, prime));
    }
    compare_all(options, &numbers, &verdicts, Some(by), report, errors)
}

/// Runs every executor on the numbers. If one has `answered` them, the verdicts are there and printed.
fn compare_all(
    options: &Options,
    numbers: &[u64],
    verdicts: &Verdicts,
    answered: Option<ExecutorKind>,
    report: Box<dyn Report>,
    mut errors: ErrorLog,
) -> anyhow::Result<ExitCode> {
    let mut printer = Printer::new(numbers, verdicts, report);
    if answered.is_some() {
        printer.all_are_printed();
    }
    let mut runs = Vec::new();
    for kind in options.executor.iter() {
        let reference = answered.or(runs.first().map(|run: &Run| run.executor));
        let mut verifier = Verifier::new(numbers, verdicts, kind, reference);
        let outcome = printer.print_during(kind.name(), || {
            let run = run::execute(kind, options, numbers, |result| verifier.record(result))?;
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
