//! The answer for people: a line for each number, then a table.

use super::comparison::Compared;
use super::complaints::Complaint;
use super::report::Report;
use crate::table::{Align, Table};
use std::io::{self, Write};

pub(super) struct Text<W> {
    output: W,
}

impl<W: Write> Text<W> {
    pub(super) fn new(output: W) -> Text<W> {
        Text { output }
    }
}

impl<W: Write + Send> Report for Text<W> {
    fn verdict(&mut self, number: u64, prime: bool) -> io::Result<()> {
        writeln!(self.output, "{number} is prime: {prime}")
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }

    fn finish(&mut self, races: &[Compared], _said_already: &[Complaint]) -> io::Result<()> {
        use Align::{Left, Right};
        let mut table = Table::new([Left, Right, Right, Right, Right]);
        table.row(["executor", "workers", "seconds", "speed-up", "efficiency"]);
        let decimals = decimals(races);
        for race in races {
            table.row([
                race.executor.clone(),
                race.workers.to_string(),
                format!("{:.decimals$}", race.seconds),
                format!("{:.2}", race.speedup),
                format!("{:.0}%", 100.0 * race.efficiency),
            ]);
        }
        write!(self.output, "\n{table}")?;
        self.output.flush()
    }
}

/// How many decimals every time of the column has: three digits of the shortest, no less than
/// milliseconds and no more than microseconds.
fn decimals(races: &[Compared]) -> usize {
    let shortest = races.iter().map(|race| race.seconds).fold(f64::INFINITY, f64::min);
    (2.0 - shortest.max(1e-9).log10().floor()).clamp(3.0, 6.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_then_a_table() {
        let mut output = Vec::new();
        let mut text = Text::new(&mut output);
        text.verdict(112_272_535_095_293, true).unwrap();
        text.verdict(4, false).unwrap();
        let race = |executor: &str, workers, seconds, speedup, efficiency| Compared {
            executor: executor.to_owned(),
            workers,
            seconds,
            speedup,
            efficiency,
        };
        let races =
            [race("inline", 1, 2.8071, 1.0, 1.0), race("processes", 16, 0.05, 56.142, 3.508875)];
        text.finish(&races, &[]).unwrap();
        assert_eq!(
            String::from_utf8(output).unwrap(),
            "\
112272535095293 is prime: true
4 is prime: false

executor   workers  seconds  speed-up  efficiency
inline           1   2.8071      1.00        100%
processes       16   0.0500     56.14        351%
"
        );
    }
}
