//! Extracts the code of a section: the lines between the markers in its source file.
//!
//! The source file is the one that was compiled, so the code shown is the code that runs.

const BEGIN: &str = "// tour:begin";
const END: &str = "// tour:end";

/// Returns the lines between markers, without their common indentation. A blank line separates several
/// parts.
///
/// # Panics
/// If no part is marked, or if an end marker is missing. A test checks every section.
pub(super) fn extract(source: &str) -> String {
    let mut parts = Vec::new();
    let mut part: Option<Vec<&str>> = None;
    for line in source.lines() {
        match (line.trim(), &mut part) {
            (BEGIN, None) => part = Some(Vec::new()),
            (END, Some(lines)) => {
                parts.push(unindented(lines));
                part = None;
            }
            (_, Some(lines)) => lines.push(line),
            (_, None) => {}
        }
    }
    assert!(part.is_none() && !parts.is_empty(), "every section has marked code");
    parts.join("\n")
}

/// Removes the common indentation.
fn unindented(lines: &[&str]) -> String {
    let indentation = |line: &&str| line.len() - line.trim_start().len();
    let filled = lines.iter().filter(|line| !line.trim().is_empty());
    let common = filled.map(indentation).min().unwrap_or(0);
    lines.iter().map(|line| format!("{}\n", line.get(common..).unwrap_or(""))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marked_lines_are_extracted() {
        let source = "\
use a;
// tour:begin
fn f() {
    1
}
// tour:end
fn run() {
    // tour:begin
    if x {

        f();
    }
    // tour:end
}
";
        assert_eq!(extract(source), "fn f() {\n    1\n}\n\nif x {\n\n    f();\n}\n");
    }

    #[test]
    #[should_panic(expected = "has marked code")]
    fn a_file_without_markers_panics() {
        extract("fn f() {}\n");
    }

    #[test]
    #[should_panic(expected = "has marked code")]
    fn a_missing_end_marker_panics() {
        extract("// tour:begin\nfn f() {}\n");
    }
}
