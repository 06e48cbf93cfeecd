//! [`Program`]: the program generated around a snippet.
//!
//! It depends on the standard library only. The user's code is in separate files, whose names appear in
//! compiler messages and panics:
//!
//! | file | content |
//! |---|---|
//! | `main.rs` | clock, reports, calibration and timings; includes `<setup>` |
//! | `<setup>` | `{`, the user's setup, `;`, an include of `<timing>`, `}` |
//! | `<timing>` | the loop between two clock reads; includes `<statement>` |
//! | `<statement>` | `{`, the user's statement, `}` |
//!
//! Setup and statement share a function, so the statement can use the setup's variables and items. The
//! opening brace, or an empty line, shifts the user's code down by [`LINES_BEFORE`]. Generated names begin with
//! `__horsepower`.
//!
//! The last expression of the statement, if it has one, must be outside that block ([`source`] says
//! why). Its file then has no braces. If something comes before the expression, the block has only
//! that, and ends with an include of a second file, [`VALUE`]: the expression, at the line and the column
//! that it has in the user's code.
//!
//! [`source`]: super::source

use super::source::{Form, Source};
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

/// The file with the user's setup.
pub(super) const SETUP: &str = "<setup>";
/// The file with the user's statement.
pub(super) const STATEMENT: &str = "<statement>";
/// The file with the last expression of the statement. Messages call it [`STATEMENT`].
pub(super) const VALUE: &str = "<statement>.value";
/// The file with the timing loop.
pub(super) const TIMING: &str = "<timing>";
/// The file to compile.
pub(super) const MAIN: &str = "main.rs";
/// The number of generated lines before the user's code in a file.
pub(super) const LINES_BEFORE: usize = 1;

/// The time of the loops at which the search for their number stops.
pub(super) const LONG_ENOUGH: Duration = Duration::from_millis(200);

const TIMING_TEXT: &str = include_str!("timing.rs.in");
const HARNESS: &str = include_str!("harness.rs.in");
const BLOCK_ON: &str = include_str!("block_on.rs.in");

/// What to time, and how.
pub(super) struct Program<'a> {
    pub(super) source: &'a Source,
    pub(super) edition: &'a str,
    /// Loops per timing; 0 lets the program calibrate the number.
    pub(super) number: u64,
    pub(super) repeat: usize,
    /// Whether to measure the CPU time of the process instead of wall-clock time.
    pub(super) process: bool,
    /// The file descriptor for reports, which the program inherits.
    pub(super) report_fd: i32,
}

/// How the program contains the code. Only the compiler can tell which of them the code fits.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) form: Form,
    pub(super) failure: Failure,
    pub(super) value: Value,
}

/// What `?` in the code leaves with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    Error,
    None,
}

/// What happens to the value of the statement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// `black_box` uses it.
    Used,
    /// It is dropped, so that the compiler warns if that is a mistake.
    Unused,
}

impl Program<'_> {
    /// Writes the files into a directory.
    pub(super) fn write(&self, dir: &Path, frame: Frame) -> io::Result<()> {
        let Source { setup, statement: code } = self.source;
        let keep = |file: &str| match frame.value {
            Value::Used => format!("::std::hint::black_box(include!(\"{file}\"));"),
            Value::Unused => format!("include!(\"{file}\");"),
        };
        let statement = match frame.form {
            Form::Block => format!("{{\n{code}\n}}\n"),
            Form::Value(0) => format!("\n{code}\n"),
            Form::Value(start) => {
                let (before, value) = code.split_at(start);
                fs::write(dir.join(VALUE), format!("\n{}{value}\n", blank(before)))?;
                format!("{{\n{before}\n;{}\n}}\n", keep(VALUE))
            }
        };
        let ok = match frame.failure {
            Failure::Error => "::std::result::Result::Ok",
            Failure::None => "::std::option::Option::Some",
        };
        let timing = TIMING_TEXT.replace("@STATEMENT@", &keep(STATEMENT)).replace("@OK@", ok);
        fs::write(dir.join(SETUP), format!("{{\n{setup}\n;include!(\"{TIMING}\")\n}}\n"))?;
        fs::write(dir.join(STATEMENT), statement)?;
        fs::write(dir.join(TIMING), timing)?;
        fs::write(dir.join(MAIN), self.main(frame.failure))
    }

    fn main(&self, failure: Failure) -> String {
        let mut main = HARNESS.to_owned();
        // Edition 2024 requires `unsafe extern`; old compilers do not know it.
        let extern_keyword = if self.edition == "2024" { "unsafe extern" } else { "extern" };
        let (clock, time) =
            if self.process { ("cpu", "Duration") } else { ("Instant::now", "Instant") };
        let result = match failure {
            Failure::Error => "std::result::Result<__horsepower::Timing, __horsepower::Failure>",
            Failure::None => "std::option::Option<__horsepower::Timing>",
        };
        // Old compilers do not know all of it, so it is there only if needed.
        let block_on = |code: &String| code.contains("block_on");
        let asynchronous = [&self.source.setup, &self.source.statement].into_iter().any(block_on);
        for (name, value) in [
            ("EXTERN", extern_keyword.to_owned()),
            ("RESULT", result.to_owned()),
            ("BLOCK_ON", if asynchronous { BLOCK_ON.to_owned() } else { String::new() }),
            ("CLOCK", clock.to_owned()),
            ("TIME", time.to_owned()),
            ("PROCESS", self.process.to_string()),
            ("PARENT", std::process::id().to_string()),
            ("REPORT_FD", self.report_fd.to_string()),
            ("NUMBER", self.number.to_string()),
            ("LONG_ENOUGH", LONG_ENOUGH.as_millis().to_string()),
            ("REPEAT", self.repeat.to_string()),
            ("LINES_BEFORE", LINES_BEFORE.to_string()),
            ("VALUE", VALUE.to_owned()),
            ("STATEMENT", STATEMENT.to_owned()),
        ] {
            main = main.replace(&format!("@{name}@"), &value);
        }
        main
    }
}

/// Blanks of the same lines and columns as this text.
fn blank(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_whitespace() { c } else { ' ' }).collect()
}
