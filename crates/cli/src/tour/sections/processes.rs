//! A function in a process of its own.

use std::io::Write;

pub(crate) const TEXT: &str = "
`Process` runs a function in another process and brings its result back.
`join` waits for the end, `terminate` asks for it, `kill` does not ask. The
exit code is Python's: -15 after `terminate`, which is SIGTERM. Whatever
happens over there, this process goes on.";

// tour:begin
use horsepower::prelude::*;

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
    writeln!(out, "{}, exit code {:?}", p.join()?, p.exit_code())?;

    let p = Process::spawn(overwork, 3600)?;
    writeln!(out, "alive: {}", p.is_alive())?;
    p.terminate()?;
    let error = p.join().expect_err("it had an hour to go");
    writeln!(out, "exit code {:?}: {error}", p.exit_code())?;
    // tour:end
    Ok(())
}
