//! A worker that runs beside, and stops when asked.

use std::io::Write;

pub(crate) const TEXT: &str = "
`Thread` runs a function with its arguments on a thread that has a name and a
state. Nothing ends a thread by force: the function looks at its stop token,
and sleeps by it. Python's worker would sleep out its three seconds; here
`stop` wakes it.";

// tour:begin
use horsepower::prelude::*;
use std::time::Duration;

fn worker((work, seconds): (&str, u64), stop: &StopToken) -> String {
    let mut done = 1;
    while stop.sleep(Duration::from_secs(seconds)) {
        done += 1;
    }
    format!("{work} {done} times, retired..")
}
// tour:end

pub(crate) fn run(out: &mut dyn Write) -> anyhow::Result<()> {
    // tour:begin
    let t = Thread::builder().name("Overwork").build_with(worker, ("Overwork", 3));
    writeln!(out, "{} is {}", t.name(), t.state())?;
    t.start()?;
    writeln!(out, "{} is {}", t.name(), t.state())?;
    t.stop();
    writeln!(out, "{}", t.join()?)?;
    writeln!(out, "{} is {}, worker is gone.", t.name(), t.state())?;
    // tour:end
    Ok(())
}
