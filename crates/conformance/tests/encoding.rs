//! A value that cannot be encoded or decoded, on either side, costs its own task and no worker.

use horsepower::Error;
use horsepower::prelude::*;
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::guarded;
use horsepower_conformance::pools::{end, pid_of, pool};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::path::PathBuf;
use std::sync::mpsc;

/// A value that fails as its number says.
#[derive(Debug)]
struct Odd(u8);

impl Serialize for Odd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            1 => Err(serde::ser::Error::custom("one")),
            2 => panic!("two"),
            n => n.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Odd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Odd, D::Error> {
        match u8::deserialize(deserializer)? {
            3 => Err(serde::de::Error::custom("three")),
            4 => panic!("four"),
            n => Ok(Odd(n)),
        }
    }
}

/// FA-05, FA-06, FA-07, FA-08, PO-12: an argument or result that cannot be encoded or decoded costs its
/// own task.
#[test]
fn fa_05_encoding_errors_cost_one_task() {
    horsepower::init();
    guarded("fa_05", || {
        let pool = pool(1);
        let (_, pid) = pool.submit(pid_of, 0).result().unwrap();
        for n in 1..=4 {
            let sent = pool.submit(|odd: Odd| odd.0, Odd(n)).result().unwrap_err();
            assert!(sent.is_encoding(), "{n}: {sent}");
            assert!(
                sent.to_string().contains(" the argument of type encoding::Odd"),
                "{n}: {sent}"
            );
            is_why(n, &pool.submit(Odd, n).result().unwrap_err());
        }
        assert_eq!(pool.submit(pid_of, 0).result().unwrap().1, pid, "the same worker");
        end(pool);
    });
}

/// Checks the error for a result `Odd(n)`.
fn is_why(n: u8, error: &Error) {
    // A `Serialize` that panics in the worker is a panic of the task.
    assert!(if n == 2 { error.is_panic() } else { error.is_encoding() }, "{n}: {error}");
}

/// FA-05, FA-06: in a chunk of a map, arguments that cannot be encoded or decoded cost their own items.
#[test]
fn fa_05_arguments_of_a_chunk() {
    horsepower::init();
    guarded("fa_05_chunk", || {
        let pool = pool(1);
        let (_, pid) = pool.submit(pid_of, 0).result().unwrap();
        let options = MapOptions::new().chunk_size(6).on_error(OnError::Continue);
        let odd = (0..20).map(|n| Odd(n % 6));
        let results: Vec<_> = pool.tasks(|odd: Odd| odd.0, odd).options(options).map().collect();
        assert_eq!(results.len(), 20);
        for (n, result) in (0..20).map(|n| n % 6).zip(results) {
            match result {
                Ok(value) => assert!(value == n && !(1..=4).contains(&n)),
                Err(error) => assert!((1..=4).contains(&n) && error.is_encoding(), "{n}: {error}"),
            }
        }
        assert_eq!(pool.submit(pid_of, 0).result().unwrap().1, pid, "the same worker");
        end(pool);
    });
}

/// FA-07, FA-08: in a chunk of a map, results that cannot be encoded or decoded cost their own items.
#[test]
fn fa_07_results_of_a_chunk() {
    horsepower::init();
    guarded("fa_07_chunk", || {
        let pool = pool(1);
        let (_, pid) = pool.submit(pid_of, 0).result().unwrap();
        let options = MapOptions::new().chunk_size(6).on_error(OnError::Continue);
        let results: Vec<_> =
            pool.tasks(Odd, (0..20).map(|n| n % 6)).options(options).map().collect();
        assert_eq!(results.len(), 20);
        for (n, result) in (0..20).map(|n| n % 6).zip(results) {
            match result {
                Ok(value) => assert!(value.0 == n && !(1..=4).contains(&n), "{n}: {value:?}"),
                Err(error) => {
                    assert!((1..=4).contains(&n), "{n}: {error}");
                    is_why(n, &error);
                }
            }
        }
        assert_eq!(pool.submit(pid_of, 0).result().unwrap().1, pid, "the same worker");
        end(pool);
    });
}

/// FA-08: a result that cannot be decoded although nobody waits, so that the pool's own thread tries it:
/// the callback gets the error, and the pool goes on.
#[test]
fn fa_08_nobody_waits_for_what_cannot_be_decoded() {
    horsepower::init();
    guarded("fa_08", || {
        let pool = pool(1);
        let (_, pid) = pool.submit(pid_of, 0).result().unwrap();
        for n in [3, 4, 3, 4] {
            let mut gate = Gate::new();
            let task = |(gate, n): (PathBuf, u8)| {
                pass(gate);
                Odd(n)
            };
            let (tell, told) = mpsc::channel();
            let future = pool.submit(task, (gate.path(), n));
            future.add_done_callback(move |outcome| {
                let error = outcome.as_ref().unwrap_err();
                tell.send((error.is_encoding(), std::thread::current().id())).unwrap();
            });
            gate.open();
            let (is_encoding, thread) = told.recv().unwrap();
            assert!(is_encoding && thread != std::thread::current().id());
            assert_eq!(pool.submit(pid_of, 0).result().unwrap().1, pid, "the same worker");
        }
        end(pool);
    });
}

/// PO-13, FA-07: after twenty results in a row that cannot be encoded, each error has named the type and
/// the cause, and no worker was lost.
#[test]
fn po_13_results_that_cannot_be_encoded() {
    struct Unsendable(u8);
    impl serde::Serialize for Unsendable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom(format!("number {} stays here", self.0)))
        }
    }
    impl<'de> serde::Deserialize<'de> for Unsendable {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            u8::deserialize(deserializer).map(Unsendable)
        }
    }
    horsepower::init();
    guarded("po_13", || {
        let pool = pool(1);
        let (_, pid) = pool.submit(pid_of, 0).result().unwrap();
        for n in 0..20 {
            let error = pool.submit(Unsendable, n).result().err().unwrap();
            assert!(error.is_encoding(), "{error}");
            let text = error.to_string();
            assert!(text.contains("cannot encode the result of type encoding::po_13_results_that_cannot_be_encoded::Unsendable: "), "{text}");
            assert!(text.ends_with(&format!("number {n} stays here")), "{text}");
        }
        assert_eq!(pool.submit(pid_of, 0).result().unwrap().1, pid);
        end(pool);
    });
}

/// FA-06: the error for a value that cannot be decoded names the type and the cause, in both directions.
#[test]
fn fa_06_what_cannot_be_decoded_says_why() {
    #[derive(Debug, serde::Serialize)]
    struct Colour(u8);
    impl<'de> serde::Deserialize<'de> for Colour {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let n = u8::deserialize(deserializer)?;
            Err(serde::de::Error::custom(format!("there is no colour {n}")))
        }
    }
    horsepower::init();
    guarded("fa_06", || {
        let pool = pool(1);
        let (_, pid) = pool.submit(pid_of, 0).result().unwrap();
        let sent = pool.submit(|colour: Colour| colour.0, Colour(7)).result().unwrap_err();
        let back = pool.submit(Colour, 7).result().unwrap_err();
        for error in [sent, back] {
            assert!(error.is_encoding(), "{error}");
            let text = error.to_string();
            assert!(text.contains("cannot decode the "), "{text}");
            assert!(text.contains("::Colour"), "{text}");
            assert!(text.ends_with(": there is no colour 7"), "{text}");
        }
        assert_eq!(pool.submit(pid_of, 0).result().unwrap().1, pid);
        end(pool);
    });
}
