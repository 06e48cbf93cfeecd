//! `horsepower tour` from beginning to end.

use super::Options;
use super::section::Section;
use super::stage::Stage;
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
    let mut stage = Stage::new(&mut output);
    for section in sections {
        show(*section, &mut stage).with_context(|| format!("tour: {}", section.name()))?;
    }
    Ok(ExitCode::SUCCESS)
}

const CANNOT_WRITE: &str = "cannot write to standard output";

/// Explanation and code come before the run, so that there is something to read meanwhile.
fn show(section: Section, stage: &mut Stage<impl Write>) -> anyhow::Result<()> {
    explain(section, stage).context(CANNOT_WRITE)?;
    section.run(stage.result().context(CANNOT_WRITE)?)?;
    if section.measures() && cfg!(debug_assertions) {
        stage.text("(This build is not optimised.)").context(CANNOT_WRITE)?;
    }
    stage.end().context(CANNOT_WRITE)
}

fn explain(section: Section, stage: &mut Stage<impl Write>) -> io::Result<()> {
    stage.heading(&section.name(), &section.title())?;
    stage.text(section.text())?;
    stage.code(&section.snippet())
}
