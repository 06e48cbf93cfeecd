//! One thing after the other: the baseline.

use std::io::Write;

pub(crate) const TEXT: &str = "
Before anything runs side by side: a delivery, then the dishes are fetched.
The in-line executor runs each task where it is submitted. It has the
interface of the pools, so it is what they are measured against.";

// tour:begin
use horsepower::prelude::*;

fn delivery(_: ()) -> String {
    "delivery".to_owned()
}

fn retrive_dish(_: ()) -> String {
    "Retriving Dish".to_owned()
}
// tour:end

pub(crate) fn run(out: &mut dyn Write) -> anyhow::Result<()> {
    // tour:begin
    let executor = InlineExecutor::new();
    let work1 = executor.submit(delivery, ());
    let work2 = executor.submit(retrive_dish, ());
    writeln!(out, "done before anyone asks: {}", work1.is_done() && work2.is_done())?;
    writeln!(out, "{}", work1.result()?)?;
    writeln!(out, "{}", work2.result()?)?;
    // tour:end
    Ok(())
}
