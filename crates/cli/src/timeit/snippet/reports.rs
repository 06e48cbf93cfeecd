//! [`Reports`]: what the compiled program reports while it runs. Each report is a line:
//!
//! | line | meaning |
//! |---|---|
//! | `clock 2 NANOSECONDS` | the time of two consecutive clock reads |
//! | `try LOOPS NANOSECONDS` | a calibration run: the search for the number of loops |
//! | `total LOOPS NANOSECONDS` | a timing |
//! | `empty LOOPS NANOSECONDS` | a timing of empty loops |
//! | `told 0 0` | the code fails, and a message has told the user why |
//! | `fork 0 0` | from a child that the code has forked, and that came back from the code |

use anyhow::anyhow;
use horsepower::timeit::Measurement;
use std::time::Duration;

/// A run of the code.
pub(super) enum Event {
    /// The number of loops that were tried, and their time.
    Tried(u64, Duration),
    /// The number of timings that are complete.
    Timed(usize),
}

/// What all reports say.
#[derive(Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) measurement: Measurement,
    /// The seconds per loop of an empty loop.
    pub(super) empty_loop: f64,
    /// Whether the code has forked, and the child came back from it.
    pub(super) forked: bool,
}

/// Parses the reports as they arrive.
pub(super) struct Reports<T> {
    /// The start of an incomplete line.
    line: Vec<u8>,
    clock: Option<Duration>,
    loops: u64,
    totals: Vec<Duration>,
    empty_loop: Option<f64>,
    forked: bool,
    told: bool,
    on_event: T,
}

impl<T: FnMut(Event) -> anyhow::Result<()>> Reports<T> {
    pub(super) fn new(on_event: T) -> Reports<T> {
        Reports {
            line: Vec::new(),
            clock: None,
            loops: 0,
            totals: Vec::new(),
            empty_loop: None,
            forked: false,
            told: false,
            on_event,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        for &byte in bytes {
            if byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.parse(str::from_utf8(&line).unwrap_or_default())?;
            } else {
                self.line.push(byte);
            }
        }
        Ok(())
    }

    fn parse(&mut self, line: &str) -> anyhow::Result<()> {
        let words: Vec<_> = line.split(' ').collect();
        let (what, number, nanoseconds) = match words[..] {
            [what, number, nanoseconds] => (what, number.parse(), nanoseconds.parse()),
            _ => return Err(unexpected(line)),
        };
        match (what, number, nanoseconds.map(Duration::from_nanos)) {
            ("clock", Ok(_), Ok(overhead)) => self.clock = Some(overhead),
            ("try", Ok(number), Ok(total)) => (self.on_event)(Event::Tried(number, total))?,
            ("total", Ok(number), Ok(total)) => {
                self.loops = number;
                self.totals.push(total);
                (self.on_event)(Event::Timed(self.totals.len()))?;
            }
            ("empty", Ok(number), Ok(total)) if number > 0 => {
                self.empty_loop = Some(total.as_secs_f64() / number as f64);
            }
            ("fork", Ok(_), Ok(_)) => self.forked = true,
            ("told", Ok(_), Ok(_)) => self.told = true,
            _ => return Err(unexpected(line)),
        }
        Ok(())
    }

    /// Whether the user knows why the code failed.
    pub(super) fn told(&self) -> bool {
        self.told
    }

    /// `None` if the program has not sent all reports.
    pub(super) fn measured(self) -> Option<Measured> {
        let empty_loop = self.empty_loop?;
        if self.loops == 0 || self.totals.is_empty() {
            return None;
        }
        let measurement = Measurement::new(self.loops, self.totals);
        let measurement = match self.clock {
            Some(overhead) => measurement.with_clock_overhead(overhead),
            None => measurement,
        };
        Some(Measured { measurement, empty_loop, forked: self.forked })
    }
}

fn unexpected(line: &str) -> anyhow::Error {
    anyhow!("unexpected data in the timing pipe: {line:?}; the code must not write to it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reports() -> Reports<impl FnMut(Event) -> anyhow::Result<()>> {
        Reports::new(|event| {
            match event {
                Event::Tried(loops, time) => {
                    assert_eq!((loops, time), (1, Duration::from_nanos(7)))
                }
                Event::Timed(count) => assert!((1..=2).contains(&count)),
            }
            Ok(())
        })
    }

    #[test]
    fn reports_may_arrive_in_pieces() {
        let mut reports = reports();
        for piece in ["clock 2 3", "0\ntry 1 7\ntot", "al 5 500\n", "total 5 600\nempty 2 4\n"] {
            reports.push(piece.as_bytes()).unwrap();
        }
        let totals = [500, 600].map(Duration::from_nanos);
        let measurement = Measurement::new(5, totals).with_clock_overhead(Duration::from_nanos(30));
        let expected = Measured { measurement, empty_loop: 2e-9, forked: false };
        assert_eq!(reports.measured(), Some(expected));
    }

    #[test]
    fn invalid_reports_are_errors_and_none_is_no_measurement() {
        let invalid = [
            "\n",
            "total 5\n",
            "total 5 6 7\n",
            "total x 5\n",
            "tales 1 2\n",
            "empty 0 1\n",
            "\u{ff}\n",
        ];
        for line in invalid {
            assert!(reports().push(line.as_bytes()).is_err(), "{line:?}");
        }
        assert_eq!(reports().measured(), None);
    }
}
