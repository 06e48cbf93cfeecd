//! The section `sequential`: run tasks one after another, the baseline.

use std::io::Write;

pub(crate) const TEXT: &str = "
`InlineExecutor` runs each task in `submit`, on the calling thread. It has the
same interface as the pools, so it is the baseline for their speed-up. The
tasks come from the Python lecture notebook that this tour follows.";

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
    writeln!(out, "done after submit: {}", work1.is_done() && work2.is_done())?;
    writeln!(out, "{}", work1.result()?)?;
    writeln!(out, "{}", work2.result()?)?;
    // tour:end
    Ok(())
}
