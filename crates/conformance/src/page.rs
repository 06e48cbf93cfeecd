//! Makes `docs/conformance.md`, the page of behaviours and the tests that show them.
//!
//! `behaviours.txt` lists the behaviours. A test names those that it shows in its own name or its
//! comment: `fn wa_03_first_exception`, `/// WA-03, WA-04: …`. `tests/suite.rs` says on which places a
//! row runs. `examples/page.rs` writes the page, and `tests/page.rs` checks that it is up to date.

use crate::place::Place;
use crate::suite::listed;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// One line of `behaviours.txt`.
#[derive(Debug)]
pub struct Behaviour {
    /// Its id, such as `WA-03`.
    pub id: String,
    /// The behaviour, in a sentence.
    pub text: String,
    /// How it differs from Python, or why it has no meaning here.
    pub note: String,
}

/// A test that carries ids, or a row of the suite.
#[derive(Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its file, from the root of the repository.
    pub file: String,
    /// Its name.
    pub name: String,
    /// The behaviours that it shows; a row may show one that is not in the list.
    pub ids: BTreeSet<String>,
    /// The places on which it runs, if it is a row of the suite.
    pub places: Option<BTreeSet<Place>>,
}

/// The areas, in the order of the page.
const AREAS: [(&str, &str); 12] = [
    ("PI", "Information about the process"),
    ("TI", "timeit"),
    ("TH", "Threads"),
    ("PR", "Processes"),
    ("PO", "Pools"),
    ("EX", "Executors"),
    ("VA", "Values"),
    ("FU", "Futures"),
    ("WA", "Waiting for several futures"),
    ("AC", "Futures in the order of their ends"),
    ("FA", "Faults"),
    ("SH", "Shutting down"),
];

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The behaviour, in a sentence.
///
/// # Panics
/// If a line is not three fields.
#[must_use]
pub fn behaviours() -> Vec<Behaviour> {
    let lines = include_str!("../behaviours.txt").lines();
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(behaviour).collect()
}

fn behaviour(line: &str) -> Behaviour {
    let mut fields = line.split('|').map(|field| field.trim().to_owned());
    let mut next = || fields.next().unwrap_or_else(|| panic!("three fields, not {line}"));
    Behaviour { id: next(), text: next(), note: next() }
}

impl Behaviour {
    /// True if there is nothing to test.
    fn has_no_meaning(&self) -> bool {
        self.note.starts_with("no meaning:")
    }
}

/// Every test of the repository that carries ids, and every row.
///
/// # Panics
/// If the sources cannot be read.
#[must_use]
pub fn shown() -> Vec<Shown> {
    let mut shown = Vec::new();
    let mut suites = String::new();
    for file in sources() {
        let text = fs::read_to_string(root().join(&file)).expect("a source file");
        shown.extend(tests_in(&file, &text));
        if file.starts_with("crates/conformance/tests/") {
            suites += &text;
        }
    }
    let listed: BTreeMap<_, _> =
        listed(&suites).map(|(row, places)| (row, places.collect())).collect();
    for shown in shown.iter_mut().filter(|shown| shown.places.is_some()) {
        shown.places = Some(listed.get(&*shown.name).cloned().unwrap_or_default());
    }
    shown
}

/// The Rust files of all crates, sorted.
fn sources() -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from("crates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let path = folder.join(entry.file_name());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path.display().to_string());
            }
        }
    }
    files.sort();
    files
}

/// The tests in a file that carry ids, and all rows.
fn tests_in(file: &str, text: &str) -> Vec<Shown> {
    let mut found = Vec::new();
    let (mut comment, mut is_test) = (String::new(), false);
    for line in text.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("///") {
            comment += words;
        } else if line.starts_with("#[") {
            is_test |= line == "#[test]";
        } else {
            let is_row = file.starts_with("crates/conformance/src/")
                && line.starts_with("pub ")
                && line.contains("(place: Place)");
            if let Some(name) = name_of_function(line).filter(|_| is_test || is_row) {
                let mut ids = ids_in_name(name);
                ids.extend(ids_in_comment(&comment));
                if is_row || !ids.is_empty() {
                    let (file, name) = (file.to_owned(), name.to_owned());
                    found.push(Shown { file, name, ids, places: is_row.then(BTreeSet::new) });
                }
            }
            (comment, is_test) = (String::new(), false);
        }
    }
    found
}

