//! [`rewrite`]: one rendered compiler message, without the generated program.
//!
//! It renumbers the user's lines from 1, and drops what is not the user's: generated lines in the
//! user's files, excerpts of other generated files, and notes about generated names. A message about
//! the end of the generated file becomes one about the end of the code.
//!
//! A message consists of blocks, which begin with text in the first column: the message itself, then
//! notes and helps with excerpts of their own.

use super::program::{LINES_BEFORE, MAIN, SETUP, STATEMENT, TIMING, VALUE};
use super::source::Source;

pub(super) fn rewrite(rendered: &str, source: &Source) -> String {
    let mut rendered = rendered.replace(VALUE, STATEMENT);
    for (generated, users) in [
        ("Result<Timing, Failure>", "Result"),
        ("Result<Timing, ...>", "Result"),
        ("Option<Timing>", "Option"),
        ("__horsepower_time::", ""),
    ] {
        rendered = rendered.replace(generated, users);
    }
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    for line in rendered.lines() {
        match blocks.last_mut() {
            Some(block) if !line.starts_with(|c: char| c.is_ascii_alphabetic()) => block.push(line),
            _ => blocks.push(vec![line]),
        }
    }
    let mut text = String::new();
    // An excerpt without a location is from the file of the message.
    let mut main_file = File::Other;
    for (index, lines) in blocks.iter().enumerate() {
        let mut block = Block::new(source, main_file);
        for line in lines {
            block.push(line);
        }
        if index == 0 {
            main_file = block.first_file.unwrap_or(File::Other);
            if main_file == File::Generated {
                block.keep(format!(" --> {STATEMENT}"));
            }
        } else if block.is_generated() {
            continue;
        }
        text += &block.finish();
    }
    // The empty line before the next message.
    if rendered.ends_with("\n\n") { text + "\n" } else { text }
}

/// The file of an excerpt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum File {
    Setup,
    Statement,
    Generated,
    Other,
}

impl File {
    fn of(location: &str) -> File {
        let is = |file: &str| location.starts_with(&format!("{file}:"));
        if is(SETUP) {
            File::Setup
        } else if is(STATEMENT) {
            File::Statement
        } else if is(MAIN) || is(TIMING) {
            File::Generated
        } else {
            File::Other
        }
    }
}

/// What the lines that follow belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Kept,
    /// Marks below a generated line; true if the line comes after the user's code.
    Marks(bool),
    /// A note, or an excerpt, about the generated program.
    Dropped,
}

struct Block<'a> {
    source: &'a Source,
    file: File,
    /// The first file that is not generated, else `Generated`.
    first_file: Option<File>,
    part: Part,
    lines: Vec<String>,
    /// Whether the message is about the end of the code.
    at_end: bool,
    /// The highest line number shown, and whether a line was not shown.
    shown: usize,
    dropped: bool,
}

