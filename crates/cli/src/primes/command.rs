//! `horsepower primes` from beginning to end: read the numbers, race every executor over them, show
//! the verdicts of the first race while it runs, compare.

use super::board::Board;
use super::comparison::compare;
use super::complaints::Complaints;
use super::display::Display;
use super::race::Race;
use super::referee::Referee;
use super::{Options, numbers, race, report};
use crate::exit::{MISUSE, say};
use std::process::ExitCode;

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut complaints = Complaints::new(options.json);
    let numbers = match numbers::gather(options, |file, bad| complaints.line(file, bad)) {
        Ok(numbers) => numbers,
        Err(error) => {
            say(format_args!("horsepower: {error:#}"));
            return Ok(ExitCode::from(MISUSE));
        }
    };
    let board = Board::new(numbers.len());
    let mut display = Display::new(&numbers, &board, report::to_stdout(options.json));
    let mut races = Vec::new();
    for kind in options.executor.iter() {
        let first = races.first().map(|race: &Race| race.executor);
        let mut referee = Referee::new(&numbers, &board, kind, first);
        let outcome = display.during(kind.name(), || {
            let race = race::run(kind, options, &numbers, |result| referee.see(result))?;
            Ok::<_, horsepower::Error>((race, referee.end()))
        });
        match outcome {
            Ok((race, findings)) => {
                races.push(race);
                for finding in findings {
                    complaints.about(finding.about, finding.message);
                }
            }
            Err(error) => complaints.about(kind.to_string(), error.to_string()),
        }
    }
    display.finish(&compare(&races), complaints.kept())?;
    Ok(complaints.exit_code())
}
