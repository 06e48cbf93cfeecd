//! Measures the constructs in Rust and prints them next to their times in Python, as a table or as JSON.

use super::constructs::{CONSTRUCTS, Construct, Settings};
use super::options::Options;
use super::progress::Progress;
use super::variation;
use crate::exit::say;
use crate::table::{Align, Table};
use anyhow::Context;
use horsepower::timeit::{Measurement, general};
use serde::Serialize;
use std::io::{self, Write};
use std::process::ExitCode;

/// The source of the Python times.
const ABOUT_PYTHON: &str = "\
Python: times printed by the Python lecture notebook that this tool answers, measured on another
machine. The notebook labels them [ms] by mistake: they are seconds per million loops, which is
microseconds per loop. In its two comprehension rows, the notebook timed the two loops a second
time; the Rust column times comprehensions.";

#[derive(Serialize)]
struct Row {
    name: &'static str,
    rust: &'static str,
    #[serde(flatten)]
    measurement: Measurement,
    notebook_python_usec_per_loop: f64,
}

#[derive(Serialize)]
struct Object<'a> {
    constructs: &'a [Row],
    about_python: String,
    optimised: bool,
}

pub(super) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    if options.process && cfg!(not(unix)) {
        anyhow::bail!("cannot measure CPU time: --process requires Unix");
    }
    let settings =
        Settings { number: options.number, repeat: options.repeat, process: options.process };
    let progress = Progress::new(true);
    let row = |(index, construct): (usize, &Construct)| {
        progress.set(format!("timing {} ({} of {})", construct.name, index + 1, CONSTRUCTS.len()));
        Row {
            name: construct.name,
            rust: construct.code,
            measurement: (construct.measure)(&settings),
            notebook_python_usec_per_loop: construct.python_usec,
        }
    };
    let rows: Vec<Row> = CONSTRUCTS.iter().enumerate().map(row).collect();
    drop(progress);
    let text = if options.json { json(&rows)? } else { table(&rows, options.repeat) };
    let mut output = io::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .context("cannot write to standard output")?;
    if let Some(warning) = warning(&rows) {
        say(format_args!("horsepower: {warning}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Names the rows whose timings vary.
fn warning(rows: &[Row]) -> Option<String> {
    let varied = |row: &Row| Some((row.name, variation::percent(&row.measurement)?));
    let (names, percents): (Vec<_>, Vec<_>) = rows.iter().filter_map(varied).unzip();
    let percent = percents.into_iter().reduce(f64::max)?;
    let (names, causes) = (names.join(", "), variation::CAUSES);
    Some(format!(
        "the timings of {names} vary: the worst is up to {percent:.0} % above the best; {causes}"
    ))
}

/// Times from a debug build are not representative.
const OPTIMISED: bool = !cfg!(debug_assertions);

fn json(rows: &[Row]) -> serde_json::Result<String> {
    let about_python = ABOUT_PYTHON.replace('\n', " ");
    let object = Object { constructs: rows, about_python, optimised: OPTIMISED };
    Ok(serde_json::to_string(&object)? + "\n")
}

fn table(rows: &[Row], repeat: usize) -> String {
    let right = Align::Right;
    let mut table = Table::new([Align::Left, right, right, right, Align::Left]);
    table.row(["construct", "Rust (µs)", "worst", "Python (µs)", "Rust code"]);
    for row in rows {
        table.row([
            row.name.to_owned(),
            general(row.measurement.best() * 1e6, 3),
            general(row.measurement.worst() * 1e6, 3),
            general(row.notebook_python_usec_per_loop, 3),
            row.rust.to_owned(),
        ]);
    }
    let build =
        if OPTIMISED { "" } else { "\nThis is a debug build: its times are not representative." };
    format!(
        "{table}\nRust: microseconds per loop on this machine, best and worst of {repeat}.{build}\n{ABOUT_PYTHON}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn rows() -> [Row; 1] {
        let measurement = Measurement::new(1000, [471, 942].map(Duration::from_micros));
        let (name, rust) = ("list", "Vec::from_iter(0..100)");
        [Row { name, rust, measurement, notebook_python_usec_per_loop: 0.945_189 }]
    }

    #[test]
    fn the_table_names_the_source_of_the_times() {
        let table = table(&rows(), 5);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[0], "construct  Rust (µs)  worst  Python (µs)  Rust code");
        assert_eq!(lines[1], "list           0.471  0.942        0.945  Vec::from_iter(0..100)");
        assert!(
            lines[3]
                .starts_with("Rust: microseconds per loop on this machine, best and worst of 5.")
        );
        assert!(table.contains("measured on another\nmachine"));
        assert!(table.contains("labels them [ms] by mistake"));
    }

    #[test]
    fn rows_that_vary_are_named() {
        let warning = warning(&rows()).unwrap();
        assert!(warning.contains("the timings of list vary"), "{warning}");
        assert!(warning.contains("up to 100 % above"), "{warning}");
        let [mut row] = rows();
        row.measurement = Measurement::new(1, [100, 149].map(Duration::from_micros));
        assert_eq!(super::warning(&[row]), None);
    }

    #[test]
    fn the_object_has_the_documented_keys() {
        let object: serde_json::Value = serde_json::from_str(&json(&rows()).unwrap()).unwrap();
        let row = &object["constructs"][0];
        assert_eq!((&row["name"], &row["loops"]), (&"list".into(), &1000.into()));
        assert_eq!(row["notebook_python_usec_per_loop"], 0.945_189);
        assert_eq!(row["per_loop_seconds"]["best"], 0.000_000_471);
        assert!(object["about_python"].as_str().unwrap().contains("another machine"));
    }
}
