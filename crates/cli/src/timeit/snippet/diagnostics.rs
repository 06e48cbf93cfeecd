//! Compiler messages that speak of the user's lines alone.
//!
//! `rustc` prints JSON, which contains each message as rendered for a terminal. The rendered text counts
//! the generated lines before the user's code, and shows generated lines. [`render`] rewrites it, with
//! [`excerpt`](super::excerpt).

use super::excerpt;
use super::source::Source;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// A compiler message.
#[derive(Debug, Deserialize)]
pub(super) struct Diagnostic {
    pub(super) message: String,
    level: String,
    rendered: Option<String>,
    #[serde(default)]
    children: Vec<Note>,
    /// Empty if the message is not about code.
    #[serde(default)]
    spans: Vec<IgnoredAny>,
}

/// A note below a message.
#[derive(Debug, Deserialize)]
struct Note {
    message: String,
}

impl Diagnostic {
    /// Whether a bracket, a quote or a comment is unbalanced.
    pub(super) fn is_about_delimiters(&self) -> bool {
        self.message.contains("delimiter") || self.message.contains("unterminated")
    }

    /// Whether the code applies `?` to something that cannot leave the function with it.
    pub(super) fn is_about_question_mark(&self) -> bool {
        self.message.contains("`?` operator") || self.message.starts_with("`?` couldn't convert")
    }

    /// Whether the code applies `?` to an `Option`, in a function that returns a `Result`.
    pub(super) fn needs_option(&self) -> bool {
        self.message.contains("`?` operator") && self.message.contains("not `Option`s")
    }

    /// If the code leaves a value unused that does nothing unless it is used, what the compiler says
    /// about such values: `iterators are lazy and do nothing unless consumed`. So does the name of a
    /// function.
    pub(super) fn does_nothing(&self) -> Option<&str> {
        if self.message == "path statement with no effect" {
            return Some("it only names something, and does not call it");
        }
        let notes = self.children.iter().map(|note| &*note.message);
        notes.into_iter().find(|note| note.contains("do nothing unless"))
    }

    /// Whether the compiler, or the linker, says that the disk has no space left.
    pub(super) fn is_about_space(&self) -> bool {
        // A linker that writes through a memory map gets SIGBUS instead of an error.
        let signs = ["No space left on device", "os error 28", "Disk quota exceeded", "Bus error"];
        let text = self.rendered.as_deref().unwrap_or_default();
        self.spans.is_empty() && signs.into_iter().any(|sign| text.contains(sign))
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
            children: Vec::new(),
            spans: Vec::new(),
        })
    };
    output.lines().map(diagnostic).collect()
}

/// Renders messages as text. A source means that they are about the program generated around it.
pub(super) fn render(diagnostics: &[Diagnostic], source: Option<&Source>) -> String {
    let messages = diagnostics.iter().filter(|diagnostic| !diagnostic.is_summary());
    let rendered = messages.filter_map(|diagnostic| diagnostic.rendered.as_deref());
    rendered
        .map(|rendered| match source {
            Some(source) => excerpt::rewrite(rendered, source),
            None => rendered.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_code_about_it() {
        let about = |spans: &str| {
            let text = "ld: final link failed: No space left on device";
            let json = format!(
                r#"{{"message":"linking failed","level":"error","rendered":"{text}","spans":{spans}}}"#
            );
            parse(&json)[0].is_about_space()
        };
        assert!(about("[]"));
        assert!(!about("[{}]"));
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
        assert_eq!(render(&parse(output), None), "error: no\nrustup: no toolchain\n");
    }
}
