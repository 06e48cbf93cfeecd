//! A pool that goes out of scope leaves no process, no descriptor, no mapping and no thread behind. The
//! only test of its program, so that everything it counts is its own.

use horsepower::prelude::*;
use horsepower_conformance::harness::{guarded, parent_of, shared_memories, until};
use std::fs;
use std::sync::mpsc::channel;
use std::thread::sleep;
use std::time::Duration;

/// What the kernel knows of this process.
#[derive(Debug, PartialEq, Eq)]
struct Belongings {
    descriptors: usize,
    shared_memories: usize,
    threads: usize,
    children: usize,
}

fn belongings() -> Belongings {
    let count = |folder| fs::read_dir(folder).unwrap().count();
    let me = std::process::id();
    let children = fs::read_dir("/proc").unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        let pid = name.to_str().and_then(|name| name.parse::<u32>().ok());
        pid.and_then(parent_of) == Some(me)
    });
    Belongings {
        children: children.count(),
        descriptors: count("/proc/self/fd"),
        shared_memories: shared_memories(),
        threads: count("/proc/self/task"),
    }
}

#[test]
fn the_scope_of_a_pool_leaves_nothing() {
    horsepower::init();
    guarded("leaves_nothing", || {
        let before = belongings();
        for round in 0..5 {
            let pool = ProcessPoolExecutor::with_workers(3).unwrap();
            let lens = pool.map(|bytes: Vec<u8>| bytes.len(), (0..20).map(|n| vec![7; n * 20_000]));
            assert!(lens.map(Result::unwrap).eq((0..20).map(|n| n * 20_000)));
            let crash = pool.submit(
                |n: u32| {
                    if n == 0 {
                        std::process::abort()
                    }
                },
                0,
            );
            let big = pool.submit(|n: usize| vec![1.5f64; n], 500_000);
            assert!(crash.result().unwrap_err().is_worker_death());
            assert_eq!(big.result().unwrap().len(), 500_000);
            if round % 2 == 0 {
                pool.submit(|n: u32| n, 1).cancel();
            }
            let (tell, told) = channel();
            let call = move |_: &Result<_, _>| tell.send(()).unwrap();
            pool.submit(|millis| sleep(Duration::from_millis(millis)), 5).add_done_callback(call);
            if round % 3 == 0 {
                told.recv().unwrap();
            }
            assert_ne!(belongings(), before);
            assert!(shared_memories() > before.shared_memories, "the lanes are seen");
            drop(pool);

            let threads = ThreadPoolExecutor::with_workers(3).unwrap();
            assert_eq!(threads.map(|n: u64| n, 0..100).map(Result::unwrap).sum::<u64>(), 4950);
            drop(threads);
            // The kernel wakes the joiner just before it takes a thread off its list.
            until(|| belongings().threads == before.threads);
            assert_eq!(belongings(), before, "round {round}");
        }
    });
}
