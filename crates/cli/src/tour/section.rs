//! [`Section`]: the sections of the tour, in the order of the chapters of the guide.

use super::{sections, snippet};
use clap::ValueEnum;
use std::io::Write;

/// A section of the tour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Section {
    /// this process and the CPUs that it may use
    Info,
    /// measure how long code takes
    Timeit,
    /// run tasks one after another
    Sequential,
    /// run a function on a thread, and stop it
    Threads,
    /// run a function in its own process
    #[cfg(target_os = "linux")]
    Processes,
    /// run many tasks on a few workers
    Pools,
    /// measure the speed-up
    Worth,
}

/// The content of a section.
struct Content {
    text: &'static str,
    /// The source file that contains the code.
    source: &'static str,
    run: fn(&mut dyn Write) -> anyhow::Result<()>,
}

macro_rules! content {
    ($module:ident) => {
        Content {
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

    fn content(self) -> Content {
        match self {
            Section::Info => content!(info),
            Section::Timeit => content!(timeit),
            Section::Sequential => content!(sequential),
            Section::Threads => content!(threads),
            #[cfg(target_os = "linux")]
            Section::Processes => content!(processes),
            Section::Pools => content!(pools),
            Section::Worth => content!(worth),
        }
    }

    /// The name on the command line.
    pub(super) fn name(self) -> String {
        self.possible_value().get_name().to_owned()
    }

    pub(super) fn title(self) -> String {
        self.possible_value().get_help().map(ToString::to_string).unwrap_or_default()
    }

    fn possible_value(self) -> clap::builder::PossibleValue {
        self.to_possible_value().expect("no section is hidden")
    }

    /// The explanation.
    pub(super) fn text(self) -> &'static str {
        self.content().text.trim()
    }

    /// The code that [`run`](Self::run) runs.
    pub(super) fn snippet(self) -> String {
        snippet::extract(self.content().source)
    }

    /// Whether the section prints times, which are representative only in an optimised build.
    pub(super) fn measures(self) -> bool {
        matches!(self, Section::Timeit | Section::Worth)
    }

    /// Runs the code, which prints to `out`.
    ///
    /// # Errors
    /// If the code fails, or if writing fails.
    pub(super) fn run(self, out: &mut dyn Write) -> anyhow::Result<()> {
        (self.content().run)(out)
    }

    /// Lists the sections, one per line.
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
        assert_eq!(Section::ALL, Section::value_variants(), "clap has the same order");
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
    fn the_list_has_one_line_per_section() {
        let list = Section::list();
        assert_eq!(list.lines().count(), Section::ALL.len());
        assert!(
            list.starts_with("info        this process and the CPUs that it may use\n"),
            "{list}"
        );
    }
}
