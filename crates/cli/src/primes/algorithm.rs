//! The two primality tests: trial division and Miller-Rabin.

use clap::ValueEnum;

/// A primality test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Algorithm {
    /// Trial division by odd numbers up to the square root: slow, so there is work to distribute
    #[default]
    Trial,
    /// Deterministic Miller-Rabin test, exact for all numbers below 2^64: microseconds per number
    MillerRabin,
}

/// Trial division by odd numbers up to the square root. Uses the integer square root, because the
/// floating-point one is inexact for large numbers.
pub(super) fn trial_division(n: u64) -> bool {
    if n < 2 {
        return false;
    }
    if n.is_multiple_of(2) {
        return n == 2;
    }
    let root = n.isqrt();
    let mut divisor = 3;
    while divisor <= root {
        if n.is_multiple_of(divisor) {
            return false;
        }
        divisor += 2;
    }
    true
}

/// The deterministic Miller-Rabin test, exact for every `u64`.
///
/// `primal_check::miller_rabin` uses a fixed set of witnesses for each range of numbers instead of
/// random ones: the sets of Pomerance, Selfridge and Wagstaff, and of Jaeschke; from
/// 3,825,123,056,546,413,051 on, the first twelve primes. Sorenson and Webster ("Strong pseudoprimes
/// to twelve prime bases", 2015) prove that no composite below 318,665,857,834,031,151,167,461 passes
/// the test for all twelve, and that bound is above 2^64. The multiplications use 128 bits, so they
/// cannot overflow.
pub(super) fn miller_rabin(n: u64) -> bool {
    primal_check::miller_rabin(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primes_below_30() {
        let primes: Vec<_> = (0..30).filter(|&n| trial_division(n)).collect();
        assert_eq!(primes, [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
    }

    #[test]
    fn both_tests_agree() {
        for n in 0..20_000 {
            assert_eq!(trial_division(n), miller_rabin(n), "{n}");
        }
        // Squares of primes and their neighbours reveal a square root that is off by one.
        for prime in [65_521_u64, 94_906_249, 94_906_267] {
            let square = prime * prime;
            for n in [square - 2, square, square + 2] {
                assert_eq!(trial_division(n), miller_rabin(n), "{n}");
            }
        }
    }

    #[test]
    fn the_upper_end_of_the_range() {
        // The largest primes below 2^64 (https://t5k.org/lists/2small/0bit.html: 2^64 - k).
        for k in [59, 83, 95, 179, 189] {
            assert!(miller_rabin(0_u64.wrapping_sub(k)), "2^64 - {k}");
        }
        let below: Vec<u64> = (1..59).collect();
        assert!(!below.iter().any(|&k| miller_rabin(0_u64.wrapping_sub(k))));
        // The square of the largest prime below 2^32: its floating-point square root is inexact.
        assert!(!miller_rabin(4_294_967_291 * 4_294_967_291));
    }

    #[test]
    fn strong_pseudoprimes_to_fewer_witnesses() {
        // The smallest composites that pass for the first 1, 2, … primes (https://oeis.org/A014233).
        for n in [
            2_047,
            1_373_653,
            25_326_001,
            3_215_031_751,
            2_152_302_898_747,
            3_474_749_660_383,
            341_550_071_728_321,
            3_825_123_056_546_413_051,
        ] {
            assert!(!miller_rabin(n), "{n}");
        }
    }
}