fn name_of_function(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("fn ")?;
    let words = ["", "pub ", "async ", "pub async ", "pub(crate) "];
    let name = rest.split(['(', '<']).next()?;
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (words.contains(&before) && is_name).then_some(name)
}

fn is_area(area: &str) -> bool {
    AREAS.iter().any(|known| known.0 == area)
}

/// The id at the beginning of a text, with one character between area and number.
fn id_at(text: &str, between: char) -> Option<String> {
    let (area, rest) = text.split_at_checked(2)?;
    let number = rest.strip_prefix(between)?.get(..2)?;
    let ends = !rest[3..].starts_with(|c: char| c.is_ascii_alphanumeric());
    let area = area.to_ascii_uppercase();
    let fits = ends && is_area(&area) && number.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| format!("{area}-{number}"))
}

/// `wa_03_wa_04_cancelled` carries two.
fn ids_in_name(mut name: &str) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    while let Some(id) = id_at(name, '_') {
        ids.insert(id);
        name = name.get(6..).unwrap_or_default();
    }
    ids
}

/// `WA-03, WA-04:` carries two, and `WA-03 to WA-05` three.
fn ids_in_comment(comment: &str) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let starts = comment.char_indices().filter(|(_, c)| c.is_ascii_uppercase());
    for (start, _) in starts {
        let before = comment[..start].chars().next_back();
        if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-') {
            continue;
        }
        let Some(first) = id_at(&comment[start..], '-') else { continue };
        let last = comment[start + 5..].strip_prefix(" to ").and_then(|rest| id_at(rest, '-'));
        let number = |id: &str| id[3..].parse::<u32>().unwrap_or_default();
        let last = last.map_or(number(&first), |last| number(&last));
        ids.extend((number(&first)..=last).map(|number| format!("{}-{number:02}", &first[..2])));
    }
    ids
}

/// What is wrong: a behaviour without a test or an explanation, an unknown id, a row that no suite lists.
#[must_use]
pub fn complaints() -> Vec<String> {
    let (behaviours, shown) = (behaviours(), shown());
    let mut complaints = Vec::new();
    let mut known = BTreeSet::new();
    for Behaviour { id, text, note } in &behaviours {
        if !known.insert(id) || !is_area(&id[..2]) || text.is_empty() {
            complaints.push(format!("{id}: once, in a known area, and with a text"));
        }
        if !["", "differs: ", "no meaning: "].iter().any(|kind| {
            note.strip_prefix(kind).is_some_and(|rest| kind.is_empty() == rest.is_empty())
        }) {
            complaints
                .push(format!("{id}: a note is «differs: …» or «no meaning: …», not «{note}»"));
        }
    }
    for behaviour in behaviours.iter().filter(|behaviour| !behaviour.has_no_meaning()) {
        if !shown.iter().any(|shown| shown.ids.contains(&behaviour.id)) {
            complaints.push(format!("{}: an unexplained gap: no test shows it", behaviour.id));
        }
    }
    for place in Place::ALL {
        let is_row = |row| shown.iter().any(|shown| shown.places.is_some() && shown.name == row);
        for (row, reason) in place.exemptions() {
            if !is_row(*row) || reason.is_empty() {
                complaints
                    .push(format!("{row}, from which {place} is exempt: a row, and a reason"));
            }
        }
    }
    for Shown { file, name, ids, places } in &shown {
        for id in ids.iter().filter(|id| !known.contains(id)) {
            complaints.push(format!("{id}, which {name} in {file} carries, is not in the list"));
        }
        if places.as_ref().is_some_and(BTreeSet::is_empty) {
            complaints.push(format!("{name} in {file} is listed by no suite, and never runs"));
        }
    }
    complaints
}

