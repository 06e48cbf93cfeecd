//! Start methods: workers are spawned, or forked by a server that has loaded something before.

use horsepower::Process;
use horsepower::prelude::*;
use horsepower::{ProcessPoolBuilder, ShutdownOptions, StartMethod, process};
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{assert_gone, guarded, is_alive, parent_of, until};
use horsepower_conformance::pools;
use horsepower_conformance::rows::{lines, write_line};
use horsepower_conformance::subprocess::{die, signal};
use rustix::process::Signal;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

static LOADED: OnceLock<(u32, Vec<u64>)> = OnceLock::new();

fn load(len: u64) {
    LOADED.set((std::process::id(), (0..len).collect())).unwrap();
}

fn forked() -> ProcessPoolBuilder {
    ProcessPoolExecutor::builder().preload(load, 1000)
}

/// Task: returns its process, the process that loaded the table, and an entry of it.
fn pids(n: usize) -> (u32, u32, u64) {
    let (server, table) = LOADED.get().unwrap();
    (std::process::id(), *server, table[n])
}

fn end(pool: ProcessPoolExecutor, server: u32) {
    let mut all = pool.worker_pids();
    all.push(server);
    drop(pool);
    assert_gone(&all);
}

/// PR-17: the start method is a property of the pool, workers know theirs, and an unknown name is an
/// error.
#[test]
fn pr_17_start_methods() {
    horsepower::init();
    guarded("pr_17", || {
        for &method in StartMethod::ALL {
            let pool = ProcessPoolExecutor::builder().workers(1).start_method(method).build();
            let pool = pool.unwrap();
            let seen = pool.submit(|(): ()| process::start_method().unwrap().to_string(), ());
            assert_eq!(seen.result().unwrap(), method.name());
        }
        assert_eq!(process::start_method(), None);
        let error = "nope".parse::<StartMethod>().unwrap_err().to_string();
        assert_eq!(error, "unknown start method `nope`; expected one of: spawn, forkserver");
        let own = Process::spawn(|(): ()| process::start_method() == Some(StartMethod::Spawn), ());
        assert!(own.unwrap().get().unwrap());
    });
}

/// Every worker has what the server loaded; workers are children of this process, not of the server.
#[test]
fn forked_workers_share_what_was_loaded() {
    horsepower::init();
    guarded("forked", || {
        let pool = forked().workers(3).name("forked").build().unwrap();
        let futures: Vec<_> = (0..30)
            .map(|n| {
                pool.submit(
                    |n| {
                        std::thread::sleep(Duration::from_millis(2));
                        pids(n)
                    },
                    n,
                )
            })
            .collect();
        let all: Vec<_> = futures.into_iter().map(|future| future.result().unwrap()).collect();
        let server = all[0].1;
        assert!(all.iter().all(|(pid, from, _)| *from == server && *pid != server));
        assert!(all.iter().map(|(_, _, value)| *value).eq(0..30));
        assert!(all.iter().all(|(pid, ..)| parent_of(*pid) == Some(std::process::id())));
        let names = pool.submit(|(): ()| process::name().starts_with("forked_"), ());
        assert!(names.result().unwrap());
        let large = pool.submit(|list: Vec<f64>| list, vec![0.5; 1_000_000]).result().unwrap();
        assert_eq!(large.len(), 1_000_000);
        end(pool, server);
    });
}

/// Every kind of death costs one task, as with spawned workers.
#[test]
fn forked_workers_die_alone() {
    horsepower::init();
    guarded("forked deaths", || {
        let pool = forked().workers(2).build().unwrap();
        let (_, server, _) = pool.submit(pids, 0).result().unwrap();
        for (how, number) in [("abort", 6), ("overflow", 6), ("segfault", 11), ("kill", 9)] {
            let error = pool.submit(die, how.to_owned()).result().unwrap_err();
            assert!(error.is_worker_death(), "{how}: {error}");
            assert_eq!(error.signal(), Some(number), "{how}");
            assert_eq!(pool.submit(pids, 5).result().unwrap().1, server);
        }
        let panics = pool.submit(|n: u32| assert_eq!(n, 1), 2).result().unwrap_err();
        assert!(panics.is_panic());
        end(pool, server);
    });
}

