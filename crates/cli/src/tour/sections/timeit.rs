//! How long does it take?

use std::io::Write;

pub(crate) const TEXT: &str = "
`Timer` runs a statement many times between two looks at the clock, as
Python's `timeit` does. The best of some timings says most. `black_box` hides
a value from the compiler, which would otherwise compute with it beforehand.";

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
