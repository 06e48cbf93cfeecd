//! Compiler messages with the line numbers of the user's code.
//!
//! `rustc` prints JSON, which contains each message as rendered for a terminal. The rendered text counts
//! the generated lines before the user's code. [`render`] subtracts them in locations (`<setup>:3:5`)
//! and in the margin of code excerpts.

use super::program::{SETUP, STATEMENT};
use serde::Deserialize;

/// A compiler message.
#[derive(Debug, Deserialize)]
pub(super) struct Diagnostic {
    message: String,
    level: String,
    rendered: Option<String>,
}

impl Diagnostic {
    /// Whether a bracket, a quote or a comment is unbalanced.
    pub(super) fn is_about_delimiters(&self) -> bool {
        self.message.contains("delimiter") || self.message.contains("unterminated")
    }

    /// Whether this only summarises other messages.
    fn is_summary(&self) -> bool {
        self.level == "failure-note" || self.message.starts_with("aborting due to")
    }
}

/// Parses the output of the compiler. A line that is not JSON becomes a message of its own.
pub(super) fn parse(output: &str) -> Vec<Diagnostic> {
    let diagnostic = |line: &str| {
        serde_json::from_str(line).unwrap_or_else(|_| Diagnostic {
            message: String::new(),
            level: String::new(),
            rendered: Some(format!("{line}\n")),
        })
    };
    output.lines().map(diagnostic).collect()
}

/// Renders messages as text. Subtracts `lines_before` from the line numbers of the user's files.
pub(super) fn render(diagnostics: &[Diagnostic], lines_before: usize) -> String {
    let messages = diagnostics.iter().filter(|diagnostic| !diagnostic.is_summary());
    let rendered = messages.filter_map(|diagnostic| diagnostic.rendered.as_deref());
    rendered.map(|rendered| renumber(rendered, lines_before)).collect()
}

/// Renumbers the lines in one message.
fn renumber(rendered: &str, lines_before: usize) -> String {
    let mut text = String::new();
    // Whether the current code excerpt, and the first one, are from the user's files. Text in the first
    // column (`error: …`, `help: …`) refers to the first location again, unless a new one follows.
    let mut in_user_file = false;
    let mut first = None;
    for line in rendered.lines() {
        if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            in_user_file = first.unwrap_or(false);
        }
        let trimmed = line.trim_start();
        if let Some(location) =
            trimmed.strip_prefix("--> ").or_else(|| trimmed.strip_prefix("::: "))
        {
            in_user_file = location.starts_with(SETUP) || location.starts_with(STATEMENT);
            first.get_or_insert(in_user_file);
        }
        let line = renumber_locations(line, lines_before);
        match renumber_margin(&line, lines_before).filter(|_| in_user_file) {
            Some(line) => text += &line,
            None => text += &line,
        }
        text.push('\n');
    }
    text
}

/// Renumbers the margin of a code line; `None` if the line has no number there.
fn renumber_margin(line: &str, lines_before: usize) -> Option<String> {
    let digits = line.find(|c: char| !c.is_ascii_digit())?;
    let number: usize = line[..digits].parse().ok()?;
    let number = number.saturating_sub(lines_before);
    Some(format!("{number:<digits$}{}", &line[digits..]))
}

/// Renumbers all locations in a line: `<setup>:3:5`, and ranges such as `<setup>:3:5: 4:1`.
fn renumber_locations(line: &str, lines_before: usize) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, file, after)) = next_file(rest) {
        text = text + before + file;
        rest = after;
        for separator in [":", ": "] {
            let Some(((line, column), after)) = location(rest, separator) else { break };
            text += &format!("{separator}{}:{column}", line.saturating_sub(lines_before));
            rest = after;
        }
    }
    text + rest
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

    #[test]
    fn the_users_lines_are_counted_from_one() {
        let rendered = "\
error[E0308]: mismatched types in {closure@<setup>:3:9: 4:11}
  --> <statement>:10:14
   |
10 | let v: i32 = \"a\";
   |        ---   ^^^ expected `i32`, found `&str`
   |
  ::: main.rs:10:1
   |
10 | fn main() {}
   |
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
  ::: main.rs:10:1
   |
10 | fn main() {}
   |
help: consider this
   |
9  ~ 2 | 3
";
        assert_eq!(renumber(rendered, 1), expected);
        assert_eq!(renumber(rendered, 0), rendered);
    }

    #[test]
    fn summaries_are_dropped_and_plain_text_is_kept() {
        let output = concat!(
            r#"{"message":"no","level":"error","rendered":"error: no\n"}"#,
            "\nrustup: no toolchain\n",
            r#"{"message":"aborting due to 1 previous error","level":"error","rendered":"x"}"#,
            "\n",
            r#"{"message":"For more information","level":"failure-note","rendered":"x"}"#,
        );
        assert_eq!(render(&parse(output), 1), "error: no\nrustup: no toolchain\n");
    }
}