/// Workers go on without the server that forked them; a new server is started when one is needed.
#[test]
fn a_server_that_dies_is_replaced() {
    horsepower::init();
    guarded("server dies", || {
        let pool = forked().workers(1).build().unwrap();
        let (pid, server, _) = pool.submit(pids, 0).result().unwrap();
        signal(server, Signal::KILL);
        until(|| !is_alive(server));
        assert_eq!(pool.submit(pids, 0).result().unwrap().0, pid, "the worker still lives");
        assert!(pool.submit(die, "kill".to_owned()).result().is_err());
        let (_, other, _) = pool.submit(pids, 0).result().unwrap();
        assert_ne!(other, server);
        end(pool, other);
    });
}

/// A preload that panics or leaves a thread breaks the pool with the reason.
#[test]
fn what_cannot_be_loaded_breaks_the_pool() {
    horsepower::init();
    guarded("preload fails", || {
        let fail = |n: u32| assert_eq!(n, 1, "not loaded");
        let pool = ProcessPoolExecutor::builder().workers(1).preload(fail, 2).build().unwrap();
        let error = pool.submit(pids, 0).result().unwrap_err();
        assert!(error.is_broken() && error.to_string().contains("not loaded"), "{error}");

        let start = |(): ()| {
            std::thread::spawn(|| std::thread::sleep(Duration::from_secs(1000)));
        };
        let pool = ProcessPoolExecutor::builder().workers(1).preload(start, ()).build().unwrap();
        let error = pool.submit(pids, 0).result().unwrap_err();
        assert!(
            error.is_broken() && error.to_string().contains("preload started or ended threads"),
            "{error}"
        );

        let error = forked().start_method(StartMethod::Spawn).build().unwrap_err();
        assert!(error.is_invalid(), "{error}");
    });
}

/// How often the initializer has run in this process.
static INITIALIZED: AtomicU64 = AtomicU64::new(0);

fn initialize(file: PathBuf) {
    INITIALIZED.fetch_add(1, Ordering::Relaxed);
    write_line((file, std::process::id().into()));
}

/// EX-15: the initializer runs once in each worker before its first task, with every start method. A fork
/// server does not run it, or its workers would inherit the effects.
#[test]
fn ex_15_initialized_once_in_each_worker() {
    horsepower::init();
    guarded("ex_15", || {
        for &method in StartMethod::ALL {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("lines");
            let builder = ProcessPoolExecutor::builder().workers(2).start_method(method);
            let pool = builder.initializer(initialize, file.clone()).build().unwrap();
            assert!(lines(&file).is_empty(), "no worker yet");
            let mut gate = Gate::new();
            let task = |gate| {
                pass(gate);
                (u64::from(std::process::id()), INITIALIZED.load(Ordering::Relaxed))
            };
            let both = [(); 2].map(|()| pool.submit(task, gate.path()));
            until(|| both.iter().all(TaskFuture::is_running));
            gate.open();
            let mut both = both.map(|future| future.result().unwrap());
            both.sort_unstable();
            assert_eq!(both.map(|(_, runs)| runs), [1, 1], "{method}");
            assert_eq!(lines(&file), both.map(|(pid, _)| pid), "{method}");
            let again = pool.map(|_: u64| INITIALIZED.load(Ordering::Relaxed), 0..200);
            assert!(again.map(Result::unwrap).all(|runs| runs == 1));
            pools::end(pool);
        }
    });
}

/// EX-16, PO-16, FA-01, SH-10: with every start method, an initializer that fails breaks the pool after a
/// bounded number of tries; queued and later tasks fail with its message. Ending such a pool by force
/// does nothing.
#[test]
fn ex_16_an_initializer_that_fails() {
    horsepower::init();
    guarded("ex_16", || {
        let fail = |file| {
            write_line((file, 1));
            panic!("there is no database");
        };
        for &method in StartMethod::ALL {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("lines");
            let builder = ProcessPoolExecutor::builder().workers(2).start_method(method);
            let pool = builder.initializer(fail, file.clone()).build().unwrap();
            let waiting: Vec<_> = (0..10).map(|n| pool.submit(pools::pid_of, n)).collect();
            let all = waiting.into_iter().map(TaskFuture::result);
            for outcome in all.chain([pool.submit(pools::pid_of, 1).result()]) {
                let error = outcome.unwrap_err();
                assert!(error.is_broken() && !error.is_panic(), "{method}: {error}");
                assert!(error.to_string().contains("there is no database"), "{method}: {error}");
            }
            let starts = lines(&file).len();
            assert!((1..=7).contains(&starts), "{method}: {starts} tries");
            for _ in 0..2 {
                let force = ShutdownOptions::new().cancel_queued().kill_running();
                pool.shutdown_with(force).unwrap();
            }
            pools::end(pool);
        }
    });
}