impl Block<'_> {
    fn new(source: &Source, file: File) -> Block<'_> {
        let (first_file, part, lines) = (None, Part::Kept, Vec::new());
        Block { source, file, first_file, part, lines, at_end: false, shown: 0, dropped: false }
    }

    fn push(&mut self, line: &str) {
        let trimmed = line.trim_start();
        if let Some(location) =
            trimmed.strip_prefix("--> ").or_else(|| trimmed.strip_prefix("::: "))
        {
            self.file = File::of(location);
            let generated = self.file == File::Generated;
            if matches!(self.first_file, None | Some(File::Generated)) {
                // An arrow, even if the message points to the generated program first.
                let first = trimmed.replacen("::: ", "--> ", 1);
                self.first_file = Some(self.file);
                self.part = if generated { Part::Dropped } else { Part::Kept };
                if !generated {
                    let indent = &line[..line.len() - trimmed.len()];
                    let line = self.renumber_locations(&format!("{indent}{first}"));
                    self.keep(line);
                }
                return;
            }
            self.part = if generated { Part::Dropped } else { Part::Kept };
        } else if trimmed.starts_with("= ") {
            let generated = line.contains("__horsepower") || line.contains(TIMING);
            self.part = if generated { Part::Dropped } else { Part::Kept };
        } else if let Some((number, rest)) = margin(line)
            && self.part != Part::Dropped
            && self.is_users()
        {
            self.code_line(line, number, rest);
            return;
        }
        match self.part {
            Part::Kept => {
                let line = self.renumber_locations(line);
                self.keep(line);
            }
            Part::Marks(true) if trimmed.starts_with('|') && line.contains('^') => {
                self.mark_end(line);
            }
            // The bar that separates excerpts.
            Part::Marks(_) if trimmed == "|" => self.keep(line.to_owned()),
            Part::Marks(_) if !trimmed.starts_with('|') => self.keep(line.to_owned()),
            Part::Marks(_) | Part::Dropped => {}
        }
    }

    fn is_users(&self) -> bool {
        matches!(self.file, File::Setup | File::Statement)
    }

    fn users_lines(&self) -> Vec<&str> {
        let text =
            if self.file == File::Setup { &self.source.setup } else { &self.source.statement };
        let lines: Vec<_> = text.lines().collect();
        if lines.is_empty() { vec![""] } else { lines }
    }

    /// A line of code, with its number in the margin.
    fn code_line(&mut self, line: &str, number: usize, rest: &str) {
        let after = number > LINES_BEFORE + self.users_lines().len();
        if number <= LINES_BEFORE || after || line.contains("include!(\"<") {
            self.part = Part::Marks(after);
            self.at_end |= after;
            self.dropped = true;
            return;
        }
        self.part = Part::Kept;
        self.shown = number - LINES_BEFORE;
        let width = line.len() - rest.len();
        let rest = match rest.strip_prefix(" | ").and_then(|text| self.unblanked(text)) {
            Some(line) => format!(" | {line}"),
            None => self.renumber_locations(rest),
        };
        // Different versions of the compiler align the numbers differently.
        self.lines.push(match line.starts_with(' ') {
            true => format!("{:>width$}{rest}", self.shown),
            false => format!("{:<width$}{rest}", self.shown),
        });
    }

    /// The user's line, if this is what remains of it when the value is in a file of its own: what is
    /// before the value, or the value after blanks. Other alphabets stay blank, because marks below
    /// could shift.
    fn unblanked(&self, text: &str) -> Option<&str> {
        let line = *self.users_lines().get(self.shown - 1)?;
        if !text.is_empty() && line.starts_with(text) {
            return Some(line);
        }
        let before = line.strip_suffix(text.trim_start())?;
        (before.is_ascii() && before.len() == text.len() - text.trim_start().len()).then_some(line)
    }

    /// Marks the end of the user's code instead of a generated line after it.
    fn mark_end(&mut self, marks: &str) {
        let lines = self.users_lines();
        let (count, last) = (lines.len(), lines.last().map_or("", |line| *line).to_owned());
        let margin = marks.find('|').unwrap_or(0);
        if self.shown < count {
            self.shown = count;
            self.lines.push(format!("{count:<margin$}| {last}"));
        }
        let column = last.chars().count();
        self.lines.push(format!("{:margin$}| {:column$}^", "", ""));
        self.at_end = true;
        self.part = Part::Marks(false);
    }

    fn keep(&mut self, line: String) {
        // A bar without an excerpt below it.
        let bar = |line: &str| line.trim() == "|";
        if bar(&line) && self.lines.last().is_some_and(|last| bar(last)) {
            return;
        }
        self.lines.push(line);
    }

    /// Renumbers all locations in a line: `<setup>:3:5`, and ranges such as `<setup>:3:5: 4:1`.
    fn renumber_locations(&mut self, line: &str) -> String {
        let mut text = String::new();
        let mut rest = line;
        while let Some((before, file, after)) = next_file(rest) {
            text = text + before + file;
            rest = after;
            for separator in [":", ": "] {
                let Some(((line, column), after)) = location(rest, separator) else { break };
                let (line, column) = self.users_place(file, line, column);
                text += &format!("{separator}{line}:{column}");
                rest = after;
            }
        }
        text + rest
    }

    fn users_place(&mut self, file: &str, line: usize, column: usize) -> (usize, usize) {
        let text = if file == SETUP { &self.source.setup } else { &self.source.statement };
        let count = text.lines().count().max(1);
        let line = line.saturating_sub(LINES_BEFORE);
        if line > count {
            self.at_end = true;
            return (count, text.lines().last().unwrap_or_default().chars().count() + 1);
        }
        if line == 0 { (1, 1) } else { (line, column) }
    }

    /// Whether this note is about the generated program alone.
    fn is_generated(&self) -> bool {
        self.first_file.unwrap_or(self.file) == File::Generated
            || (self.dropped && self.shown == 0)
            || self.lines.iter().any(|line| line.contains("__horsepower"))
    }

    fn finish(mut self) -> String {
        if self.at_end
            && let Some(title) = self.lines.first_mut()
        {
            for found in ["found `)`", "found `}`", "found `;`"] {
                *title = title.replace(found, "found the end of the code");
            }
        }
        let empty = |line: &String| matches!(line.trim(), "" | "|");
        while self.lines.len() > 1 && self.lines.last().is_some_and(empty) {
            self.lines.pop();
        }
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// The number in the margin of a line, and what follows it; `None` if there is none.
fn margin(line: &str) -> Option<(usize, &str)> {
    let (number, rest) = number(line.trim_start())?;
    rest.starts_with(' ').then_some((number, rest))
}

/// Splits a text at the first name of a user file: the text before it, the name, the text after it.
fn next_file(text: &str) -> Option<(&str, &str, &str)> {
    let found = [SETUP, STATEMENT].into_iter().filter_map(|file| Some((text.find(file)?, file)));
    let (at, file) = found.min()?;
    let (before, after) = text.split_at(at);
    Some((before, file, &after[file.len()..]))
}

/// Parses a line and a column after a separator; returns them and the rest.
fn location<'a>(text: &'a str, separator: &str) -> Option<((usize, usize), &'a str)> {
    let (line, rest) = number(text.strip_prefix(separator)?)?;
    let (column, rest) = number(rest.strip_prefix(':')?)?;
    Some(((line, column), rest))
}

