//! [`Stage`]: how headings, explanations, code and results are written. Colours are asked for
//! everywhere; the stream below drops them unless it is a terminal and `NO_COLOR` is not set.

use clap::builder::styling::{AnsiColor, Style};
use std::io::{self, Write};

const HEADING: Style = AnsiColor::Green.on_default().bold();
const CODE: Style = AnsiColor::Cyan.on_default();

/// Where a tour is shown.
pub(super) struct Stage<W> {
    output: W,
    sections: usize,
}

impl<W: Write> Stage<W> {
    pub(super) fn new(output: W) -> Stage<W> {
        Stage { output, sections: 0 }
    }

    /// Begins a section.
    pub(super) fn heading(&mut self, name: &str, title: &str) -> io::Result<()> {
        if self.sections > 0 {
            writeln!(self.output)?;
        }
        self.sections += 1;
        writeln!(self.output, "{HEADING}{name}: {title}{HEADING:#}\n")
    }

    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.output, "{}\n", text.trim_end())
    }

    pub(super) fn code(&mut self, code: &str) -> io::Result<()> {
        for line in code.lines() {
            if line.is_empty() {
                writeln!(self.output)?;
            } else {
                writeln!(self.output, "    {CODE}{line}{CODE:#}")?;
            }
        }
        writeln!(self.output)
    }

    /// The place for the results of the code, everything before it being seen.
    pub(super) fn result(&mut self) -> io::Result<&mut W> {
        self.output.flush()?;
        Ok(&mut self.output)
    }

    pub(super) fn end(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_set_apart() {
        let mut output = anstream::StripStream::new(Vec::new());
        let mut stage = Stage::new(&mut output);
        for name in ["one", "two"] {
            stage.heading(name, "a title").unwrap();
            stage.text("Words.").unwrap();
            stage.code("let a = 1;\n\nlet b = 2;\n").unwrap();
            writeln!(stage.result().unwrap(), "3").unwrap();
            stage.end().unwrap();
        }
        let section = "one: a title\n\nWords.\n\n    let a = 1;\n\n    let b = 2;\n\n3\n";
        let both = format!("{section}\n{}", section.replace("one", "two"));
        assert_eq!(String::from_utf8(output.into_inner()).unwrap(), both);
    }
}
