//! The section `threads`: run a function on a thread, and stop it.

use std::io::Write;

pub(crate) const TEXT: &str = "
`Thread` runs a function on a thread with a name and a state. A thread cannot
be killed, so the function checks its stop token. `StopToken::sleep` returns as
soon as `stop` is called. A worker that calls Python's `sleep(3)` would sleep
for the full three seconds first.";

// tour:begin
use horsepower::{StopToken, Thread};
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
    let t = Thread::builder().name("Overwork").build_call(worker, ("Overwork", 3));
    writeln!(out, "{} is {}", t.name(), t.state())?;
    t.start()?;
    writeln!(out, "{} is {}", t.name(), t.state())?;
    t.stop();
    writeln!(out, "{}", t.get()?)?;
    writeln!(out, "{} is {}, worker is gone.", t.name(), t.state())?;
    // tour:end
    Ok(())
}
