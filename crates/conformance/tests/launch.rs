//! How workers are started: their names, environment and priority, and the errors when they cannot be
//! started.

use horsepower::Process;
use horsepower::prelude::*;
use horsepower::{ProcessPoolBuilder, StartMethod};
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{guarded, parent_of, until};
use horsepower_conformance::pools::{end, pid_of};
use horsepower_conformance::subprocess::{another, die, role};
use horsepower_conformance::subscriber::on_event;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn name_of(_: u64) -> String {
    horsepower::process::name().to_owned()
}

fn builder() -> ProcessPoolBuilder {
    ProcessPoolExecutor::builder().workers(1)
}

/// EX-06: workers are named after their pool, and default names of pools differ.
#[test]
fn ex_06_workers_have_names() {
    horsepower::init();
    guarded("ex_06", || {
        let pool = builder().workers(2).name("parser").build().unwrap();
        let names: HashSet<String> = pool.map(name_of, 0..50).map(Result::unwrap).collect();
        assert!(names.iter().all(|name| name == "parser_0" || name == "parser_1"), "{names:?}");
        let known: HashSet<_> = pool.stats().workers.into_iter().map(|w| w.name).collect();
        assert!(names.is_subset(&known), "{names:?} {known:?}");
        end(pool);
        let mut defaults = HashSet::new();
        for _ in 0..2 {
            let pool = builder().build().unwrap();
            let name = pool.submit(name_of, 0).result().unwrap();
            assert!(name.starts_with("ProcessPoolExecutor-") && name.ends_with("_0"), "{name}");
            defaults.insert(name);
            end(pool);
        }
        assert_eq!(defaults.len(), 2);
        let error = builder().name("n".repeat(231)).build().unwrap_err();
        assert!(error.is_invalid(), "{error}");
        end(builder().name("n".repeat(230)).build().unwrap());
    });
}

/// EX-06: the number in the name begins at 0 for every start method.
#[test]
fn ex_06_forked_workers_have_names() {
    horsepower::init();
    guarded("ex_06_forked", || {
        for &method in StartMethod::ALL {
            let pool = builder().name("reader").start_method(method).build().unwrap();
            assert_eq!(pool.submit(name_of, 0).result().unwrap(), "reader_0", "{method}");
            end(pool);
        }
    });
}

/// Workers have the environment and the working directory that their pool was given.
#[test]
fn environment_and_directory() {
    const NAME: &str = "environment_and_directory";
    horsepower::init();
    if role().is_none() {
        return guarded(NAME, || {
            let mut command = another(NAME, "parent");
            command.env("HORSEPOWER_TEST_KEPT", "kept").env("HORSEPOWER_TEST_REMOVED", "removed");
            let output = command.env_remove("HORSEPOWER_TEST_WORD").output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        });
    }
    guarded(NAME, || {
        let folder = tempfile::tempdir().unwrap();
        let pool = builder()
            .env("HORSEPOWER_TEST_WORD", "a word")
            .env("HORSEPOWER_TEST_OTHER", "another")
            .env_remove("HORSEPOWER_TEST_OTHER")
            .env_remove("HORSEPOWER_TEST_REMOVED")
            .current_dir(folder.path())
            .build()
            .unwrap();
        let look = |name: String| (std::env::var(name).ok(), std::env::current_dir().unwrap());
        let look = |name: &str| pool.submit(look, name.to_owned()).result().unwrap();
        let (word, directory) = look("HORSEPOWER_TEST_WORD");
        assert_eq!(word.as_deref(), Some("a word"));
        assert_eq!(directory, folder.path().canonicalize().unwrap());
        assert_eq!(look("HORSEPOWER_TEST_OTHER").0, None);
        assert_eq!(look("HORSEPOWER_TEST_REMOVED").0, None);
        assert_eq!(look("HORSEPOWER_TEST_KEPT").0.as_deref(), Some("kept"), "the parent's");
        assert!(std::env::var_os("HORSEPOWER_TEST_REMOVED").is_some(), "the parent keeps its own");
        assert!(std::env::var_os("HORSEPOWER_TEST_WORD").is_none());
        // A later worker gets the same.
        assert!(pool.submit(die, "kill".to_owned()).result().unwrap_err().is_worker_death());
        assert_eq!(look("HORSEPOWER_TEST_WORD").0.as_deref(), Some("a word"));
        end(pool);

        let pool = builder().current_dir("/no/such/folder").build().unwrap();
        let error = pool.submit(pid_of, 1).result().unwrap_err();
        assert!(error.is_broken() && error.to_string().contains("No such file"), "{error}");
        end(pool);
    });
}

