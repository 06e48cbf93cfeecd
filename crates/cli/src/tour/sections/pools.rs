//! The section `pools`: run many tasks on a few workers.

use std::io::Write;

pub(crate) const TEXT: &str = "
A pool starts workers, distributes tasks to them, and shuts them down when it
is dropped. `submit` returns a future; `map` returns the results in input
order. Worker threads run in this process. Worker processes are separate: a
crash loses only the task that caused it.";

// tour:begin
use horsepower::prelude::*;

fn double(i: i32) -> (i32, u32) {
    std::thread::sleep(std::time::Duration::from_millis(50));
    (i * 2, std::process::id())
}
// tour:end

pub(crate) fn run(out: &mut dyn Write) -> anyhow::Result<()> {
    // tour:begin
    writeln!(out, "this is process {}", std::process::id())?;
    for &kind in ExecutorKind::ALL {
        let pool = AnyExecutor::with_workers(kind, 2)?;
        writeln!(out, "{kind}:")?;
        for (i, answer) in [1, 2, 3, 4, 5].iter().zip(pool.map(double, [1, 2, 3, 4, 5])) {
            let (doubled, pid) = answer?;
            writeln!(out, "  2 * {i} = {doubled}, from process {pid}")?;
        }
    }
    // tour:end
    Ok(())
}
