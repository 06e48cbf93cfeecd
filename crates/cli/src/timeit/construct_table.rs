//! Measures the constructs in Rust and prints them next to their times in Python, as a table or as JSON.

use super::constructs::{CONSTRUCTS, Construct, Settings};
use super::options::Options;
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
    let row = |construct: &Construct| Row {
        name: construct.name,
        rust: construct.code,
        measurement: (construct.measure)(&settings),
        notebook_python_usec_per_loop: construct.python_usec,
    };
    let rows: Vec<Row> = CONSTRUCTS.iter().map(row).collect();
    let text = if options.json { json(&rows)? } else { table(&rows, options.repeat) };
    let mut output = io::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .context("cannot write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

/// Times from a debug build are not representative.
const OPTIMISED: bool = !cfg!(debug_assertions);

fn json(rows: &[Row]) -> serde_json::Result<String> {
    let about_python = ABOUT_PYTHON.replace('\n', " ");
    let object = Object { constructs: rows, about_python, optimised: OPTIMISED };
    Ok(serde_json::to_string(&object)? + "\n")
}

fn table(rows: &[Row], repeat: usize) -> String {
    let mut table = Table::new([Align::Left, Align::Right, Align::Right, Align::Left]);
    table.row(["construct", "Rust (µs)", "Python (µs)", "Rust code"]);
    for row in rows {
        table.row([
            row.name.to_owned(),
            general(row.measurement.best() * 1e6, 3),
            general(row.notebook_python_usec_per_loop, 3),
            row.rust.to_owned(),
        ]);
    }
    let build =
        if OPTIMISED { "" } else { "\nThis is a debug build: its times are not representative." };
    format!(
        "{table}\nRust: microseconds per loop on this machine, best of {repeat}.{build}\n{ABOUT_PYTHON}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn rows() -> [Row; 1] {
        let measurement = Measurement::new(1000, [Duration::from_micros(471)]);
        let (name, rust) = ("list", "Vec::from_iter(0..100)");
        [Row { name, rust, measurement, notebook_python_usec_per_loop: 0.945_189 }]
    }

    #[test]
    fn the_table_names_the_source_of_the_times() {
        let table = table(&rows(), 5);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[0], "construct  Rust (µs)  Python (µs)  Rust code");
        assert_eq!(lines[1], "list           0.471        0.945  Vec::from_iter(0..100)");
        assert!(lines[3].starts_with("Rust: microseconds per loop on this machine, best of 5."));
        assert!(table.contains("measured on another\nmachine"));
        assert!(table.contains("labels them [ms] by mistake"));
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
