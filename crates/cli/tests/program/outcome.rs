//! [`Outcome`]: the exit code and the output of a finished program.

use super::watchdog::watched;
use std::process::{Child, Output};

/// Waits for the end of a program and reads its output.
pub(crate) fn finish(child: Child) -> Outcome {
    Outcome(watched(child.id(), || child.wait_with_output().expect("the child can be waited for")))
}

#[derive(Debug)]
pub(crate) struct Outcome(pub(crate) Output);

impl Outcome {
    pub(crate) fn code(&self) -> Option<i32> {
        self.0.status.code()
    }

    pub(crate) fn stdout(&self) -> &str {
        str::from_utf8(&self.0.stdout).expect("standard output is UTF-8")
    }

    pub(crate) fn stderr(&self) -> &str {
        str::from_utf8(&self.0.stderr).expect("standard error is UTF-8")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.0.stdout).expect("standard output is one JSON object")
    }

    /// Checks that the program succeeded and printed nothing to standard error.
    pub(crate) fn expect_success(self) -> Outcome {
        assert_eq!((self.code(), self.stderr()), (Some(0), ""), "{self:?}");
        self
    }

    /// The verdict lines of `horsepower primes`.
    pub(crate) fn verdicts(&self) -> Vec<&str> {
        self.stdout().lines().take_while(|line| !line.is_empty()).collect()
    }

    /// The first two columns of the table of `horsepower primes`.
    pub(crate) fn table(&self) -> Vec<[&str; 2]> {
        let lines = self.stdout().lines().skip_while(|line| !line.is_empty()).skip(1);
        let cells = lines.map(|line| {
            let mut words = line.split_whitespace();
            std::array::from_fn(|_| words.next().expect("the table has five columns"))
        });
        cells.collect()
    }
}
