//! What must not compile does not, and the compiler says what to do instead.
//!
//! The check is an assertion that is evaluated when a task is made for a concrete type, which only a
//! real build does; so each case is built by the compiler, against the library of this test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The newest `libNAME-….rlib` among the libraries that this test was built with.
fn library(name: &str) -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let prefix = format!("lib{name}-");
    let candidates = program.parent().unwrap().read_dir().unwrap().filter_map(|entry| {
        let path = entry.unwrap().path();
        let file = path.file_name()?.to_str()?;
        let fits = file.starts_with(&prefix) && file.ends_with(".rlib");
        fits.then_some(path)
    });
    let age = |path: &PathBuf| {
        path.metadata().and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
    };
    candidates.max_by_key(age).expect("the library is built before this test")
}

/// Builds a program with this body of `main`, and returns what the compiler says.
fn build(body: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("program.rs");
    let program = format!("use horsepower::prelude::*;\nfn main() {{\n{body}\n}}\n");
    std::fs::write(&source, program).unwrap();
    let library = library("horsepower");
    let libraries: &Path = library.parent().unwrap();
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition", "2024", "--crate-type", "bin", "--emit", "link"])
        .arg("--extern")
        .arg(format!("horsepower={}", library.display()))
        .arg("-L")
        .arg(format!("dependency={}", libraries.display()))
        .arg("--out-dir")
        .arg(folder.path())
        .arg(source)
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

const SENTENCE: &str =
    "a task must be a plain function, named directly, or a closure that captures nothing";

#[test]
fn what_is_allowed_compiles() {
    let (built, text) = build(
        "fn add_one(n: u64) -> u64 { n + 1 }\n\
         let pool = InlineExecutor::new();\n\
         drop(pool.submit(add_one, 1));\n\
         drop(pool.submit(|n: u64| n + 1, 1));\n\
         drop(pool.submit(|(a, b)| u64::pow(a, b), (2, 10)));",
    );
    assert!(built, "{text}");
}

#[test]
fn captures_and_pointers_are_refused_with_advice() {
    for pool in [
        "InlineExecutor::new()",
        "ThreadPoolExecutor::new().unwrap()",
        "ProcessPoolExecutor::new().unwrap()",
    ] {
        for call in [
            "let k = 3; drop(pool.submit(move |n: u64| n + k, 1));",
            "let k = String::new(); drop(pool.submit(move |n: usize| n + k.len(), 1));",
            "let f: fn(u64) -> u64 = |n| n; drop(pool.submit(f, 1));",
            "let k = 3; drop(pool.map(move |n: u64| n + k, [1]));",
        ] {
            let (built, text) = build(&format!("let pool = {pool};\n{call}"));
            assert!(!built, "{call} must not compile");
            assert!(text.contains(SENTENCE), "{call}: {text}");
            assert!(text.contains("use `spawn`"), "{text}");
        }
    }
}

#[test]
fn values_that_cannot_travel_are_refused_with_advice() {
    let (built, text) = build(
        "struct Mine;\nlet pool = InlineExecutor::new();\ndrop(pool.submit(|_: Mine| 1, Mine));",
    );
    assert!(!built);
    assert!(text.contains("cannot travel to another process"), "{text}");
    assert!(text.contains("derive `serde::Serialize` and `serde::Deserialize`"), "{text}");
}