/// The priority of workers and the CPUs on which they may run.
#[test]
fn nice_and_affinity() {
    horsepower::init();
    guarded("nice", || {
        // Both are properties of a thread; this is the one that runs the task.
        let look = |(): ()| {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            // The name in parentheses is the second field.
            let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            let cpus = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
            let usable = horsepower::info::usable_cpus().get();
            (fields[19 - 3].parse::<i32>().unwrap(), cpus.unwrap().trim().to_owned(), usable)
        };
        let own = look(());
        let pool = builder().build().unwrap();
        assert_eq!(pool.submit(look, ()).result().unwrap(), own, "as the parent, unless asked for");
        end(pool);
        let last = own.1.rsplit([',', '-']).next().unwrap().parse::<usize>().unwrap();
        let pool = builder().nice(3).cpu_affinity([last]).build().unwrap();
        for _ in 0..10 {
            let (nice, cpus, usable) = pool.submit(look, ()).result().unwrap();
            assert_eq!((nice, cpus, usable), ((own.0 + 3).min(19), last.to_string(), 1));
            assert!(pool.submit(die, "abort".to_owned()).result().is_err());
        }
        let process = Process::builder().nice(3).cpu_affinity([last]).spawn(look, ()).unwrap();
        let expected = ((own.0 + 3).min(19), last.to_string(), 1);
        assert_eq!(process.result().unwrap(), expected, "a process alone");
        assert_eq!(look(()), own, "the parent stays as it is");
        end(pool);

        let error = builder().cpu_affinity([]).build().unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains("at least one CPU"), "{error}");
        let missing =
            |cpu: &usize| !PathBuf::from(format!("/sys/devices/system/cpu/cpu{cpu}")).exists();
        let missing = (0..1024).rev().find(missing).expect("a CPU that this machine does not have");
        let pool = builder().cpu_affinity([missing]).build().unwrap();
        let error = pool.submit(pid_of, 1).result().unwrap_err();
        assert!(error.is_broken(), "{error}");
        end(pool);
    });
}

/// `stats` describes each worker.
#[test]
fn stats_of_workers() {
    horsepower::init();
    guarded("stats", || {
        let pool = builder().workers(2).name("known").build().unwrap();
        assert!(pool.stats().workers.is_empty());
        let mut gate = Gate::new();
        let running = [(); 2].map(|()| pool.submit(pass, gate.path()));
        until(|| running.iter().all(TaskFuture::is_running));
        // The reports that it is ready and that it has begun arrive on different ways.
        until(|| pool.stats().workers.iter().all(|worker| worker.ready));
        let stats = pool.stats();
        assert_eq!((stats.running, stats.workers.len(), stats.restarts), (2, 2, 0));
        for worker in &stats.workers {
            assert!(pool.worker_pids().contains(&worker.pid));
            assert!(worker.in_flight == 1 && worker.tasks == 0, "{worker:?}");
            assert!(worker.memory_bytes > 4096, "{worker:?}");
        }
        let before = stats.workers[0].age;
        // Lower bounds for the age and for the time that they were busy.
        std::thread::sleep(Duration::from_millis(10));
        gate.open();
        running.into_iter().for_each(|future| future.result().unwrap());
        let stats = pool.stats();
        let first = stats.workers.iter().find(|w| w.pid == stats.workers[0].pid).unwrap();
        assert!(first.age >= before + Duration::from_millis(10), "{first:?}");
        for worker in &stats.workers {
            assert!(worker.tasks == 1 && worker.in_flight == 0, "{worker:?}");
            assert!(worker.busy >= Duration::from_millis(10) && worker.busy <= worker.age);
        }
        let error = pool.submit(die, "segfault".to_owned()).result().unwrap_err();
        let dead = error.worker_pid().unwrap();
        let stats = pool.stats();
        assert_eq!((stats.restarts, stats.failed, stats.done), (1, 1, 2));
        let restart = &stats.last_restarts[0];
        assert!(restart.pid == dead && restart.why.contains("SIGSEGV"), "{restart:?}");
        assert!(!stats.workers.iter().any(|worker| worker.pid == dead));
        end(pool);
    });
}

fn end_of_one_task() {
    let pool = builder().build().unwrap();
    assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
    end(pool);
}

/// Limits this process to so many descriptors; `None` restores the limit it had at first.
fn limit_descriptors(most: impl Into<Option<u64>>) {
    static PLENTY: OnceLock<Rlimit> = OnceLock::new();
    let plenty = *PLENTY.get_or_init(|| getrlimit(Resource::Nofile));
    let current = most.into().or(plenty.current);
    setrlimit(Resource::Nofile, Rlimit { current, ..plenty }).unwrap();
}

/// How many events have said that a worker cannot be started.
static REFUSED: AtomicUsize = AtomicUsize::new(0);

/// Counts them from now on.
fn count_refusals() {
    on_event(|text| {
        if text.contains(" message=cannot start a worker") {
            REFUSED.fetch_add(1, Ordering::SeqCst);
        }
    });
}

