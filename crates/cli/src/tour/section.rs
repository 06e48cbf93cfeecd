//! [`Section`]: the sections of the tour, in the order of the guide's chapters.

use super::{sections, snippet};
use clap::ValueEnum;
use std::io::Write;

/// A section of the tour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Section {
    /// who and where this process is
    Info,
    /// how long something takes
    Timeit,
    /// one thing after the other
    Sequential,
    /// a worker that runs beside, and stops when asked
    Threads,
    /// a function in a process of its own
    #[cfg(target_os = "linux")]
    Processes,
    /// many values, a few workers
    Pools,
    /// what the parallelism brought
    Worth,
}

/// What belongs to a section.
struct Parts {
    text: &'static str,
    /// The file that has the code.
    source: &'static str,
    run: fn(&mut dyn Write) -> anyhow::Result<()>,
}

macro_rules! parts {
    ($module:ident) => {
        Parts {
            text: sections::$module::TEXT,
            source: include_str!(concat!("sections/", stringify!($module), ".rs")),
            run: sections::$module::run,
        }
    };
}

impl Section {
    pub(super) const ALL: &[Section] = &[
        Section::Info,
        Section::Timeit,
        Section::Sequential,
        Section::Threads,
        #[cfg(target_os = "linux")]
        Section::Processes,
        Section::Pools,
        Section::Worth,
    ];

    fn parts(self) -> Parts {
        match self {
            Section::Info => parts!(info),
            Section::Timeit => parts!(timeit),
            Section::Sequential => parts!(sequential),
            Section::Threads => parts!(threads),
            #[cfg(target_os = "linux")]
            Section::Processes => parts!(processes),
            Section::Pools => parts!(pools),
            Section::Worth => parts!(worth),
        }
    }

    /// What is written on the command line.
    pub(super) fn name(self) -> String {
        self.possible_value().get_name().to_owned()
    }

    pub(super) fn title(self) -> String {
        self.possible_value().get_help().map(ToString::to_string).unwrap_or_default()
    }

    fn possible_value(self) -> clap::builder::PossibleValue {
        self.to_possible_value().expect("no section is hidden")
    }

    /// A few lines of explanation.
    pub(super) fn text(self) -> &'static str {
        self.parts().text.trim()
    }

    /// The code that [`run`](Self::run) runs.
    pub(super) fn snippet(self) -> String {
        snippet::marked(self.parts().source)
    }

    /// True if its results are times, which mean something in an optimised build only.
    pub(super) fn measures(self) -> bool {
        matches!(self, Section::Timeit | Section::Worth)
    }

    /// Runs the code; what it shows goes to `out`.
    ///
    /// # Errors
    /// What fails there, and what cannot be written.
    pub(super) fn run(self, out: &mut dyn Write) -> anyhow::Result<()> {
        (self.parts().run)(out)
    }

    /// A line for each section.
    pub(super) fn list() -> String {
        use crate::table::{Align, Table};
        let mut table = Table::new([Align::Left, Align::Left]);
        for section in Section::ALL {
            table.row([section.name(), section.title()]);
        }
        table.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_has_text_and_a_short_snippet() {
        assert_eq!(Section::ALL, Section::value_variants(), "the order is the same");
        for section in Section::ALL {
            let name = section.name();
            assert!(section.text().lines().all(|line| line.len() <= 80), "{name}");
            let snippet = section.snippet();
            assert!((3..=40).contains(&snippet.lines().count()), "{name}: {snippet}");
            assert!(snippet.lines().all(|line| line.len() <= 96), "{name}: {snippet}");
            assert!(!snippet.contains("tour:"), "{name}: {snippet}");
        }
    }

    #[test]
    fn the_list_has_a_line_for_each() {
        let list = Section::list();
        assert_eq!(list.lines().count(), Section::ALL.len());
        assert!(list.starts_with("info        who and where this process is\n"), "{list}");
    }
}
