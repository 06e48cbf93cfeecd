//! `horsepower timeit`: which code it takes, and what it says about code that is wrong.

#![cfg(target_os = "linux")]

mod program;

use program::run_timeit;

/// Checks that this code is timed, and returns the standard error.
fn timed(arguments: &[&str]) -> String {
    let outcome = run_timeit(["-n2", "-r1"].iter().chain(arguments));
    assert_eq!(outcome.code(), Some(0), "{arguments:?}: {outcome:?}");
    assert!(outcome.stdout().contains("2 loops, best of 1: "), "{outcome:?}");
    outcome.stderr().to_owned()
}

/// Checks that this code is not timed and that the message does not speak of the generated program, and
/// returns the message.
fn refused(arguments: &[&str]) -> String {
    let outcome = run_timeit(["-n2", "-r1"].iter().chain(arguments));
    assert_eq!((outcome.code(), outcome.stdout()), (Some(1), ""), "{arguments:?}: {outcome:?}");
    for generated in
        ["__horsepower", "main.rs", "<timing>", ".value", "include!", "Timing", "Failure"]
    {
        assert!(!outcome.stderr().contains(generated), "{arguments:?}: {}", outcome.stderr());
    }
    outcome.stderr().to_owned()
}

#[test]
fn values_may_borrow_from_temporaries() {
    for code in [
        &["vec![3, 1, 2].iter().max()"][..],
        &["\"a-b\".replace(\"-\", \",\").split(\",\").collect::<Vec<_>>()"],
        &["let v = vec![3, 1, 2];", "v.iter().max()"],
        &["let s = \"a-b\".to_owned();", "s.replace(\"-\", \",\").split(\",\").max()"],
        &["// a note", "vec![1].first() // another"],
        &["std::cell::RefCell::new(vec![1]).borrow().iter().max()"],
        &["String::from(\"é\").as_str().trim()"],
        &["match vec![1].first() { Some(a) => *a, None => 0 }"],
        &["if true { 1 } else { 2 } + 3"],
        &["{ 1 } - 1"],
        &["std::sync::Mutex::new(1).lock().unwrap()"],
        &["&mut vec![1]"],
        &["|x: &i32| *x"],
        &["..5"],
        &["let mut v = vec![1]; for _ in 0..2 { v.push(1) } &v"],
        &["if true { print!(\"\") }", "*&1"],
        &["fn f() -> i32 { 1 } f()"],
        &["let a = 1; print!(\"{a}\")"],
        &["let a = 1; vec![a].first()"],
        &["#[allow(clippy::all)] 1"],
        &["while false {}"],
        &["let a;", "a = 1", "+ 1;", "a"],
        &[";"],
        &[""],
    ] {
        for edition in ["2021", "2024"] {
            timed(&[&["--edition", edition][..], code].concat());
        }
    }
}

#[test]
fn code_of_all_kinds() {
    for arguments in [
        &["-s", "#[derive(Clone, Debug)] struct A<'a, T> { t: &'a T }", "A { t: &1 }.clone()"][..],
        &["-s", "macro_rules! two { ($e:expr) => { ($e, $e) } }", "two!(1)"],
        &["-s", "macro_rules! set { ($n:ident) => { let $n = 1; let _ = $n; } }", "set!(a);"],
        &["-s", "fn id<T: Copy>(t: T) -> T { t }", "id::<u8>(1)"],
        &["-s", "let add = |a: i32| a + 1;", "add(1)"],
        &["-s", "let mut n = 0;", "n += 1; n"],
        &["-s", "let name = \"é😀\";", "name.chars().rev().collect::<String>()"],
        &["-s", "let mut v = vec![1];\r\nv.push(2);\r", "v.len();\r\nv.iter().max()\r"],
        &["-s", "use std::collections::BTreeMap as Map;", "Map::from([(1, 2)])"],
        &["let r#type = 1; r#type"],
        &["let block_on = 1; block_on"],
        &["-s", "fn block_on(n: i32) -> i32 { n }", "block_on(1)"],
        &["--edition", "2015", "let async = 1; async"],
        &["--edition", "2018", "Some(\"5\".parse::<i32>()?)"],
    ] {
        timed(arguments);
    }
}