fn number(text: &str) -> Option<(usize, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(setup: &str, statement: &str) -> Source {
        Source { setup: setup.to_owned(), statement: statement.to_owned() }
    }

    #[test]
    fn the_users_lines_are_counted_from_one() {
        let rendered = "\
error[E0308]: mismatched types in {closure@<setup>:3:9: 4:11}
  --> <statement>.value:10:14
   |
10 | let v: i32 = \"a\";
   |        ---   ^^^ expected `i32`, found `&str`
   |
  ::: main.rs:10:1
   |
10 | fn main() {}
   | --------- expected because of this
   |
   = note: expected
note: a note
  --> main.rs:1:1
   |
1  | fn __horsepower_time() {}
   |    ^^^^^
help: consider this
   |
10 ~ 2 | 3
";
        let expected = "\
error[E0308]: mismatched types in {closure@<setup>:2:9: 3:11}
  --> <statement>:9:14
   |
9  | let v: i32 = \"a\";
   |        ---   ^^^ expected `i32`, found `&str`
   |
   = note: expected
help: consider this
   |
9  ~ 2 | 3
";
        let lines = "line\n".repeat(9);
        assert_eq!(rewrite(rendered, &source(&lines, &lines)), expected);
    }

    #[test]
    fn a_generated_line_after_the_code_is_its_end() {
        let rendered = "\
error: expected expression, found `)`
 --> <statement>:3:1
  |
3 | )
  | ^ expected expression
";
        let expected = "\
error: expected expression, found the end of the code
 --> <statement>:1:4
  |
1 | 1 +
  |    ^
";
        assert_eq!(rewrite(rendered, &source("", "1 +")), expected);
    }

    #[test]
    fn a_value_is_shown_in_its_line() {
        let rendered = "\
error: no
 --> <statement>.value:2:8
  |
2 |        a + b
  |        ^
";
        let whole = "error: no\n --> <statement>:1:8\n  |\n1 | f(); ( a + b\n  |        ^\n";
        assert_eq!(rewrite(rendered, &source("", "f(); ( a + b")), whole);
        assert!(rewrite(rendered, &source("", "f(); é a + b")).contains("\n1 |        a + b\n"));
        assert!(rewrite(rendered, &source("", "a + b")).contains("\n1 |        a + b\n"));
    }

    #[test]
    fn generated_lines_are_dropped() {
        let rendered = "\
error: expected `;`, found `}`
 --> <statement>:2:10
  |
2 | let a = 1
  |          ^ help: add `;` here
3 | }
  | - unexpected token
";
        let expected = "\
error: expected `;`, found the end of the code
 --> <statement>:1:10
  |
1 | let a = 1
  |          ^ help: add `;` here
";
        assert_eq!(rewrite(rendered, &source("", "let a = 1")), expected);
    }
}
