//! The workers of a pool: how many tasks they serve, how many there are, and how much memory they may
//! use.

use horsepower::prelude::*;
use horsepower::{ProcessPoolBuilder, ShutdownOptions, StartMethod};
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{assert_gone, guarded, is_child, until};
use horsepower_conformance::pools::{end, pid_of};
use horsepower_conformance::rows::{lines, write_line};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

fn builder(method: StartMethod, workers: usize) -> ProcessPoolBuilder {
    ProcessPoolExecutor::builder().workers(workers).start_method(method)
}

/// A pool of so many workers for each start method.
fn pools(
    workers: usize,
    set: impl Fn(ProcessPoolBuilder) -> ProcessPoolBuilder,
) -> impl Iterator<Item = ProcessPoolExecutor> {
    StartMethod::ALL.iter().map(move |&method| set(builder(method, workers)).build().unwrap())
}

/// EX-17, PO-14: after so many tasks a worker is replaced, with never two at once; a limit of 0 is
/// refused.
#[test]
fn ex_17_a_worker_has_so_many_tasks() {
    horsepower::init();
    guarded("ex_17", || {
        for pool in pools(1, |builder| builder.tasks_per_worker(3)) {
            let mut pids = vec![];
            for n in 0..10 {
                pids.push(pool.submit(pid_of, n).result().unwrap().1);
                assert!(pool.worker_pids().len() <= 1, "{:?}", pool.worker_pids());
            }
            for (n, pid) in pids.iter().enumerate() {
                assert_eq!(pids[n / 3 * 3], *pid, "{n}: {pids:?}");
            }
            assert_eq!(pids.iter().collect::<HashSet<_>>().len(), 4, "{pids:?}");
            until(|| !is_child(pids[8]));
            assert_gone(&pids[..9]);
            let restart = &pool.stats().last_restarts[0];
            assert_eq!(restart.pid, pids[8]);
            assert!(restart.why.ends_with("replaced"), "{}", restart.why);
            end(pool);
        }
        for &method in StartMethod::ALL {
            let error = builder(method, 1).tasks_per_worker(0).build().unwrap_err();
            assert!(error.is_invalid(), "{error}");
            assert_eq!(error.to_string(), "tasks_per_worker must be greater than 0");
        }
    });
}

/// EX-18: replacing workers works with a backlog, and with a shutdown right after the start.
#[test]
fn ex_18_replaced_with_a_backlog() {
    horsepower::init();
    guarded("ex_18", || {
        for (workers, limit, tasks) in [(1, 2, 6), (1, 1, 20), (3, 1, 6), (2, 3, 200)] {
            for waits in [true, false] {
                for pool in pools(workers, |builder| builder.tasks_per_worker(limit)) {
                    let futures: Vec<_> = (0..tasks).map(|n| pool.submit(pid_of, n)).collect();
                    if waits {
                        no_more_than(limit, futures);
                        end(pool);
                    } else {
                        end(pool);
                        no_more_than(limit, futures);
                    }
                }
            }
        }
    });
}

/// Checks that all of them are done, and that no worker did more than `limit`.
fn no_more_than(limit: usize, futures: Vec<TaskFuture<(u64, u32)>>) {
    let mut counts = HashMap::<u32, usize>::new();
    for (n, future) in (0..).zip(futures) {
        let (number, pid) = future.result().unwrap();
        assert_eq!(number, n);
        *counts.entry(pid).or_default() += 1;
    }
    assert!(counts.values().all(|&count| count <= limit), "{counts:?}");
}

/// The process that ran each item of a map with chunks of this size.
fn pids_of_map(pool: &ProcessPoolExecutor, size: usize, items: u64) -> Vec<u32> {
    let options = MapOptions::new().chunk_size(size);
    pool.tasks(|_: u64| std::process::id(), 0..items)
        .options(options)
        .map()
        .map(Result::unwrap)
        .collect()
}

/// PO-14: after enough tasks every worker has been replaced.
#[test]
fn po_14_all_workers_are_replaced() {
    horsepower::init();
    guarded("po_14", || {
        for pool in pools(2, |builder| builder.tasks_per_worker(5)) {
            let first: HashSet<u32> = pids_of_map(&pool, 1, 2).into_iter().collect();
            let _ = pids_of_map(&pool, 1, 30);
            let last: HashSet<u32> = pids_of_map(&pool, 1, 2).into_iter().collect();
            assert!(first.is_disjoint(&last), "{first:?} {last:?}");
            end(pool);
        }
    });
}

