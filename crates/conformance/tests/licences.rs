//! Every dependency has a licence that `deny.toml` allows.

use std::process::Command;

/// The texts in the list `allow = [ … ]` of `deny.toml`.
fn allowed() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deny.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let list = text.split_once("allow = [").unwrap().1.split_once(']').unwrap().0;
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A licence expression is allowed if all parts of one of its alternatives are. A group in parentheses
/// comes first, as in every expression that occurs.
fn holds(expression: &str, allowed: &[String]) -> bool {
    if let Some((group, rest)) = expression.strip_prefix('(').and_then(|e| e.split_once(") AND ")) {
        return holds(group, allowed) && holds(rest, allowed);
    }
    expression.replace('/', " OR ").split(" OR ").any(|alternative| {
        alternative.split(" AND ").all(|part| allowed.iter().any(|name| name == part.trim()))
    })
}

/// The platform that the compiler builds for unless told otherwise.
fn host() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("a line `host: …`").to_owned()
}

#[test]
fn every_dependency_is_allowed() {
    let allowed = allowed();
    assert!(allowed.iter().any(|name| name == "MIT"));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // The packages of other platforms have not been downloaded.
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", &host()])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 20);
    for package in packages {
        let licence = package["license"].as_str().unwrap_or("");
        assert!(holds(licence, &allowed), "{} has the licence «{licence}»", package["name"]);
    }
}

#[test]
fn alternatives_and_conjunctions_are_understood() {
    let allowed = ["MIT".to_owned(), "Unicode-3.0".to_owned()];
    assert!(holds("MIT OR Apache-2.0", &allowed));
    assert!(holds("(MIT OR Apache-2.0) AND Unicode-3.0", &allowed));
    assert!(!holds("(MIT OR Apache-2.0) AND GPL-3.0", &allowed));
    assert!(!holds("GPL-3.0", &allowed));
    assert!(!holds("MIT AND GPL-3.0", &allowed));
    assert!(!holds("", &allowed));
}
