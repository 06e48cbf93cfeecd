//! [`TourWriter`]: formats headings, text and code. It always writes colours; the output stream removes
//! them if it is not a terminal or if `NO_COLOR` is set.

use clap::builder::styling::{AnsiColor, Style};
use std::io::{self, Write};

const HEADING: Style = AnsiColor::Green.on_default().bold();
const CODE: Style = AnsiColor::Cyan.on_default();

/// Writes the sections of a tour.
pub(super) struct TourWriter<W> {
    output: W,
    sections: usize,
}

impl<W: Write> TourWriter<W> {
    pub(super) fn new(output: W) -> TourWriter<W> {
        TourWriter { output, sections: 0 }
    }

    /// Starts a section.
    pub(super) fn heading(&mut self, name: &str, title: &str) -> io::Result<()> {
        if self.sections > 0 {
            writeln!(self.output)?;
        }
        self.sections += 1;
        writeln!(self.output, "{HEADING}{name}: {title}{HEADING:#}\n")
    }

    /// Writes a paragraph.
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.output, "{}\n", text.trim_end())
    }

    /// Writes indented code.
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

    /// Flushes what has been written, and returns the stream for the output of the code.
    pub(super) fn output(&mut self) -> io::Result<&mut W> {
        self.output.flush()?;
        Ok(&mut self.output)
    }

    /// Ends a section.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_separate_the_parts() {
        let mut output = anstream::StripStream::new(Vec::new());
        let mut writer = TourWriter::new(&mut output);
        for name in ["one", "two"] {
            writer.heading(name, "a title").unwrap();
            writer.text("Words.").unwrap();
            writer.code("let a = 1;\n\nlet b = 2;\n").unwrap();
            writeln!(writer.output().unwrap(), "3").unwrap();
            writer.end().unwrap();
        }
        let section = "one: a title\n\nWords.\n\n    let a = 1;\n\n    let b = 2;\n\n3\n";
        let both = format!("{section}\n{}", section.replace("one", "two"));
        assert_eq!(String::from_utf8(output.into_inner()).unwrap(), both);
    }
}