/// PO-14: a chunk of a map counts as one task, so a worker with a limit of two serves two whole chunks.
#[test]
fn po_14_a_chunk_is_one_task() {
    horsepower::init();
    guarded("po_14_chunk", || {
        for pool in pools(1, |builder| builder.tasks_per_worker(2)) {
            let pids = pids_of_map(&pool, 10, 60);
            // A slow chunk is handed back, so there may be more parts than chunks.
            assert!(pids.iter().collect::<HashSet<_>>().len() >= 3, "{pids:?}");
            let mut counts = HashMap::<u32, usize>::new();
            pids.iter().for_each(|pid| *counts.entry(*pid).or_default() += 1);
            assert!(counts.values().all(|&count| count <= 20), "{counts:?}");
            let chunks: Vec<_> = pids.chunks(10).collect();
            let shared = |two: &[&[u32]]| two.concat().iter().all(|pid| *pid == two[0][0]);
            assert!(chunks.windows(2).any(shared), "{pids:?}");
            end(pool);
        }
    });
}

/// EX-25: all idle workers leave, and new ones come when they are needed.
#[test]
fn ex_25_idle_workers_leave() {
    horsepower::init();
    guarded("ex_25", || {
        let idle = Duration::from_millis(10);
        for pool in pools(2, |builder| builder.idle_timeout(idle)) {
            let mut seen = HashSet::new();
            for round in 0..5 {
                let mut gate = Gate::new();
                let both = [(); 2].map(|()| pool.submit(pass, gate.path()));
                until(|| both.iter().all(TaskFuture::is_running));
                // Busy workers stay, however long their task takes.
                std::thread::sleep(2 * idle);
                let pids = pool.worker_pids();
                assert_eq!(pids.len(), 2);
                assert!(pids.iter().all(|pid| seen.insert(*pid)), "{round}: {pids:?}");
                gate.open();
                both.into_iter().for_each(|future| future.result().unwrap());
                until(|| pool.worker_pids().is_empty());
                assert_gone(&pids);
            }
            // A worker that leaves because it is idle is not replaced.
            assert_eq!(pool.stats().workers.len(), 0);
            assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
            end(pool);
        }
    });
}

/// A number that is slow to encode and to decode.
#[derive(Debug)]
struct Slow(u64);

const SLOWLY: Duration = Duration::from_millis(3);

