//! The flags of `horsepower timeit`; those that Python's `timeit` has mean the same here.

use crate::input;
use clap::{ArgAction, Args};
#[cfg(unix)]
use horsepower::timeit::TimeFormat;
use horsepower::timeit::{REPEAT, Unit};

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Rust code to time, each CODE a line; `black_box` hides a value from the optimiser. Without
    /// any, eight ways to build a container
    #[arg(value_name = "CODE")]
    pub(super) code: Vec<String>,

    /// Loops in each timing; 0 is as many as take 0.2 seconds (in the table: a tenth of that)
    #[arg(
        short,
        long,
        value_name = "N",
        default_value_t = 0,
        value_parser = input::number,
        allow_negative_numbers = true
    )]
    pub(super) number: u64,

    /// Timings, of which the best counts; what is below 1 is 1
    #[arg(
        short,
        long,
        value_name = "R",
        default_value_t = REPEAT,
        value_parser = repeat,
        allow_negative_numbers = true
    )]
    pub(super) repeat: usize,

    /// Code that runs once before each timing and does not count: bindings, `use` lines, items;
    /// each SETUP is a line
    #[arg(short, long, value_name = "SETUP", requires = "code")]
    pub(super) setup: Vec<String>,

    /// Unit of the time: nsec, usec, msec or sec [default: what fits]
    #[arg(short, long, value_name = "UNIT", requires = "code")]
    pub(super) unit: Option<Unit>,

    /// Measure CPU time of the process and not the time that passes
    #[arg(short, long)]
    pub(super) process: bool,

    /// Show the tries that find the number of loops, and the times of all loops together; each
    /// further -v is a digit more
    #[arg(short, long, action = ArgAction::Count, requires = "code")]
    pub(super) verbose: u8,

    /// Print one JSON object and nothing else; what the code prints goes to standard error
    #[arg(long)]
    pub(super) json: bool,

    /// Edition of Rust that the code is written in
    #[arg(
        long,
        value_name = "YEAR",
        default_value = "2024",
        value_parser = ["2015", "2018", "2021", "2024"],
        requires = "code"
    )]
    pub(super) edition: String,
}

impl Options {
    /// How times are to be written.
    #[cfg(unix)]
    pub(super) fn format(&self) -> TimeFormat {
        let format = TimeFormat::default().digits(self.digits());
        self.unit.map_or(format, |unit| format.unit(unit))
    }

    /// How many significant digits there are.
    #[cfg(unix)]
    pub(super) fn digits(&self) -> usize {
        3 + usize::from(self.verbose.saturating_sub(1))
    }
}

/// A number of timings: Python takes negative ones too, as one.
fn repeat(text: &str) -> Result<usize, &'static str> {
    let number =
        text.parse::<i32>().map_err(|_| "not a whole number from -2147483648 to 2147483647")?;
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
    fn every_flag_is_understood() {
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
