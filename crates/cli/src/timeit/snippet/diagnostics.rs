//! What the compiler says, told about the user's own lines.
//!
//! The compiler is asked for JSON, which has its messages as it would show them in a terminal. In
//! those, the line numbers of the user's files are put right: in places (`<setup>:3:5`) and in the
//! margin.

use super::program::{SETUP, STATEMENT};
use serde::Deserialize;

/// A message of the compiler.
#[derive(Debug, Deserialize)]
pub(super) struct Diagnostic {
    message: String,
    level: String,
    rendered: Option<String>,
}

impl Diagnostic {
    /// Whether a bracket, a quote or a comment is not closed, or closed too often.
    pub(super) fn is_about_delimiters(&self) -> bool {
        self.message.contains("delimiter") || self.message.contains("unterminated")
    }

    /// Whether it says no more than that there were others.
    fn is_summary(&self) -> bool {
        self.level == "failure-note" || self.message.starts_with("aborting due to")
    }
}

/// The messages in what the compiler printed; a line that is no JSON is a message as it is.
pub(super) fn parse(said: &str) -> Vec<Diagnostic> {
    let diagnostic = |line: &str| {
        serde_json::from_str(line).unwrap_or_else(|_| Diagnostic {
            message: String::new(),
            level: String::new(),
            rendered: Some(format!("{line}\n")),
        })
    };
    said.lines().map(diagnostic).collect()
}

/// The messages as a text, with so many lines before the user's own not counted.
pub(super) fn told(diagnostics: &[Diagnostic], lines_before: usize) -> String {
    let told = diagnostics.iter().filter(|diagnostic| !diagnostic.is_summary());
    let rendered = told.filter_map(|diagnostic| diagnostic.rendered.as_deref());
    rendered.map(|rendered| put_right(rendered, lines_before)).collect()
}

/// A message with its line numbers put right.
fn put_right(rendered: &str, lines_before: usize) -> String {
    let mut text = String::new();
    // Whether the lines of code that are shown now, and those shown first, are the user's. What
    // begins in the first column (`error: …`, `help: …`) is about the first place again, unless
    // another is named.
    let mut users = false;
    let mut first = None;
    for line in rendered.lines() {
        if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            users = first.unwrap_or(false);
        }
        let place = line.trim_start();
        if let Some(place) = place.strip_prefix("--> ").or_else(|| place.strip_prefix("::: ")) {
            users = place.starts_with(SETUP) || place.starts_with(STATEMENT);
            first.get_or_insert(users);
        }
        let line = places(line, lines_before);
        match margin(&line, lines_before).filter(|_| users) {
            Some(line) => text += &line,
            None => text += &line,
        }
        text.push('\n');
    }
    text
}

/// A line of code with the number in its margin put right; `None` if there is none.
fn margin(line: &str, lines_before: usize) -> Option<String> {
    let digits = line.find(|c: char| !c.is_ascii_digit())?;
    let number: usize = line[..digits].parse().ok()?;
    let number = number.saturating_sub(lines_before);
    Some(format!("{number:<digits$}{}", &line[digits..]))
}

/// A line with the places in it put right: `<setup>:3:5`, and `<setup>:3:5: 4:1` for a range.
fn places(line: &str, lines_before: usize) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, file, after)) = next_place(rest) {
        text = text + before + file;
        rest = after;
        for separator in [":", ": "] {
            let Some((place, after)) = place(rest, separator) else { break };
            let (line, column) = place;
            text += &format!("{separator}{}:{column}", line.saturating_sub(lines_before));
            rest = after;
        }
    }
    text + rest
}

/// What stands before the name of a file of the user's, the name, and what stands behind it.
fn next_place(text: &str) -> Option<(&str, &str, &str)> {
    let found = [SETUP, STATEMENT].into_iter().filter_map(|file| Some((text.find(file)?, file)));
    let (at, file) = found.min()?;
    let (before, after) = text.split_at(at);
    Some((before, file, &after[file.len()..]))
}

/// Line and column after a separator, and what follows.
fn place<'a>(text: &'a str, separator: &str) -> Option<((usize, usize), &'a str)> {
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
    fn the_users_lines_are_counted_from_the_first() {
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
        assert_eq!(put_right(rendered, 1), expected);
        assert_eq!(put_right(rendered, 0), rendered);
    }

    #[test]
    fn summaries_are_left_out_and_other_words_are_not() {
        let said = concat!(
            r#"{"message":"no","level":"error","rendered":"error: no\n"}"#,
            "\nrustup: no toolchain\n",
            r#"{"message":"aborting due to 1 previous error","level":"error","rendered":"x"}"#,
            "\n",
            r#"{"message":"For more information","level":"failure-note","rendered":"x"}"#,
        );
        assert_eq!(told(&parse(said), 1), "error: no\nrustup: no toolchain\n");
    }
}
