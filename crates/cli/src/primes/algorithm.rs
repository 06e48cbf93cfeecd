//! `is_prime`, twice: by trial division as in every first lecture, and by Miller and Rabin's test.

use clap::ValueEnum;

/// How to find out whether a number is prime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Algorithm {
    /// Divide by every odd number up to the square root: slow, as work to be shared should be
    #[default]
    Trial,
    /// The Miller-Rabin test with witnesses that leave no doubt below 2^64: some microseconds
    MillerRabin,
}

/// Trial division by odd numbers up to the square root. The root is exact, which a floating-point
/// one is not for large numbers.
pub(super) fn by_trial(n: u64) -> bool {
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

/// Miller and Rabin's test, without doubt for every `u64`.
///
/// `primal_check::miller_rabin` tries no random witnesses but a fixed set for each range of numbers:
/// those of Pomerance, Selfridge and Wagstaff, of Jaeschke, and from 3,825,123,056,546,413,051 on
/// the first twelve primes. By Sorenson and Webster ("Strong pseudoprimes to twelve prime bases",
/// 2015) no composite number below 318,665,857,834,031,151,167,461 passes for all of these, and
/// that is beyond 2^64. Its multiplications are of 128 bits, so nothing overflows.
pub(super) fn by_miller_rabin(n: u64) -> bool {
    primal_check::miller_rabin(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_numbers() {
        let primes: Vec<_> = (0..30).filter(|&n| by_trial(n)).collect();
        assert_eq!(primes, [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
    }

    #[test]
    fn both_agree() {
        for n in 0..20_000 {
            assert_eq!(by_trial(n), by_miller_rabin(n), "{n}");
        }
        // Squares of primes and their neighbours, where a root that is off by one shows.
        for prime in [65_521_u64, 94_906_249, 94_906_267] {
            let square = prime * prime;
            for n in [square - 2, square, square + 2] {
                assert_eq!(by_trial(n), by_miller_rabin(n), "{n}");
            }
        }
    }

    #[test]
    fn the_upper_end_of_the_range() {
        // The largest primes below 2^64 (https://t5k.org/lists/2small/0bit.html: 2^64 - k).
        for k in [59, 83, 95, 179, 189] {
            assert!(by_miller_rabin(0_u64.wrapping_sub(k)), "2^64 - {k}");
        }
        let below: Vec<u64> = (1..59).collect();
        assert!(!below.iter().any(|&k| by_miller_rabin(0_u64.wrapping_sub(k))));
        // The square of the largest prime below 2^32; its floating-point root is not exact.
        assert!(!by_miller_rabin(4_294_967_291 * 4_294_967_291));
    }

    #[test]
    fn numbers_that_fool_fewer_witnesses() {
        // The least composites that pass for the first 1, 2, … primes (https://oeis.org/A014233).
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
            assert!(!by_miller_rabin(n), "{n}");
        }
    }
}
