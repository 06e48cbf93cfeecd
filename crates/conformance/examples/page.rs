//! Writes `docs/conformance.md` anew. Called by `scripts/conformance`.

use horsepower_conformance::page;

fn main() {
    let file = page::root().join("docs/conformance.md");
    std::fs::write(file, page::page()).expect("the page");
    for complaint in page::complaints() {
        eprintln!("{complaint}");
    }
}
