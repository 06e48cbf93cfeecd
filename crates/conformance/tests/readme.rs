//! The README in English and the one in Korean agree: the same code, headings and links, and the same
//! names in each row of a table.

use std::fs;

/// What the two must agree on.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shape {
    /// Fenced blocks, the fences included, in order.
    code: Vec<String>,
    /// How deep each heading is, in order.
    headings: Vec<usize>,
    /// For each row of a table: the number of cells, and the code in it, sorted because word order
    /// differs between languages.
    rows: Vec<(usize, Vec<String>)>,
    /// Where links lead, sorted.
    links: Vec<String>,
    /// The other file.
    other: Option<String>,
}

fn shape(file: &str) -> Shape {
    let path = format!("{}/../../{file}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).unwrap();
    let mut shape = Shape::default();
    let mut block: Option<String> = None;
    for line in text.lines() {
        let is_fence = line.starts_with("```");
        match &mut block {
            Some(code) => {
                *code += &format!("{}\n", without_comment(line));
                if is_fence {
                    shape.code.extend(block.take());
                }
            }
            None if is_fence => block = Some(format!("{line}\n")),
            None => shape.prose(line),
        }
    }
    assert_eq!(block, None, "{file}: a block has no end");
    shape.links.sort_unstable();
    shape
}

/// A line of code; its comment is translated.
fn without_comment(line: &str) -> &str {
    let comment = [" // ", "  # "].iter().filter_map(|mark| line.find(mark)).min();
    line[..comment.unwrap_or(line.len())].trim_end()
}

impl Shape {
    fn prose(&mut self, line: &str) {
        if line.starts_with('#') {
            self.headings.push(line.chars().take_while(|&c| c == '#').count());
        }
        if line.starts_with('|') {
            let mut code = code_in(line);
            code.sort_unstable();
            self.rows.push((line.matches('|').count(), code));
        }
        for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.starts_with("README") {
                self.other = Some(target.to_owned());
            } else {
                self.links.push(target.to_owned());
            }
        }
    }
}

/// What stands between single backquotes.
fn code_in(line: &str) -> Vec<String> {
    line.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_two_readmes_say_the_same() {
    let mut english = shape("README.md");
    let mut korean = shape("README.ko.md");
    assert_eq!(english.other.take().as_deref(), Some("README.ko.md"));
    assert_eq!(korean.other.take().as_deref(), Some("README.md"));
    assert!(!english.code.is_empty() && english.rows.len() > 20 && english.links.len() > 3);
    for (row, other) in english.rows.iter().zip(&korean.rows) {
        assert_eq!(row, other, "a row of README.md, and that of README.ko.md");
    }
    assert_eq!(english, korean);
}

#[test]
fn links_lead_somewhere() {
    for target in shape("README.md").links {
        let path = format!("{}/../../{target}", env!("CARGO_MANIFEST_DIR"));
        assert!(fs::exists(path).unwrap(), "{target}");
    }
}
