//! How times are printed: digit for digit as Python's `timeit` does.

use std::fmt;
use std::str::FromStr;

/// A unit of time, with the name that Python's `timeit` uses.
///
/// ```
/// use horsepower::timeit::Unit;
///
/// assert_eq!("usec".parse(), Ok(Unit::Usec));
/// assert_eq!(Unit::Usec.to_string(), "usec");
/// assert!("weeks".parse::<Unit>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// Nanoseconds.
    Nsec,
    /// Microseconds.
    Usec,
    /// Milliseconds.
    Msec,
    /// Seconds.
    Sec,
}

impl Unit {
    /// All units, the smallest first.
    const ALL: [Unit; 4] = [Unit::Nsec, Unit::Usec, Unit::Msec, Unit::Sec];

    /// Its length in seconds.
    ///
    /// ```
    /// assert_eq!(horsepower::timeit::Unit::Msec.seconds(), 1e-3);
    /// ```
    #[must_use]
    pub fn seconds(self) -> f64 {
        match self {
            Unit::Nsec => 1e-9,
            Unit::Usec => 1e-6,
            Unit::Msec => 1e-3,
            Unit::Sec => 1.0,
        }
    }

    /// The largest unit that does not exceed a time in seconds; nanoseconds if all do.
    ///
    /// ```
    /// use horsepower::timeit::Unit;
    ///
    /// assert_eq!(Unit::of(0.0055), Unit::Msec);
    /// assert_eq!(Unit::of(1e-12), Unit::Nsec);
    /// ```
    #[must_use]
    pub fn of(seconds: f64) -> Unit {
        let not_above = |unit: &Unit| unit.seconds() <= seconds;
        let found = Unit::ALL.into_iter().rfind(not_above);
        found.unwrap_or(Unit::Nsec)
    }

    fn name(self) -> &'static str {
        match self {
            Unit::Nsec => "nsec",
            Unit::Usec => "usec",
            Unit::Msec => "msec",
            Unit::Sec => "sec",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Unit {
    type Err = UnknownUnit;

    fn from_str(name: &str) -> Result<Self, UnknownUnit> {
        let found = Unit::ALL.into_iter().find(|unit| unit.name() == name);
        found.ok_or(UnknownUnit(()))
    }
}

/// The error of parsing a name that no [`Unit`] has.
///
/// ```
/// use horsepower::timeit::Unit;
///
/// let error = "weeks".parse::<Unit>().unwrap_err();
/// assert_eq!(error.to_string(), "Unrecognized unit. Please select nsec, usec, msec, or sec.");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownUnit(());

impl fmt::Display for UnknownUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unrecognized unit. Please select nsec, usec, msec, or sec.")
    }
}

impl std::error::Error for UnknownUnit {}

/// How to print times: in which unit, and with how many significant digits.
///
/// The default is the largest unit that does not exceed the time, with three digits.
///
/// ```
/// use horsepower::timeit::{TimeFormat, Unit};
///
/// assert_eq!(TimeFormat::default().time(0.0055), "5.5 msec");
/// assert_eq!(TimeFormat::default().digits(5).time(0.123456789), "123.46 msec");
/// assert_eq!(TimeFormat::default().unit(Unit::Usec).time(0.003), "3e+03 usec");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeFormat {
    unit: Option<Unit>,
    digits: usize,
}

impl Default for TimeFormat {
    fn default() -> Self {
        TimeFormat { unit: None, digits: 3 }
    }
}

impl TimeFormat {
    /// Always this unit.
    ///
    /// ```
    /// use horsepower::timeit::{TimeFormat, Unit};
    ///
    /// assert_eq!(TimeFormat::default().unit(Unit::Sec).time(0.003), "0.003 sec");
    /// ```
    #[must_use]
    pub fn unit(self, unit: Unit) -> Self {
        TimeFormat { unit: Some(unit), ..self }
    }

    /// The number of significant digits, at least one.
    ///
    /// ```
    /// use horsepower::timeit::TimeFormat;
    ///
    /// assert_eq!(TimeFormat::default().digits(1).time(1.25), "1 sec");
    /// ```
    #[must_use]
    pub fn digits(self, digits: usize) -> Self {
        TimeFormat { digits, ..self }
    }