/// The text of the page.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(
        "# What horsepower does, and which tests show it\n\n\
         Made by `scripts/conformance` from `crates/conformance/behaviours.txt` and the ids that tests \
         carry;\ndo not edit it. The list comes from the tests of CPython 3.11, loky 3.7 and pebble 5.2, \
         the\nreferences of the field, and from what CPython 3.11 does where no test says it.\n\n\
         A name in code is a test function. Rows of the suite (`crates/conformance/src`) name the \
         executors on\nwhich they run: I in line, T on threads, P in processes, S through sockets.\n",
    );
    let (behaviours, shown) = (behaviours(), shown());
    for (area, title) in AREAS {
        page += &format!("\n## {title}\n\n| id | behaviour | shown by |\n|---|---|---|\n");
        for behaviour in behaviours.iter().filter(|behaviour| behaviour.id.starts_with(area)) {
            let Behaviour { id, text, note } = behaviour;
            let note = match note.split_once(": ") {
                Some((kind, why)) => {
                    format!(" *{}{}: {why}*", kind[..1].to_uppercase(), &kind[1..])
                }
                None => String::new(),
            };
            let tests = match tests_of(id, &shown) {
                tests if tests.is_empty() => "—".to_owned(),
                tests => tests,
            };
            let _ = writeln!(page, "| {id} | {text}{note} | {tests} |");
        }
    }
    page
}

/// The tests that show a behaviour, file by file.
fn tests_of(id: &str, shown: &[Shown]) -> String {
    let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for shown in shown.iter().filter(|shown| shown.ids.contains(id)) {
        let letter = |place: &Place| place.name()[..1].to_uppercase();
        let places = shown
            .places
            .iter()
            .map(|places| format!(" ({})", places.iter().map(letter).collect::<String>()));
        let test = format!("`{}`{}", shown.name, places.collect::<String>());
        files.entry(&shown.file).or_default().push(test);
    }
    let files = files.into_iter().map(|(file, tests)| {
        format!("[{}](../{file}): {}", file.trim_start_matches("crates/"), tests.join(", "))
    });
    files.collect::<Vec<_>>().join("<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: BTreeSet<String>) -> String {
        ids.into_iter().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ids_are_found_in_names_and_comments() {
        assert_eq!(ids(ids_in_name("pi_01_pi_02_the_ids")), "PI-01 PI-02");
        assert_eq!(ids(ids_in_name("wa_03")), "WA-03");
        for name in ["xx_03_what", "wa_034", "was_03", "a_wa_03", "wa_3"] {
            assert_eq!(ids(ids_in_name(name)), "", "{name}");
        }
        let found =
            ids_in_comment(" FA-05 to FA-08, SH-01 (EX-24): UTF-16, XPI-01, FU-001, «WA-02».");
        assert_eq!(ids(found), "EX-24 FA-05 FA-06 FA-07 FA-08 SH-01 WA-02");
    }

    #[test]
    fn only_tests_and_rows_count() {
        let text = "/// SH-01: a row,\n/// and SH-02.\n#[must_use]\npub fn one(place: Place) {}\n\
                    /// SH-03: no test.\nfn two() {}\n    #[test]\n    fn sh_04_a_test() {}\n\
                    /// SH-05: of something else\n\n#[test]\nfn five() {}\n#[test]\nfn $row() {}\n";
        let found = tests_in("crates/conformance/src/x.rs", text);
        let names: Vec<_> =
            found.iter().map(|shown| (&*shown.name, shown.places.is_some())).collect();
        assert_eq!(names, [("one", true), ("sh_04_a_test", false)]);
        assert_eq!(tests_in("crates/x/src/x.rs", text).len(), 1);
    }
}
