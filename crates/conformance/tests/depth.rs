//! Pools and processes inside each other, and reusable pools.

use horsepower::Process;
use horsepower::ShutdownOptions;
use horsepower::prelude::*;
use horsepower_conformance::harness::{assert_gone, guarded};
use horsepower_conformance::subprocess::die;
use std::path::PathBuf;
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

/// EX-23: endless nesting ends with an error, not with a full machine.
#[test]
fn ex_23_no_deeper_than_ten() {
    horsepower::init();
    guarded("ex_23_depth", || {
        for with_pool in [true, false] {
            let (depth, error) = dig(with_pool);
            assert_eq!(depth, 10, "{error}");
            assert!(error.contains("it is already 10 levels below the first program"), "{error}");
        }
    });
}

/// EX-27: the same settings give the same pool; one that was shut down is replaced.
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

        // The death of a worker is no reason for a new pool.
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

/// EX-27, SH-10: a broken reusable pool is replaced by a new one, which works once the cause is gone. The
/// broken one stays broken, and ending it by force does nothing.
#[test]
fn ex_27_a_broken_pool_is_replaced() {
    horsepower::init();
    guarded("ex_27_broken", || {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("in the way");
        std::fs::write(&file, "").unwrap();
        let refuse = |file: PathBuf| assert!(!file.exists(), "not now");
        let builder =
            || ProcessPoolExecutor::builder().workers(1).initializer(refuse, file.clone());
        let pid =
            |pool: &ProcessPoolExecutor| pool.submit(|(): ()| std::process::id(), ()).result();
        let broken = builder().reusable().unwrap();
        for _ in 0..3 {
            let error = pid(&broken).unwrap_err();
            assert!(error.is_broken() && error.to_string().contains("not now"), "{error}");
        }
        std::fs::remove_file(&file).unwrap();
        let fresh = builder().reusable().unwrap();
        assert!(!Arc::ptr_eq(&broken, &fresh));
        let first = pid(&fresh).unwrap();
        assert!(Arc::ptr_eq(&fresh, &builder().reusable().unwrap()));
        assert_eq!(pid(&fresh).unwrap(), first);
        assert!(pid(&broken).unwrap_err().is_broken());
        for _ in 0..2 {
            let force = ShutdownOptions::new().cancel_queued().kill_running();
            broken.shutdown_with(force).unwrap();
        }
        fresh.shutdown();
        assert_gone(&[first]);
    });
}
