//! The section `worth`: measure the speed-up.

use std::io::Write;

pub(crate) const TEXT: &str = "
Each executor tests six large numbers by trial division. The speed-up is the
inline time divided by the time of this executor. The efficiency is the
speed-up divided by the number of workers. The times include starting the
workers and shutting them down.";

// tour:begin
use horsepower::prelude::*;
use std::time::Instant;

const PRIMES: [u64; 6] = [
    112272535095293,
    112582705942171,
    112272535095293,
    115280095190773,
    115797848077099,
    1099726899285419,
];

fn is_prime(n: u64) -> bool {
    let odd = n > 2 && !n.is_multiple_of(2);
    n == 2 || odd && (3..=n.isqrt()).step_by(2).all(|i| !n.is_multiple_of(i))
}
// tour:end

pub(crate) fn run(out: &mut dyn Write) -> anyhow::Result<()> {
    // tour:begin
    let mut serial = None;
    for &kind in ExecutorKind::ALL {
        let start = Instant::now();
        let executor = AnyExecutor::new(kind)?;
        let workers = executor.workers();
        let verdicts: Vec<bool> = executor.map(is_prime, PRIMES).collect::<Result<_, _>>()?;
        drop(executor);
        let seconds = start.elapsed().as_secs_f64();
        let speedup = *serial.get_or_insert(seconds) / seconds;
        let efficiency = 100.0 * speedup / workers as f64;
        writeln!(out, "{kind}, {workers} workers: {verdicts:?}")?;
        writeln!(out, "  {seconds:.3} s, speed-up {speedup:.2}, efficiency {efficiency:.0}%")?;
    }
    // tour:end
    Ok(())
}
