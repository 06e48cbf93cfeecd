//! What a service needs of its workers: they leave termination to their parent, and what they share does not
//! count as theirs.

use horsepower::StartMethod;
use horsepower::prelude::*;
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{guarded, until};
use horsepower_conformance::pools::{end, pid_of, pool};
use horsepower_conformance::subprocess::{another, die, role};
use std::sync::OnceLock;
use std::time::Duration;

/// A service manager sends SIGTERM to every process of a service: tasks that run are done, and the parent ends
/// its workers when it likes.
#[test]
fn workers_leave_termination_to_their_parent() {
    horsepower::init();
    guarded("termination", || {
        for &method in StartMethod::ALL {
            let builder = ProcessPoolExecutor::builder().workers(2).start_method(method);
            let pool = builder.build().unwrap();
            let mut gate = Gate::new();
            let busy = pool.submit(pass, gate.path());
            until(|| busy.is_running());
            let (_, idle) = pool.submit(pid_of, 1).result().unwrap();
            let pids = pool.worker_pids();
            for &pid in &pids {
                signal_from_elsewhere(pid);
            }
            gate.open();
            busy.result().unwrap();
            assert_eq!(pool.submit(pid_of, 2).result().unwrap().0, 2);
            assert!(pool.worker_pids().contains(&idle));
            assert_eq!(pool.stats().restarts, 0);
            // From itself it is the task's own will.
            let error = pool.submit(die, "terminate".to_owned()).result().unwrap_err();
            assert_eq!(error.signal(), Some(15), "{error}");
            end(pool);
        }
    });
}

/// Sends SIGTERM from a process that is not the parent of `pid`.
fn signal_from_elsewhere(pid: u32) {
    let status = std::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status();
    assert!(status.unwrap().success());
}

/// A worker that is to end within its grace gets the request of its parent.
#[test]
fn a_deadline_with_grace_still_terminates() {
    horsepower::init();
    guarded("grace", || {
        let pool = pool(1);
        let task = pool.task(|()| std::thread::sleep(Duration::from_secs(600)), ());
        let task = task.deadline(Duration::from_millis(50)).grace(Duration::from_secs(3600));
        assert!(task.submit().result().unwrap_err().is_deadline());
        end(pool);
    });
}

static TABLE: OnceLock<Vec<u8>> = OnceLock::new();

/// EX-28: a table that the fork server has loaded is not weighed as the workers' own; what they allocate
/// is.
#[test]
fn what_workers_share_is_not_weighed() {
    const NAME: &str = "what_workers_share_is_not_weighed";
    horsepower::init();
    if role().is_none() {
        return guarded(NAME, || {
            let output = another(NAME, "alone").output().unwrap();
            assert!(output.status.success(), "{output:?}");
        });
    }
    let builder = ProcessPoolExecutor::builder().workers(2).memory_limit(100 << 20);
    let load = |len: usize| _ = TABLE.set(vec![7; len]);
    let pool = builder.preload(load, 200_usize << 20).build().unwrap();
    let sum = |from: usize| TABLE.get().map_or(0, |table| u64::from(table[from]));
    // Long enough to be looked at.
    let task = move |from: usize| {
        std::thread::sleep(Duration::from_millis(60));
        sum(from)
    };
    for n in 0..4 {
        assert_eq!(pool.submit(task, n).result().unwrap(), 7);
    }
    let stats = pool.stats();
    assert!(stats.workers.iter().all(|worker| worker.memory_bytes < 50 << 20), "{stats:?}");
    let greedy = |len: usize| {
        let own = vec![1_u8; len];
        std::thread::sleep(Duration::from_secs(600));
        own.len()
    };
    let error = pool.submit(greedy, 150 << 20).result().unwrap_err();
    assert!(error.is_memory_limit(), "{error}");
    assert_eq!(pool.submit(pid_of, 3).result().unwrap().0, 3);
    end(pool);
}