    /// A time in seconds, with its unit.
    ///
    /// ```
    /// assert_eq!(horsepower::timeit::TimeFormat::default().time(2.5e-6), "2.5 usec");
    /// ```
    #[must_use]
    pub fn time(&self, seconds: f64) -> String {
        let unit = self.unit.unwrap_or_else(|| Unit::of(seconds));
        let value = general(seconds / unit.seconds(), self.digits);
        format!("{value} {unit}")
    }
}

/// Formats a number with this many significant digits, at least one, as `%g` does in C and Python:
/// without trailing zeros, and with an exponent if that is below -4 or not below the number of
/// digits.
///
/// The rule is that of `fprintf` in the C standard (C11, 7.21.6.1).
///
/// ```
/// use horsepower::timeit::general;
///
/// assert_eq!(general(3000.0, 3), "3e+03");
/// assert_eq!(general(0.25, 3), "0.25");
/// ```
#[must_use]
pub fn general(value: f64, digits: usize) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let digits = digits.max(1);
    // The exponent is that of the rounded number: 999.9 with three digits is 1e+03.
    let scientific = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) =
        scientific.split_once('e').expect("the form with an exponent has one");
    let exponent: i32 = exponent.parse().expect("an exponent is a small number");
    let decimals = i64::try_from(digits).unwrap_or(i64::MAX) - 1 - i64::from(exponent);
    match usize::try_from(decimals) {
        Ok(decimals) if exponent >= -4 => without_zeros(&format!("{value:.decimals$}")).to_owned(),
        _ => {
            let sign = if exponent < 0 { '-' } else { '+' };
            let mantissa = without_zeros(mantissa);
            format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
        }
    }
}

/// Removes trailing zeros from a decimal fraction.
fn without_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn general_is_what_python_prints() {
        // `'%.*g' % (digits, value)`
        for (value, digits, expected) in [
            (0.0, 3, "0"),
            (-0.0, 3, "-0"),
            (1.0, 3, "1"),
            (-1.5, 3, "-1.5"),
            (10.0, 3, "10"),
            (100.0, 3, "100"),
            (1000.0, 3, "1e+03"),
            (999.4, 3, "999"),
            (999.5, 3, "1e+03"),
            (99.95, 3, "100"),
            (3000.0, 3, "3e+03"),
            (3000.0, 4, "3000"),
            (123_456.0, 3, "1.23e+05"),
            (0.1, 3, "0.1"),
            (0.0001, 3, "0.0001"),
            (0.00001, 3, "1e-05"),
            (0.000_099_96, 3, "0.0001"),
            (0.000_123_456, 3, "0.000123"),
            (0.5, 1, "0.5"),
            (2.5, 1, "2"),
            (3.5, 1, "4"),
            (3.5, 0, "4"),
            (1e100, 3, "1e+100"),
            (1.5e-7, 3, "1.5e-07"),
            (1.0 / 3.0, 17, "0.33333333333333331"),
            (f64::INFINITY, 3, "inf"),
            (f64::NEG_INFINITY, 3, "-inf"),
            (f64::NAN, 3, "nan"),
        ] {
            assert_eq!(general(value, digits), expected, "{value:e}, {digits}");
        }
    }

    #[test]
    fn ti_07_the_largest_unit_not_above_the_time() {
        for (seconds, expected) in [
            (1.0, "1 sec"),
            (3600.0, "3.6e+03 sec"),
            (0.0055, "5.5 msec"),
            (0.001, "1 msec"),
            (0.000_999, "999 usec"),
            (2.5e-6, "2.5 usec"),
            (1e-9, "1 nsec"),
            (1.23e-10, "0.123 nsec"),
            (0.0, "0 nsec"),
        ] {
            assert_eq!(TimeFormat::default().time(seconds), expected);
        }
    }

    #[test]
    fn ti_08_a_unit_can_be_forced() {
        for (unit, expected) in [
            (Unit::Sec, "0.003 sec"),
            (Unit::Msec, "3 msec"),
            (Unit::Usec, "3e+03 usec"),
            (Unit::Nsec, "3e+06 nsec"),
        ] {
            assert_eq!(TimeFormat::default().unit(unit).time(0.003), expected);
            assert_eq!(unit.to_string().parse(), Ok(unit));
        }
    }
}
