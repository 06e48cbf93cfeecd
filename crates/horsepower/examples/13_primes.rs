//! Row 13 of the notebook (a Python lecture notebook on computing power, see `horsepower::guide`),
//! cells 14 to 16 (`zip(PRIMES, executor.map(is_prime, PRIMES))`): which of six numbers are prime,
//! computed in processes. (Linux.)
//!
//! The notebook computes the square root in floating point, which is wrong for some large squares;
//! `isqrt` is exact. (`horsepower primes` does the same for any numbers, on any executor.)

#![allow(clippy::print_stdout)]

use horsepower::prelude::*;

const PRIMES: [u64; 6] = [
    112272535095293,
    112582705942171,
    112272535095293,
    115280095190773,
    115797848077099,
    1099726899285419,
];

fn is_prime(n: u64) -> bool {
    if n < 2 {
        return false;
    }
    if n == 2 {
        return true;
    }
    if n.is_multiple_of(2) {
        return false;
    }
    (3..=n.isqrt()).step_by(2).all(|i| !n.is_multiple_of(i))
}

fn main() -> Result<(), horsepower::Error> {
    horsepower::init();
    let executor = ProcessPoolExecutor::new()?;
    for (number, prime) in PRIMES.iter().zip(executor.map(is_prime, PRIMES)) {
        println!("{number} is prime: {}", prime?);
    }
    Ok(())
}
