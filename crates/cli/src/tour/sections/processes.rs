//! The section `processes`: run a function in its own process.

use std::io::Write;

pub(crate) const TEXT: &str = "
`Process` runs a function in another process and returns its result. `join`
waits for the process to end, `terminate` sends SIGTERM, `kill` sends SIGKILL.
As in Python, the exit code of a process killed by a signal is negative: -15
for SIGTERM. A crash in the other process does not affect this one.";

// tour:begin
use horsepower::Process;

fn delivery(to: String) -> String {
    format!("delivered to {to} by process {}", std::process::id())
}

fn overwork(seconds: u64) {
    std::thread::sleep(std::time::Duration::from_secs(seconds));
}
// tour:end

pub(crate) fn run(out: &mut dyn Write) -> anyhow::Result<()> {
    // tour:begin
    let p = Process::spawn(delivery, "table 25".to_owned())?;
    writeln!(out, "{}, exit code {:?}", p.get()?, p.exit_code())?;

    let p = Process::spawn(overwork, 3600)?;
    writeln!(out, "alive: {}", p.is_alive())?;
    p.terminate()?;
    let error = p.join().expect_err("the process was terminated");
    writeln!(out, "exit code {:?}: {error}", p.exit_code())?;
    // tour:end
    Ok(())
}
