//! Panics that end the process, and stack overflows: what is said of them, and where.

use horsepower::prelude::*;
use horsepower_conformance::harness::guarded;
use horsepower_conformance::pools::{end, pid_of, pool};
use horsepower_conformance::subprocess::{another, die, role};

extern "C" fn through_c(n: u64) -> u64 {
    assert!(n == 0, "number {n} is refused");
    n
}

/// Task: panics where no panic can pass.
fn refuse(n: u64) -> u64 {
    through_c(n)
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the second");
    }
}

/// Task: panics, and again while the first panic unwinds.
fn panic_twice(_: u64) -> u64 {
    let _bomb = Bomb;
    panic!("the first");
}

/// In a process: the error of the task has the message and the place, and so has the captured output.
#[test]
fn a_panic_that_cannot_unwind_is_told_by_the_error() {
    horsepower::init();
    guarded("cannot_unwind", || {
        let pool = pool(1);
        let refused = pool.task(refuse, 7).capture_output().submit();
        let twice = pool.task(panic_twice, 7).capture_output().submit();
        for (future, message) in [(refused, "number 7 is refused"), (twice, "the first")] {
            let error = future.error().unwrap();
            assert!(error.is_worker_death() && error.signal() == Some(6), "{error}");
            let text = error.to_string();
            assert!(text.contains(message) && text.contains("last_words.rs:"), "{text}");
            let stderr = String::from_utf8_lossy(&future.output().unwrap().stderr).into_owned();
            assert!(stderr.contains(message) && stderr.contains("last_words.rs:"), "{stderr}");
        }
        assert!(pool.stats().last_restarts[0].why.contains("the first"));
        assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
        end(pool);
    });
}

/// In line and on threads: standard error has the message and the place before the program ends.
#[test]
fn a_panic_that_cannot_unwind_is_told_before_the_program_ends() {
    const NAME: &str = "a_panic_that_cannot_unwind_is_told_before_the_program_ends";
    horsepower::init();
    if let Some(role) = role() {
        let _ = match &*role {
            "inline" => InlineExecutor::new().submit(refuse, 7).result(),
            "threads" => ThreadPoolExecutor::with_workers(1).unwrap().submit(refuse, 7).result(),
            _ => InlineExecutor::new().submit(panic_twice, 7).result(),
        };
        return;
    }
    guarded(NAME, || {
        for (role, message) in [
            ("inline", "number 7 is refused"),
            ("threads", "number 7 is refused"),
            ("twice", "the first"),
        ] {
            let output = another(NAME, role).output().unwrap();
            assert!(!output.status.success());
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(stderr.contains(message) && stderr.contains("last_words.rs:"), "{stderr}");
        }
    });
}

/// A stack overflow is told from other crashes.
#[test]
fn a_stack_overflow_is_called_one() {
    horsepower::init();
    guarded("overflow", || {
        let pool = pool(1);
        for (how, overflow) in [("overflow", true), ("abort", false), ("segfault", false)] {
            let error = pool.submit(die, how.to_owned()).result().unwrap_err();
            assert!(error.is_worker_death(), "{error}");
            assert_eq!(error.is_stack_overflow(), overflow, "{how}: {error}");
            assert_eq!(error.to_string().contains("overflowed its stack"), overflow, "{error}");
        }
        assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
        end(pool);
    });
}
