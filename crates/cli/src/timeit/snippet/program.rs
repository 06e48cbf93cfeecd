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
//! opening brace shifts the user's code down by [`LINES_BEFORE`]. Generated names begin with
//! `__horsepower`.

use std::fs;
use std::io;
use std::path::Path;

/// The file with the user's setup.
pub(super) const SETUP: &str = "<setup>";
/// The file with the user's statement.
pub(super) const STATEMENT: &str = "<statement>";
/// The file to compile.
pub(super) const MAIN: &str = "main.rs";
/// The number of generated lines before the user's code in a file.
pub(super) const LINES_BEFORE: usize = 1;

const TIMING: &str = include_str!("timing.rs.in");
const HARNESS: &str = include_str!("harness.rs.in");

/// What to time, and how.
pub(super) struct Program<'a> {
    pub(super) setup: &'a str,
    pub(super) statement: &'a str,
    pub(super) edition: &'a str,
    /// Loops per timing; 0 lets the program calibrate the number.
    pub(super) number: u64,
    pub(super) repeat: usize,
    /// Whether to measure the CPU time of the process instead of wall-clock time.
    pub(super) process: bool,
    /// The file descriptor for reports, which the program inherits.
    pub(super) report_fd: i32,
}

impl Program<'_> {
    /// Writes the files into a directory.
    pub(super) fn write(&self, dir: &Path) -> io::Result<()> {
        let setup = format!("{{\n{}\n;\ninclude!(\"<timing>\")\n}}\n", self.setup);
        let statement = format!("{{\n{}\n}}\n", self.statement);
        fs::write(dir.join(SETUP), setup)?;
        fs::write(dir.join(STATEMENT), statement)?;
        fs::write(dir.join("<timing>"), TIMING)?;
        fs::write(dir.join(MAIN), self.main())
    }

    fn main(&self) -> String {
        let mut main = HARNESS.to_owned();
        // Edition 2024 requires `unsafe extern`; old compilers do not know it.
        let extern_keyword = if self.edition == "2024" { "unsafe extern" } else { "extern" };
        let (clock, time) =
            if self.process { ("cpu", "Duration") } else { ("Instant::now", "Instant") };
        for (name, value) in [
            ("EXTERN", extern_keyword.to_owned()),
            ("CLOCK", clock.to_owned()),
            ("TIME", time.to_owned()),
            ("PARENT", std::process::id().to_string()),
            ("REPORT_FD", self.report_fd.to_string()),
            ("NUMBER", self.number.to_string()),
            ("REPEAT", self.repeat.to_string()),
            ("LINES_BEFORE", LINES_BEFORE.to_string()),
        ] {
            main = main.replace(&format!("@{name}@"), &value);
        }
        main
    }
}
