//! The flags of `horsepower timeit`. Flags that Python's `timeit` also has mean the same.

use crate::input;
use clap::{ArgAction, Args};
#[cfg(unix)]
use horsepower::timeit::TimeFormat;
use horsepower::timeit::{REPEAT, Unit};
#[cfg(unix)]
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Rust code to time, one line per CODE; use `black_box` to hide a value from the optimiser.
    /// Without CODE: time eight ways to build a container, and compare them with Python
    ///
    /// CODE can leave with `?`, which ends the timing with an error, and can run a future to its end
    /// by `block_on(…)`. Its standard input is empty, and the processes that it starts end with the
    /// command. A value that does nothing unless it is used, such as an iterator or a future, is
    /// reported on standard error; so is a time that is not above that of an empty loop.
    #[arg(value_name = "CODE")]
    pub(super) code: Vec<String>,

    /// Number of loops per timing; 0 picks a number that takes at least 0.2 seconds of wall-clock
    /// time (a tenth of that number without CODE)
    #[arg(
        short,
        long,
        value_name = "N",
        default_value_t = 0,
        value_parser = input::number,
        allow_negative_numbers = true
    )]
    pub(super) number: u64,

    /// Number of timings, of which the best, the worst and the median are reported; values below 1
    /// mean 1
    #[arg(
        short,
        long,
        value_name = "R",
        default_value_t = REPEAT,
        value_parser = repeat,
        allow_negative_numbers = true
    )]
    pub(super) repeat: usize,

    /// Setup code: runs once before each timing and is not timed; one line per SETUP. CODE can use
    /// its variables, imports and functions
    #[arg(short, long, value_name = "SETUP", requires = "code")]
    pub(super) setup: Vec<String>,

    /// Time unit of the output: nsec, usec, msec or sec [default: the largest that fits]
    #[arg(short, long, value_name = "UNIT", requires = "code")]
    pub(super) unit: Option<Unit>,

    /// Measure the CPU time of the process instead of wall-clock time; that of its child processes
    /// does not count
    #[arg(short, long)]
    pub(super) process: bool,

    /// Print the search for the number of loops, the raw times, and the times of the clock and of an
    /// empty loop; repeat for more digits
    #[arg(short, long, action = ArgAction::Count, requires = "code")]
    pub(super) verbose: u8,

    /// Print one JSON object instead of text; the output of CODE goes to standard error
    #[arg(long)]
    pub(super) json: bool,

    /// Rust edition of the code
    #[arg(
        long,
        value_name = "YEAR",
        default_value = "2024",
        value_parser = ["2015", "2018", "2021", "2024"],
        requires = "code"
    )]
    pub(super) edition: String,

    /// The temporary directory. Only the supervisor gives this option, to the measuring process
    #[cfg(unix)]
    #[arg(long = SUPERVISED_IN, hide = true, value_name = "DIR", requires = "code")]
    pub(super) supervised_in: Option<PathBuf>,
}

/// The name of the option of that field.
#[cfg(unix)]
pub(super) const SUPERVISED_IN: &str = "supervised-in";

impl Options {
    /// The output format of times.
    #[cfg(unix)]
    pub(super) fn format(&self) -> TimeFormat {
        let format = TimeFormat::default().digits(self.digits());
        self.unit.map_or(format, |unit| format.unit(unit))
    }

    /// The number of significant digits.
    #[cfg(unix)]
    pub(super) fn digits(&self) -> usize {
        3 + usize::from(self.verbose.saturating_sub(1))
    }
}

/// Parses a number of timings. Like Python, takes a number below 1 as 1.
fn repeat(text: &str) -> Result<usize, &'static str> {
    let number =
        text.parse::<i32>().map_err(|_| "must be a whole number from -2147483648 to 2147483647")?;
    Ok(usize::try_from(number).unwrap_or(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn options(line: &str) -> Result<Options, clap::Error> {
        let words = ["timeit"].into_iter().chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.options)
    }

    #[test]
    fn the_defaults() {
        let options = options("").unwrap();
        assert_eq!((options.number, options.repeat), (0, 5));
        assert_eq!((options.code, options.setup), (vec![], vec![]));
        assert_eq!((options.unit, options.verbose), (None, 0));
        assert_eq!((options.process, options.json), (false, false));
        assert_eq!(options.edition, "2024");
    }

    #[test]
    fn every_flag_is_parsed() {
        let options =
            options("-n 10 -r 3 -s a -s b -u msec -p -vv --json --edition 2018 c d").unwrap();
        assert_eq!((options.number, options.repeat), (10, 3));
        assert_eq!(options.setup, ["a", "b"]);
        assert_eq!(options.code, ["c", "d"]);
        assert_eq!((options.unit, options.verbose), (Some(Unit::Msec), 2));
        assert!(options.process && options.json);
        assert_eq!(options.edition, "2018");
    }

    #[test]
    fn ti_09_too_few_timings_are_one() {
        for line in ["-r 0", "-r -1", "-r=-5", "--repeat -2147483648"] {
            assert_eq!(options(line).unwrap().repeat, 1, "{line}");
        }
    }

    #[test]
    fn ti_10_nonsense_is_misuse() {
        for line in [
            "-n -5 x",
            "-n abc x",
            "-n 1.5 x",
            "-n 18446744073709551616 x",
            "-r many x",
            "-u weeks x",
            "--edition 1999 x",
            "-s a",
            "-u sec",
            "-v",
            "--edition 2021",
            "--nonsense",
        ] {
            let error = options(line).expect_err(line);
            assert_eq!(error.exit_code(), i32::from(crate::exit::MISUSE), "{line}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn ti_11_the_second_v_is_a_digit_more() {
        let time = |line| options(line).unwrap().format().time(0.123456789);
        assert_eq!(time("x"), "123 msec");
        assert_eq!(time("-v x"), "123 msec");
        assert_eq!(time("-vv x"), "123.5 msec");
        assert_eq!(time("-v -v -v x -u sec"), "0.12346 sec");
    }
}
