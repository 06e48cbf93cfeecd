//! Row 14 of the notebook (a Python lecture notebook on computing power, see `horsepower::guide`),
//! cells 17 and 18: the same work in parallel and one after the other, timed. Here it runs on every
//! executor, and each is compared to the serial run: time, speed-up, and efficiency. (Linux.)
//!
//! As in the notebook, the times include starting and stopping the workers.

#![allow(clippy::print_stdout)]

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
    n == 2
        || n > 2 && !n.is_multiple_of(2) && (3..=n.isqrt()).step_by(2).all(|i| !n.is_multiple_of(i))
}

fn main() -> Result<(), horsepower::Error> {
    horsepower::init();
    let mut serial = None;
    println!("executor   workers  seconds  speed-up  efficiency");
    for &kind in ExecutorKind::ALL {
        let start = Instant::now();
        let executor = AnyExecutor::new(kind)?;
        let workers = executor.workers();
        let verdicts: Vec<bool> = executor.map(is_prime, PRIMES).collect::<Result<_, _>>()?;
        drop(executor); // the end of a `with`
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(verdicts, [true, true, true, true, true, false]);

        let speedup = *serial.get_or_insert(seconds) / seconds;
        let efficiency = 100.0 * speedup / workers as f64;
        println!("{kind:<9}  {workers:>7}  {seconds:>7.3}  {speedup:>8.2}  {efficiency:>9.0}%");
    }
    Ok(())
}
