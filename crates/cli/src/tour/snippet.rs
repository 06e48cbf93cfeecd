//! The part of a source file that is shown: what stands between the marked lines.
//!
//! The file is the very one that was compiled, so what is shown is what runs.

const BEGIN: &str = "// tour:begin";
const END: &str = "// tour:end";

/// The marked lines of a source file, without the indentation that they have in common. Several marked
/// parts are joined by a blank line.
///
/// # Panics
/// If nothing is marked; a test sees to it that this cannot be.
pub(super) fn marked(source: &str) -> String {
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
    assert!(part.is_none() && !parts.is_empty(), "a section has marked code");
    parts.join("\n")
}

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
    fn what_is_marked_is_shown_and_nothing_else() {
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
        assert_eq!(marked(source), "fn f() {\n    1\n}\n\nif x {\n\n    f();\n}\n");
    }

    #[test]
    #[should_panic(expected = "has marked code")]
    fn a_file_without_marks_is_a_mistake() {
        marked("fn f() {}\n");
    }

    #[test]
    #[should_panic(expected = "has marked code")]
    fn an_end_must_not_be_forgotten() {
        marked("// tour:begin\nfn f() {}\n");
    }
}
