//! `docs/conformance.md` is up to date, and without unexplained gaps.

use horsepower_conformance::page;

#[test]
fn every_behaviour_is_shown_or_explained() {
    let complaints = page::complaints();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    assert!(page::behaviours().len() > 150 && page::shown().len() > 150);
}

#[test]
fn the_page_is_up_to_date() {
    let written = std::fs::read_to_string(page::root().join("docs/conformance.md")).unwrap();
    assert!(written == page::page(), "run scripts/conformance");
}
