//! The program that is written around the user's text.
//!
//! It needs nothing but the standard library. What the user wrote stands in files of its own, whose
//! names the compiler's messages and panics show:
//!
//! | file | what is in it |
//! |---|---|
//! | `main.rs` | clock, reports, tries and timings; includes `<setup>` |
//! | `<setup>` | `{`, the user's setup, `;`, the inclusion of `<timing>`, `}` |
//! | `<timing>` | the loop between two clock reads; includes `<statement>` |
//! | `<statement>` | `{`, the user's statement, `}` |
//!
//! Setup and statement are in the same function, so the statement sees the setup's bindings as well
//! as its items. Each of the user's lines stands one line lower than the user knows it
//! ([`LINES_BEFORE`]); names of our own begin with `__horsepower`.

use std::fs;
use std::io;
use std::path::Path;

/// File of the user's setup.
pub(super) const SETUP: &str = "<setup>";
/// File of the user's statement.
pub(super) const STATEMENT: &str = "<statement>";
/// File that the compiler is called for.
pub(super) const MAIN: &str = "main.rs";
/// How many lines stand before the user's own in a file.
pub(super) const LINES_BEFORE: usize = 1;

const TIMING: &str = include_str!("timing.rs.in");
const HARNESS: &str = include_str!("harness.rs.in");

/// What is timed, and how.
pub(super) struct Program<'a> {
    pub(super) setup: &'a str,
    pub(super) statement: &'a str,
    pub(super) edition: &'a str,
    /// Loops in each timing; 0 if the program is to find out.
    pub(super) number: u64,
    pub(super) repeat: usize,
    /// CPU time of the process, not the time that passes.
    pub(super) process: bool,
    /// The file descriptor for reports, which the program will inherit.
    pub(super) reports: i32,
}

impl Program<'_> {
    /// Writes the files into a folder.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let setup = format!("{{\n{}\n;\ninclude!(\"<timing>\")\n}}\n", self.setup);
        let statement = format!("{{\n{}\n}}\n", self.statement);
        fs::write(folder.join(SETUP), setup)?;
        fs::write(folder.join(STATEMENT), statement)?;
        fs::write(folder.join("<timing>"), TIMING)?;
        fs::write(folder.join(MAIN), self.main())
    }

    fn main(&self) -> String {
        let mut main = HARNESS.to_owned();
        // An edition's word for it; the older ones are for older compilers, too.
        let foreign = if self.edition == "2024" { "unsafe extern" } else { "extern" };
        let (clock, time) =
            if self.process { ("cpu", "Duration") } else { ("Instant::now", "Instant") };
        for (name, value) in [
            ("FOREIGN", foreign.to_owned()),
            ("CLOCK", clock.to_owned()),
            ("TIME", time.to_owned()),
            ("REPORTS", self.reports.to_string()),
            ("NUMBER", self.number.to_string()),
            ("REPEAT", self.repeat.to_string()),
            ("LINES_BEFORE", LINES_BEFORE.to_string()),
        ] {
            main = main.replace(&format!("@{name}@"), &value);
        }
        main
    }
}