#[test]
fn question_marks_work() {
    timed(&["\"5\".parse::<i32>()?"]);
    timed(&[
        "-s",
        "let n: u8 = \"6\".parse()?;",
        "let m = n.checked_add(1).ok_or(\"too large\")?; m",
    ]);
    timed(&["-s", "let v = vec![1]; let first = v.first()?;", "v.get(0)? + first"]);
    timed(&["-s", "fn f() -> Result<i32, Box<dyn std::error::Error>> { Ok(1) }", "f()?"]);

    assert!(refused(&["\"x\".parse::<i32>()?"]).contains("returned an error: ParseIntError"));
    assert!(refused(&["-s", "Err(\"in the setup\")?", "1"]).contains("\"in the setup\""));
    assert_eq!(refused(&["None::<i32>?"]), "the code returned `None`\n");
    // As in a function, there is no way to leave with both.
    let message = refused(&["-s", "\"5\".parse::<i32>()?;", "Some(1)?"]);
    assert!(message.contains("--> <statement>:1:8\n"), "{message}");
}

#[test]
fn misplaced_keywords_are_explained() {
    let message = refused(&["let a = 1;", "if a == 2 { return; }"]);
    assert!(message.starts_with("error: `return` outside a function\n --> <statement>:2:13\n"));
    let message = refused(&["-s", "return", "1"]);
    assert!(message.contains("--> <setup>:1:1\n"), "{message}");
    let message = refused(&["-s", "async fn f() {}", "f().await"]);
    assert!(message.contains("--> <statement>:1:5\n"), "{message}");
    assert!(message.contains("help: `block_on("), "{message}");
    // Where only the compiler finds it.
    let message = refused(&["println!(\"{}\", return 5)"]);
    assert!(message.contains("--> <statement>:1:23\n"), "{message}");
}

#[test]
fn messages_speak_of_the_users_lines() {
    for (arguments, expected) in [
        (&["let a = 1"][..], "--> <statement>:1:10\n  |\n1 | let a = 1\n"),
        (&["let a = 1", "a"], "--> <statement>:1:10\n  |\n1 | let a = 1\n"),
        (&["-s", "let a =", "a"], "--> <setup>:1:8\n  |\n1 | let a =\n"),
        (&["1 +"], "found the end of the code\n --> <statement>:1:4\n  |\n1 | 1 +\n"),
        (&["1 2"], "--> <statement>:1:3\n  |\n1 | 1 2\n"),
        (&["missing"], "--> <statement>:1:1\n  |\n1 | missing\n"),
        (&["let a = 1;", "a.b"], "--> <statement>:2:3\n  |\n2 | a.b\n"),
        (&["let a = 1; a.b"], "--> <statement>:1:14\n  |\n1 | let a = 1; a.b\n"),
        (&["a; b"], "--> <statement>:1:1\n  |\n1 | a; b\n"),
        (&["*\"abc\""], "--> <statement>:1:1\n  |\n1 | *\"abc\"\n"),
        (&["let a: u8 = \"\"; 1"], "--> <statement>:1:13\n"),
        (&["\"abc"], "--> <statement>:1:1\n"),
        (&["a)"], "--> <statement>:1:2\n"),
        (&["Vec::new()"], "--> <statement>:1:1\n"),
        (&["-s", "let s = String::new();", "drop(s)"], "`s`\n --> <statement>:1:6\n"),
        (&["-s", "let n = 0;", "n += 1"], "--> <statement>:1:1\n"),
        (&["Default::default()"], "--> <statement>:1:1\n"),
        (&["[]"], "1 | []\n  | -- type must be known at this point\n"),
        (&["\"5\".parse().unwrap()"], "--> <statement>:1:5\n"),
        (&["None"], "--> <statement>:1:1\n"),
        (&["try { 5 }"], "error[E0282]: type annotations needed\n --> <statement>\n"),
        (&["const X: usize = [1][5]; X"], "evaluation of `X` failed here"),
        (&["struct E;", "Err::<i32, E>(E)?"], "--> <statement>:2:17\n"),
    ] {
        let message = refused(arguments);
        assert!(message.contains(expected), "{arguments:?}: {message}");
        assert!(!message.trim_end().ends_with('|'), "an excerpt of nothing: {message}");
    }
}

#[test]
fn panics_name_the_users_lines() {
    let message = refused(&["let a = 1;", "[0; 1][a + black_box(0)]"]);
    assert!(message.starts_with("the code panicked at <statement>:2:1:\n"), "{message}");
    let message = refused(&["let v: Vec<i32> = vec![];", "v[0]; 1"]);
    assert!(message.starts_with("the code panicked at <statement>:2:2:\n"), "{message}");
}
