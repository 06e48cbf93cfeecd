//! `horsepower tour` from start to end.

use super::options::Options;
use super::section::Section;
use super::writer::TourWriter;
use anyhow::Context;
use std::io::{self, Write};
use std::process::ExitCode;

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut output = anstream::stdout();
    if options.list {
        output
            .write_all(Section::list().as_bytes())
            .and_then(|()| output.flush())
            .context(CANNOT_WRITE)?;
        return Ok(ExitCode::SUCCESS);
    }
    let sections = match &options.section {
        Some(section) => std::slice::from_ref(section),
        None => Section::ALL,
    };
    let mut writer = TourWriter::new(&mut output);
    for section in sections {
        show(*section, &mut writer).with_context(|| format!("tour: {}", section.name()))?;
    }
    Ok(ExitCode::SUCCESS)
}

const CANNOT_WRITE: &str = "cannot write to standard output";

/// Prints text and code before the run, so that the user can read them while the code runs.
fn show(section: Section, writer: &mut TourWriter<impl Write>) -> anyhow::Result<()> {
    explain(section, writer).context(CANNOT_WRITE)?;
    section.run(writer.output().context(CANNOT_WRITE)?)?;
    if section.measures() && cfg!(debug_assertions) {
        writer
            .text("This is a debug build: its times are not representative.")
            .context(CANNOT_WRITE)?;
    }
    writer.end().context(CANNOT_WRITE)
}

fn explain(section: Section, writer: &mut TourWriter<impl Write>) -> io::Result<()> {
    writer.heading(&section.name(), &section.title())?;
    writer.text(section.text())?;
    writer.code(&section.snippet())
}
