//! What is written to standard error, and what is in backtraces. The tests run programs whose environment
//! and standard error they control.

#![allow(clippy::print_stdout)] // a role speaks by it

use horsepower::prelude::*;
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::guarded;
use horsepower_conformance::place::Place;
use horsepower_conformance::subprocess::{another, role};

fn refuse(n: u64) -> u64 {
    assert!(n != 3, "three is refused");
    n
}

fn executor(place: &str) -> AnyExecutor {
    Place::named(place).unwrap().executor(1).unwrap()
}

/// FU-10: the panic of a callback is reported on standard error with the task, the location and the
/// message; the program goes on and succeeds.
#[test]
fn fu_10_a_callback_s_panic_is_told() {
    const NAME: &str = "fu_10_a_callback_s_panic_is_told";
    horsepower::init();
    if let Some(place) = role() {
        let executor = executor(&place);
        let mut gate = Gate::new();
        if place == "inline" {
            gate.open();
        }
        let future = executor.submit(pass, gate.path());
        future.add_done_callback(|_| panic!("on purpose"));
        gate.open();
        future.get().unwrap();
        future.add_done_callback(|_| panic!("late"));
        return;
    }
    guarded(NAME, || {
        for place in Place::ALL {
            let output = another(NAME, place.name()).output().unwrap();
            let told = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.success(), "{told}");
            for message in ["on purpose", "late"] {
                let line = told.lines().find(|line| line.ends_with(message));
                let line = line.unwrap_or_else(|| panic!("{place}: {told}"));
                let start =
                    "a done-callback of task horsepower_conformance::gate::pass panicked at ";
                assert!(line.starts_with(start) && line.contains("reports.rs:"), "{place}: {line}");
            }
        }
    });
}

/// FU-13: with `RUST_BACKTRACE` an error has the backtrace of the panic, which names the function,
/// wherever it ran; without, there is none.
#[test]
fn fu_13_backtraces() {
    const NAME: &str = "fu_13_backtraces";
    horsepower::init();
    if let Some(place) = role() {
        let error = executor(&place).submit(refuse, 3).result().unwrap_err();
        let backtrace = error.panic_backtrace();
        println!("\nbacktrace {:?}", backtrace.map(|text| text.contains("reports::refuse")));
        return;
    }
    guarded(NAME, || {
        for place in Place::ALL {
            for (wanted, expected) in [("1", "backtrace Some(true)"), ("0", "backtrace None")] {
                let mut command = another(NAME, place.name());
                let output = command.env("RUST_BACKTRACE", wanted).output().unwrap();
                let said = String::from_utf8(output.stdout).unwrap();
                assert!(said.lines().any(|line| line == expected), "{place}: {said}");
            }
        }
    });
}
