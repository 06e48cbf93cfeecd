//! [`Text`]: the output as plain text, one line per number and a table of the runs.

use super::comparison::ComparedRun;
use super::error_log::ErrorEntry;
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

    /// Leaves out the errors: standard error has them already.
    fn finish(&mut self, runs: &[ComparedRun], _errors: &[ErrorEntry]) -> io::Result<()> {
        use Align::{Left, Right};
        let mut table = Table::new([Left, Right, Right, Right, Right]);
        table.row(["executor", "workers", "seconds", "speed-up", "efficiency"]);
        let decimals = decimals(runs);
        for run in runs {
            table.row([
                run.executor.clone(),
                run.workers.to_string(),
                format!("{:.decimals$}", run.seconds),
                format!("{:.2}", run.speedup),
                format!("{:.0}%", 100.0 * run.efficiency),
            ]);
        }
        write!(self.output, "\n{table}")?;
        self.output.flush()
    }
}

/// The number of decimals in the seconds column: three significant digits of the shortest time, but
/// at least milliseconds and at most microseconds.
fn decimals(runs: &[ComparedRun]) -> usize {
    let shortest = runs.iter().map(|run| run.seconds).fold(f64::INFINITY, f64::min);
    (2.0 - shortest.max(1e-9).log10().floor()).clamp(3.0, 6.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdict_lines_come_before_the_table() {
        let mut output = Vec::new();
        let mut text = Text::new(&mut output);
        text.verdict(112_272_535_095_293, true).unwrap();
        text.verdict(4, false).unwrap();
        let run = |executor: &str, workers, seconds, speedup, efficiency| ComparedRun {
            executor: executor.to_owned(),
            workers,
            seconds,
            speedup,
            efficiency,
        };
        let runs =
            [run("inline", 1, 2.8071, 1.0, 1.0), run("processes", 16, 0.05, 56.142, 3.508875)];
        text.finish(&runs, &[]).unwrap();
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
