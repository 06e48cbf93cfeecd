//! The section `timeit`: measure how long code takes.

use std::io::Write;

pub(crate) const TEXT: &str = "
Like Python's `timeit`, `Timer` runs a statement many times between two reads
of the clock. The best of several timings is the least disturbed one.
`black_box` hides a value from the compiler, so that it cannot compute the
result at compile time.";

pub(crate) fn run(out: &mut dyn Write) -> anyhow::Result<()> {
    // tour:begin
    use horsepower::timeit::Timer;
    use std::{collections::HashSet, hint::black_box};

    let mut set = Timer::new(|| (0..black_box(100)).collect::<HashSet<i32>>());
    let mut list = Timer::new(|| (0..black_box(100)).collect::<Vec<i32>>());
    writeln!(out, "set:  {}", set.measure_loops(5, 5_000))?;
    writeln!(out, "list: {}", list.measure_loops(5, 5_000))?;
    // tour:end
    Ok(())
}
