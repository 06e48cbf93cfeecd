//! What must not compile does not, and the compiler says what to do instead.
//!
//! The check is an assertion that the compiler evaluates when it generates code for a task of a concrete
//! type. So each case is a real build, against the library of this test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The library as cargo has built it for this test, or builds it now. Other builds of it, with other
/// features or of another version, may lie in the same folder.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["test", "--no-run", "--offline", "--message-format", "json"]);
        cargo.args(["--package", "horsepower-conformance", "--test", "refused"]);
        if let Some(folder) = target_folder() {
            cargo.arg("--target-dir").arg(folder);
        }
        let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages = output.stdout.split(|&byte| byte == b'\n');
        let library = messages.filter_map(|line| serde_json::from_slice(line).ok()).find_map(
            |message: serde_json::Value| {
                let target = &message["target"];
                let is_library = target["name"] == "horsepower" && target["kind"][0] == "lib";
                let files = message["filenames"].as_array().filter(|_| is_library)?;
                files
                    .iter()
                    .filter_map(|file| file.as_str())
                    .find(|file| file.ends_with(".rlib"))
                    .map(PathBuf::from)
            },
        );
        library.expect("cargo names the library")
    })
}

/// Where cargo has put this program: the folder with its mark.
fn target_folder() -> Option<PathBuf> {
    let program = std::env::current_exe().unwrap();
    let mut folders = program.ancestors();
    folders.find(|folder| folder.join("CACHEDIR.TAG").exists()).map(Path::to_owned)
}

/// Builds a program with this body of `main`, and returns what the compiler says.
fn build(body: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("program.rs");
    let program = format!("use horsepower::prelude::*;\nfn main() {{\n{body}\n}}\n");
    std::fs::write(&source, program).unwrap();
    let library = library();
    let libraries = library.parent().unwrap();
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

/// Functions that have to be written in another way: the message says in which, and is short.
#[test]
fn functions_that_are_no_tasks_are_refused_with_advice() {
    for (function, argument, advice) in [
        ("fn f(_: u8) -> ! { std::process::exit(1) }", "1", "`-> u8`"),
        ("async fn f(n: u8) -> u8 { n }", "1", "runs in a runtime inside the task"),
        ("fn f() -> &'static str { \"\" }", "\"x\"", "takes 0 arguments"),
        ("fn f(a: u8, b: u8) -> u8 { a + b }", "(1, 2)", "takes 2 arguments"),
        ("struct S<'a>(&'a str); fn f(n: u8) -> S<'static> { S(\"\") }", "1", "|s: String| f(&s)"),
    ] {
        let call =
            format!("{function}\nlet pool = InlineExecutor::new();\npool.submit(f, {argument});");
        let (built, text) = build(&call);
        assert!(!built, "{call} must not compile");
        assert!(text.contains(advice), "{call}: {text}");
        let error = text.split("\nerror").next().unwrap();
        assert!(error.lines().count() < 40, "{text}");
    }
}
