//! Values that are too deep, too large or too slow to be read harm nobody but their own task.

use horsepower::prelude::*;
use horsepower::{Error, Value};
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{guarded, until};
use horsepower_conformance::pools::{end, pool};
use horsepower_conformance::subprocess::{another, role};
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Deserializer, Serialize};
use std::io::Write as _;
use std::path::PathBuf;
use std::thread::Builder;
use std::time::Duration;

#[derive(Debug, Serialize, Deserialize)]
enum List {
    Nil,
    Cons(Box<List>),
}

/// Task: a list of this length.
fn list(length: u32) -> List {
    (0..length).fold(List::Nil, |rest, _| List::Cons(Box::new(rest)))
}

fn length(list: List) -> u32 {
    std::iter::successors(Some(&list), |list| match list {
        List::Cons(rest) => Some(rest),
        List::Nil => None,
    })
    .count() as u32
        - 1
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Tree {
    Leaf(u8),
    Node { below: Vec<Tree> },
}

fn tree(depth: u32) -> Tree {
    (0..depth).fold(Tree::Leaf(1), |below, _| Tree::Node { below: vec![below] })
}

/// Runs `call` on a thread with this stack.
fn on_stack<T: Send>(bytes: usize, call: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = Builder::new().stack_size(bytes).spawn_scoped(scope, call).unwrap();
        thread.join().unwrap()
    })
}

fn is_too_deep<T: Value>(result: Result<T, Error>) -> bool {
    result.is_err_and(|error| error.is_encoding() && format!("{error:#}").contains("2048 levels"))
}

/// VA-02: results, arguments and panics' payloads of any depth, waited for on small stacks.
#[test]
fn va_02_deep_values() {
    horsepower::init();
    guarded("va_02", || {
        let pool = pool(1);
        let (_, pid) = pool.submit(|()| ((), std::process::id()), ()).result().unwrap();
        for stack in [128 << 10, 2 << 20] {
            on_stack(stack, || {
                assert_eq!(pool.submit(|n| length(list(n)), 9000).result().unwrap(), 9000);
                for depth in [0, 1, 20, 31, 32, 33, 300] {
                    let back = pool.submit(list, depth).result().unwrap();
                    assert_eq!(pool.submit(length, back).result().unwrap(), depth);
                }
                for depth in [2049, 10_000, 50_000] {
                    assert!(is_too_deep(pool.submit(list, depth).result()), "{depth}");
                }
                // Each level of an untagged value is kept and read again.
                let back = pool.submit(tree, 100).result().unwrap();
                assert!(matches!(back, Tree::Node { .. }));
                assert!(is_too_deep(pool.submit(tree, 3000).result()));
            });
        }
        on_stack(64 << 20, || {
            assert_eq!(pool.submit(length, list(2000)).result().unwrap(), 2000);
            assert!(is_too_deep(pool.submit(length, list(100_000)).result()));
        });
        let panics = pool.submit(|n| -> u8 { std::panic::panic_any(list(n)) }, 9000);
        assert!(panics.result().unwrap_err().is_panic());
        assert_eq!(pool.submit(|()| std::process::id(), ()).result().unwrap(), pid);
        // Here the worker itself cannot drop the value, with its stack of 8 MiB.
        let error = pool.submit(list, 10_000_000).result().unwrap_err();
        assert!(error.is_encoding() || error.is_worker_death(), "{error}");
        assert_eq!(pool.submit(|n: u8| n, 1).result().unwrap(), 1);
        end(pool);
    });
}

/// VA-02: the thread that happens to collect a deep result of somebody else's task.
#[test]
fn va_02_somebody_elses_value() {
    horsepower::init();
    guarded("va_02_else", || {
        let pool = pool(1);
        for depth in [1000, 10_000] {
            let mut gate = Gate::new();
            let task = |(gate, depth): (PathBuf, u32)| {
                pass(gate);
                list(depth)
            };
            let deep = pool.submit(task, (gate.path(), depth));
            let other = pool.submit(|n: u8| n + 1, 1);
            std::thread::scope(|scope| {
                let small = Builder::new().stack_size(128 << 10);
                let small = small.spawn_scoped(scope, || other.result().unwrap()).unwrap();
                gate.open();
                assert_eq!(small.join().unwrap(), 2);
            });
            until(|| deep.is_done());
            let deep = deep.result();
            if depth == 1000 {
                assert_eq!(length(deep.unwrap()), 1000)
            } else {
                assert!(is_too_deep(deep))
            }
        }
        end(pool);
    });
}

/// VA-03: a result for which this process has no memory.
#[test]
fn va_03_no_memory_for_a_result() {
    horsepower::init();
    if role().is_some() {
        let pool = pool(1);
        assert_eq!(pool.submit(|n: u8| n, 1).result().unwrap(), 1);
        let used = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = used.split(' ').next().unwrap().parse().unwrap();
        let limit = pages * rustix::param::page_size() as u64 + (300 << 20);
        setrlimit(Resource::As, Rlimit { current: Some(limit), maximum: Some(limit) }).unwrap();
        let errors = [
            pool.submit(|n| vec![1_u8; n], 200 << 20).result().err(),
            pool.submit(|n| "x".repeat(n), 200 << 20).result().err(),
            pool.submit(|n| vec![Some(1.5_f64); n], 20 << 20).result().err(),
            pool.submit(|n| (1, "x".repeat(n)), 200 << 20).result().err(),
        ];
        for error in errors {
            writeln!(std::io::stdout(), "{}", error.expect("no memory")).unwrap();
        }
        assert_eq!(pool.submit(|n: u8| n, 1).result().unwrap(), 1);
        writeln!(std::io::stdout(), "alive").unwrap();
        return;
    }
    guarded("va_03", || {
        let output = another("va_03_no_memory_for_a_result", "limited").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("alive"), "{output:?}");
        assert!(text.matches(": ").count() >= 4, "{text}");
    });
}

/// Reading it waits for a gate, if it has one.
#[derive(Debug, Serialize)]
struct Slow(Option<PathBuf>);

impl<'de> Deserialize<'de> for Slow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Slow, D::Error> {
        let gate = Option::<PathBuf>::deserialize(deserializer)?;
        if let Some(gate) = &gate {
            pass(gate.clone());
        }
        Ok(Slow(gate))
    }
}

/// VA-04: while a result is read that takes long, deadlines are kept, tasks end, and workers are replaced.
#[test]
fn va_04_slow_values_delay_no_deadline() {
    horsepower::init();
    guarded("va_04", || {
        let pool = pool(3);
        let mut gate = Gate::new();
        // Nobody waits for it, and its waker is called as soon as it has been read.
        let slow = pool.submit(|path| Slow(Some(path)), gate.path());
        let (read, was_read) = std::sync::mpsc::channel();
        slow.add_done_callback(move |_| read.send(()).unwrap());
        let late = pool
            .task(|()| std::thread::sleep(Duration::from_secs(600)), ())
            .deadline(Duration::from_millis(200))
            .submit();
        let (tell, told) = std::sync::mpsc::channel();
        late.add_done_callback(move |outcome| {
            tell.send(outcome.as_ref().is_err_and(Error::is_deadline)).unwrap();
        });
        assert!(told.recv().unwrap());
        assert!(was_read.try_recv().is_err());
        assert_eq!(pool.submit(|n: u8| n, 7).result().unwrap(), 7);
        gate.open();
        assert!(slow.result().unwrap().0.is_some());
        end(pool);
    });
}