/// PO-17: workers that cannot be started, here for lack of descriptors. If there is no worker, every task
/// fails with the system's reason, and later ones are run once the lack is over; if there are some, they do the work, and another is started as soon as
/// possible. Nothing is left of a failed start.
#[test]
fn po_17_a_worker_that_cannot_be_started() {
    const NAME: &str = "po_17_a_worker_that_cannot_be_started";
    horsepower::init();
    if role().is_none() {
        return guarded(NAME, || {
            let output = another(NAME, "alone").output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        });
    }
    guarded(NAME, || {
        // What every process initializes once is initialized.
        end_of_one_task();
        let pool = builder().workers(4).build().unwrap();
        limit_descriptors(3);
        let waiting: Vec<_> = (0..10).map(|n| pool.submit(pid_of, n)).collect();
        for future in waiting {
            let error = future.result().unwrap_err();
            assert!(error.is_system(), "{error}");
            assert!(format!("{error:#}").contains("Too many open files"), "{error:#}");
        }
        limit_descriptors(None);
        assert!(pool.worker_pids().is_empty());
        assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1, "it was not for ever");
        end(pool);

        let pool = builder().workers(4).build().unwrap();
        let mut gate = Gate::new();
        let mut running: Vec<_> = (0..3).map(|_| pool.submit(pass, gate.path())).collect();
        until(|| running.iter().all(TaskFuture::is_running));
        let pids = pool.worker_pids();
        assert_eq!(pids.len(), 3);
        count_refusals();
        limit_descriptors(3);
        running.push(pool.submit(pass, gate.path()));
        let later: Vec<_> = (0..10).map(|n| pool.submit(pid_of, n)).collect();
        // More tries than break a pool that has no worker.
        until(|| REFUSED.load(Ordering::SeqCst) > 6);
        assert_eq!(pool.worker_pids(), pids, "no other could be started");
        assert!(!running[3].is_done() && later.iter().all(|future| !future.is_done()));
        limit_descriptors(None);
        until(|| running[3].is_running());
        assert_eq!(pool.worker_pids().len(), 4, "now there is a fourth");
        gate.open();
        running.into_iter().for_each(|future| future.result().unwrap());
        for (n, future) in (0..).zip(later) {
            assert_eq!(future.result().unwrap().0, n);
        }
        end(pool);
    });
}

/// PO-17: a lack of descriptors at the first task of the program does not make later tasks fail.
#[test]
fn po_17_a_want_that_passes() {
    const NAME: &str = "po_17_a_want_that_passes";
    horsepower::init();
    if role().is_none() {
        return guarded(NAME, || {
            let output = another(NAME, "alone").output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        });
    }
    guarded(NAME, || {
        let pool = builder().build().unwrap();
        limit_descriptors(3);
        assert!(pool.submit(pid_of, 1).result().is_err());
        limit_descriptors(None);
        end(pool);
        end_of_one_task();
    });
}

/// The children of this process.
fn children() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap();
    let pids = entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    pids.filter(|&pid| parent_of(pid) == Some(std::process::id())).collect()
}

/// The limit on descriptors that leaves room for so many more.
fn room_for(more: usize) -> u64 {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap();
    let entries: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    // Without the folder itself, which is closed by now.
    let open: HashSet<_> = entries.into_iter().filter(|path| path.read_link().is_ok()).collect();
    let is_free = |number: &u64| !open.contains(&PathBuf::from(format!("/proc/self/fd/{number}")));
    (0..).filter(is_free).nth(more).unwrap()
}

/// PO-17: with one descriptor more in each round, the start of a worker fails at another step, until
/// there are enough. Each failure is reported and leaves nothing behind.
#[test]
fn po_17_wherever_the_start_fails() {
    const NAME: &str = "po_17_wherever_the_start_fails";
    horsepower::init();
    if role().is_none() {
        return guarded(NAME, || {
            for method in StartMethod::ALL {
                let output = another(NAME, method.name()).output().unwrap();
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            }
        });
    }
    let method = role().unwrap().parse().unwrap();
    guarded(NAME, || {
        // What every process initializes once is initialized.
        end_of_one_task();
        assert!(children().is_empty());
        let mut failures = 0;
        for more in 0..100 {
            let pool = builder().start_method(method).build().unwrap();
            limit_descriptors(room_for(more));
            let outcome = pool.submit(pid_of, 7).result();
            limit_descriptors(None);
            let Err(error) = outcome else {
                end(pool);
                assert!(children().is_empty());
                break;
            };
            assert!(error.is_system(), "{error}");
            assert!(format!("{error:#}").contains("Too many open files"), "{error:#}");
            // What was started ends although the pool still exists, but for a fork server, which is kept.
            until(|| children().len() <= usize::from(method == StartMethod::ForkServer));
            end(pool);
            assert!(children().is_empty());
            failures += 1;
        }
        assert!(
            (4..100).contains(&failures),
            "{method}: the start failed at {failures} places only"
        );
    });
}
