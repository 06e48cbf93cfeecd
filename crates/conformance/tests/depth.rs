//! Pools and processes within each other, and pools that are used again.

use horsepower::prelude::*;
use horsepower_conformance::lab::{assert_gone, guarded};
use horsepower_conformance::roles::die;
use std::sync::Arc;

/// Task: starts itself in a pool or process of its own, and counts how deep that goes.
fn dig(with_pool: bool) -> (u32, String) {
    let deeper = if with_pool {
        ProcessPoolExecutor::with_workers(1).and_then(|pool| pool.submit(dig, with_pool).result())
    } else {
        Process::spawn(dig, with_pool).and_then(Process::result)
    };
    match deeper {
        Ok((depth, error)) => (depth + 1, error),
        Err(error) => (0, error.to_string()),
    }
}

/// EX-23: a task that starts itself again and again ends with an error, not with a full machine.
#[test]
fn ex_23_no_deeper_than_ten() {
    horsepower::init();
    guarded("ex_23_depth", || {
        for with_pool in [true, false] {
            let (depth, error) = dig(with_pool);
            assert_eq!(depth, 10, "{error}");
            assert!(error.contains("there are 10 above it already"), "{error}");
        }
    });
}

/// EX-27: the same settings give the same pool; one that is broken or was shut down is replaced.
#[test]
fn ex_27_a_reusable_pool() {
    horsepower::init();
    guarded("ex_27", || {
        let builder = || ProcessPoolExecutor::builder().workers(1).env("HORSEPOWER_TEST_WORD", "a");
        let pool = builder().reusable().unwrap();
        let pid = |pool: &ProcessPoolExecutor| {
            pool.submit(|(): ()| std::process::id(), ()).result().unwrap()
        };
        let first = pid(&pool);
        assert!(Arc::ptr_eq(&pool, &builder().reusable().unwrap()));
        assert_eq!(pid(&builder().reusable().unwrap()), first);
        let other = builder().workers(2).reusable().unwrap();
        assert!(!Arc::ptr_eq(&pool, &other));
        let other = builder().initializer(|_: u8| (), 1).reusable().unwrap();
        assert!(!Arc::ptr_eq(&other, &builder().initializer(|_: u8| (), 2).reusable().unwrap()));

        // A death is no reason for another pool.
        assert!(pool.submit(die, "kill".to_owned()).result().is_err());
        assert!(Arc::ptr_eq(&pool, &builder().reusable().unwrap()));
        pool.shutdown();
        let fresh = builder().reusable().unwrap();
        assert!(!Arc::ptr_eq(&pool, &fresh));
        let pid = pid(&fresh);
        assert_ne!(pid, first);
        fresh.shutdown();
        assert_gone(&[first, pid]);
    });
}