impl serde::Serialize for Slow {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        std::thread::sleep(SLOWLY);
        self.0.serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Slow {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Slow, D::Error> {
        std::thread::sleep(SLOWLY);
        u64::deserialize(deserializer).map(Slow)
    }
}

/// EX-25: no task is lost when the idle timeout is shorter than the time to encode or decode a value, in
/// either direction.
#[test]
fn ex_25_idle_for_less_than_a_value_takes() {
    horsepower::init();
    guarded("ex_25_slow", || {
        let task = |slow: Slow| (slow, std::process::id());
        for pool in pools(2, |builder| builder.idle_timeout(Duration::from_millis(1))) {
            let mut pids = HashSet::new();
            for at_a_time in [1, 5] {
                for first in (0..30).step_by(at_a_time) {
                    let numbers = first..first + at_a_time as u64;
                    let futures = numbers.clone().map(|n| pool.submit(task, Slow(n)));
                    for (n, future) in numbers.zip(futures.collect::<Vec<_>>()) {
                        let (slow, pid) = future.result().unwrap();
                        assert_eq!(slow.0, n);
                        pids.insert(pid);
                    }
                }
            }
            assert!(pids.len() > 2, "some have left meanwhile: {pids:?}");
            end(pool);
        }
    });
}

/// EX-26: shrinking a pool lets running tasks finish; the same size changes nothing; growing keeps the
/// workers that exist.
#[test]
fn ex_26_a_pool_changes_its_size() {
    horsepower::init();
    guarded("ex_26", || {
        for pool in pools(2, |builder| builder) {
            fewer_as_many_more(&pool);
            let error = pool.resize(0).unwrap_err();
            assert!(error.is_invalid() && error.to_string() == "workers must be greater than 0");
            end(pool);
        }
    });
}

fn fewer_as_many_more(pool: &ProcessPoolExecutor) {
    let occupy = |count: usize, gate: &Gate| {
        let futures: Vec<_> = (0..count).map(|_| pool.submit(pass, gate.path())).collect();
        until(|| futures.iter().all(TaskFuture::is_running));
        (futures, pool.worker_pids())
    };
    let release = |mut gate: Gate, futures: Vec<TaskFuture<()>>| {
        gate.open();
        futures.into_iter().for_each(|future| future.result().unwrap());
    };
    let gate = Gate::new();
    let (futures, two) = occupy(2, &gate);
    pool.resize(1).unwrap();
    assert_eq!(pool.workers(), 1);
    assert!(futures.iter().all(TaskFuture::is_running), "nobody was interrupted");
    release(gate, futures);
    until(|| pool.worker_pids().len() == 1);
    let survivor = pool.worker_pids()[0];
    assert!(two.contains(&survivor));
    pool.resize(1).unwrap();
    assert_eq!(pool.submit(pid_of, 0).result().unwrap().1, survivor);

    pool.resize(3).unwrap();
    assert_eq!(pool.workers(), 3);
    let gate = Gate::new();
    let (futures, three) = occupy(3, &gate);
    assert!(three.contains(&survivor) && three.len() == 3, "{three:?}");
    release(gate, futures);
}

/// EX-26: the size changes up and down during tasks and unread maps.
#[test]
fn ex_26_up_and_down() {
    horsepower::init();
    guarded("ex_26_up_and_down", || {
        let work = |n| {
            std::thread::sleep(Duration::from_millis(5));
            pid_of(n)
        };
        for pool in pools(5, |builder| builder) {
            let (mut futures, mut maps) = (vec![], vec![]);
            // Each change of the size meets a task that runs until then, and the backlog behind it.
            let mut held = None;
            for workers in [12, 2, 1, 12, 6, 1, 8, 5] {
                pool.resize(workers).unwrap();
                drop(held.take());
                let gate = Gate::new();
                let running = pool.submit(pass, gate.path());
                futures.extend((0..30).map(|n| pool.submit(work, n)));
                maps.push(pool.map(work, 0..20));
                until(|| running.is_running());
                held = Some((gate, running));
            }
            drop(held);
            for map in maps {
                assert!(map.map(|result| result.unwrap().0).eq(0..20));
            }
            for (n, future) in (0..).zip(futures) {
                assert_eq!(future.result().unwrap().0, n % 30);
            }
            until(|| pool.worker_pids().len() <= 5);
            end(pool);
        }
    });
}

/// EX-26, PO-10: tasks are taken back from workers that are still starting when the pool shrinks or shuts
/// down.
#[test]
fn ex_26_while_workers_start() {
    horsepower::init();
    guarded("ex_26_while_workers_start", || {
        for (round, &method) in (0..80).zip(StartMethod::ALL.iter().cycle()) {
            let pool = builder(method, 3).build().unwrap();
            let futures: Vec<_> = (0..3).map(|n| pool.submit(pid_of, n)).collect();
            // Fewer workers may be enough for the tasks.
            let over = || futures.iter().all(TaskFuture::is_done);
            until(|| pool.worker_pids().len() > round % 3 || over());
            if round % 4 < 2 {
                pool.resize(1).unwrap();
                for (n, future) in (0..).zip(futures) {
                    assert_eq!(future.result().unwrap().0, n);
                }
                // Including those that were being started.
                until(|| pool.worker_pids().len() <= 1);
            } else {
                pool.shutdown_with(ShutdownOptions::new().cancel_queued()).unwrap();
                assert!(futures.iter().all(TaskFuture::is_done));
            }
            end(pool);
        }
    });
}

/// EX-28: a worker that has grown is replaced between two tasks, and every task succeeds.
#[test]
fn ex_28_a_worker_that_leaks_is_replaced() {
    horsepower::init();
    guarded("ex_28", || {
        let builder = ProcessPoolExecutor::builder().workers(1).replace_above(64 << 20);
        let pool = builder.build().unwrap();
        let leak = |n: u64| {
            std::mem::forget(std::hint::black_box(vec![n as u8 + 1; 16 << 20]));
            // Long enough for its memory to be measured.
            std::thread::sleep(Duration::from_millis(25));
            pid_of(n)
        };
        let mut pids = vec![];
        while pids.first() == pids.last() || pids.len() < 2 {
            let n = pids.len() as u64;
            let (number, pid) = pool.submit(leak, n).result().unwrap();
            assert_eq!(number, n);
            pids.push(pid);
        }
        assert!(pids.len() >= 4, "not before it has grown: {pids:?}");
        assert!(pool.stats().restarts >= 1);
        // The rest of the backlog goes to the next worker.
        let futures: Vec<_> = (0..10).map(|n| pool.submit(leak, n)).collect();
        for (n, future) in (0..).zip(futures) {
            assert_eq!(future.result().unwrap().0, n);
        }
        end(pool);
    });
}

/// A task over the memory limit is ended alone, and its error states the use.
#[test]
fn memory_limit_ends_the_task() {
    horsepower::init();
    guarded("memory_limit", || {
        let builder = ProcessPoolExecutor::builder().workers(1).memory_limit(64 << 20);
        let pool = builder.build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lines");
        let (_, before) = pool.submit(pid_of, 0).result().unwrap();
        let grow = |file| -> u64 {
            write_line((file, 1));
            let block = std::hint::black_box(vec![1u8; 200 << 20]);
            loop {
                std::thread::park();
                std::hint::black_box(&block);
            }
        };
        let queued: Vec<_> = {
            let hog = pool.submit(grow, file.clone());
            let queued = (0..5).map(|n| pool.submit(pid_of, n)).collect();
            let error = hog.result().unwrap_err();
            assert!(error.is_memory_limit() && !error.is_worker_death(), "{error}");
            assert_eq!(error.worker_pid(), Some(before));
            let text = error.to_string();
            let limit = text.split("memory limit of ").nth(1).unwrap();
            let (limit, used) = limit.split_once(" exceeded: worker process ").unwrap();
            let used =
                used.split(" used ").nth(1).unwrap().strip_suffix(" and was killed").unwrap();
            match (used.strip_suffix(" MiB"), used.strip_suffix(" bytes")) {
                (Some(used), _) => {
                    assert!(used.parse::<f64>().unwrap() > 64.0 && limit == "64.0 MiB")
                }
                (_, Some(used)) => assert!(used.parse::<u64>().unwrap() > 64 << 20, "{text}"),
                _ => panic!("{text}"),
            }
            queued
        };
        for (n, future) in (0..).zip(queued) {
            let (number, pid) = future.result().unwrap();
            assert!(number == n && pid != before);
        }
        assert_eq!(lines(&file), [1], "it was begun once");
        until(|| !is_child(before));
        assert!(pool.stats().last_restarts.iter().any(|restart| restart.pid == before));
        end(pool);
    });
}

/// Memory that a task leaks counts too: the worker is replaced before it harms the next task.
#[test]
fn memory_limit_between_tasks() {
    horsepower::init();
    guarded("memory_limit_between", || {
        let builder = ProcessPoolExecutor::builder().workers(1).memory_limit(64 << 20);
        let pool = builder.build().unwrap();
        let leak = |bytes: usize| {
            std::mem::forget(std::hint::black_box(vec![1u8; bytes]));
            std::process::id()
        };
        // It may have been measured while the task was running.
        match pool.submit(leak, 100 << 20).result() {
            Ok(pid) => until(|| !is_child(pid)),
            Err(error) => assert!(error.is_memory_limit(), "{error}"),
        }
        assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
        end(pool);
    });
}

/// EX-14: dropping the last handle finishes running and queued tasks, and then the workers end.
#[test]
fn ex_14_dropped_while_workers_run() {
    horsepower::init();
    guarded("ex_14", || {
        for pool in pools(2, |builder| builder) {
            let mut gate = Gate::new();
            let both = [(); 2].map(|()| pool.submit(pass, gate.path()));
            let queued: Vec<_> = (0..20).map(|n| pool.submit(pid_of, n)).collect();
            until(|| both.iter().all(TaskFuture::is_running));
            let pids = pool.worker_pids();
            assert_eq!(pids.len(), 2);
            gate.open();
            drop(pool);
            assert_gone(&pids);
            assert!(both.iter().all(|future| future.get().is_ok()));
            for (n, future) in (0..).zip(queued) {
                assert!(future.is_done() && future.result().unwrap().0 == n);
            }
        }
    });
}
