//! What only a thread pool shows: its threads.

use horsepower::prelude::*;
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{guarded, threads, until};
use horsepower_conformance::subprocess::{another, role};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::HashSet;
use std::error::Error as _;
use std::sync::{Arc, mpsc};
use std::time::Duration;

fn add_one(n: u64) -> u64 {
    n + 1
}

fn fail(_: u64) -> u64 {
    panic!("on purpose");
}

fn name_of_thread(_: u64) -> String {
    std::thread::current().name().unwrap_or_default().to_owned()
}

/// EX-04: threads are started on demand, never more than there are workers, and joined at the end.
#[test]
fn ex_04_threads_start_on_demand() {
    guarded("ex_04", || {
        let pool = ThreadPoolExecutor::builder().workers(4).name("demand").build().unwrap();
        assert_eq!(threads("demand"), 0);
        // Tasks one after the other need one thread, however fast they come.
        for n in 0..2000 {
            assert_eq!(pool.submit(add_one, n).result().unwrap(), n + 1);
        }
        for n in 0..2000 {
            let future = pool.submit(add_one, n);
            while !future.is_done() {}
        }
        for n in 0..50 {
            assert_eq!(pool.map(add_one, [n]).next().unwrap().unwrap(), n + 1);
            let failed: TaskFuture<u64> = pool.task(fail, 1).retries(3).submit();
            assert!(failed.result().unwrap_err().is_panic());
        }
        assert_eq!(threads("demand"), 1);
        let mut gate = Gate::new();
        let three: Vec<_> = (0..3).map(|_| pool.submit(pass, gate.path())).collect();
        until(|| three.iter().all(TaskFuture::is_running));
        assert_eq!(threads("demand"), 3);
        let sixty: Vec<_> = (0..60).map(|_| pool.submit(pass, gate.path())).collect();
        until(|| sixty.iter().filter(|future| future.is_running()).count() == 1);
        assert_eq!(threads("demand"), 4);
        gate.open();
        drop(pool);
        assert!(three.iter().chain(&sixty).all(TaskFuture::is_done));
        // The kernel lists a joined thread for a moment more.
        until(|| threads("demand") == 0);
    });
}

/// EX-06: threads are named after their pool, and default names of pools differ.
#[test]
fn ex_06_threads_have_names() {
    guarded("ex_06", || {
        let short = Duration::from_millis(1);
        let pool = ThreadPoolExecutor::builder().workers(3).name("worker").idle_timeout(short);
        let pool = pool.build().unwrap();
        // Again after all threads have left.
        for _ in 0..3 {
            let mut gate = Gate::new();
            let task = |gate| {
                pass(gate);
                name_of_thread(0)
            };
            let futures = [(); 3].map(|()| pool.submit(task, gate.path()));
            until(|| futures.iter().all(TaskFuture::is_running));
            gate.open();
            let names = futures.map(|future| future.result().unwrap());
            assert_eq!(
                HashSet::from(names),
                HashSet::from(["0", "1", "2"].map(|n| format!("worker_{n}")))
            );
            until(|| threads("worker_") == 0);
        }
        let mut defaults = HashSet::new();
        for _ in 0..2 {
            let pool = ThreadPoolExecutor::with_workers(1).unwrap();
            let name = pool.submit(name_of_thread, 0).result().unwrap();
            assert!(name.starts_with("ThreadPoolExecutor-") && name.ends_with("_0"), "{name}");
            defaults.insert(name);
        }
        assert_eq!(defaults.len(), 2);
    });
}

/// EX-06: a name that the system cannot take is refused by the builder.
#[test]
fn ex_06_a_name_with_a_nul() {
    let error = ThreadPoolExecutor::builder().name("a\0b").build().unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("NUL"), "{error}");
}

/// EX-26: the number of threads changes during work: no task is lost, and surplus threads leave.
#[test]
fn ex_26_resize() {
    guarded("ex_26", || {
        let pool = ThreadPoolExecutor::builder().workers(1).name("resize").build().unwrap();
        let work = |n: u64| {
            std::thread::sleep(Duration::from_millis(1));
            n + 1
        };
        let mut unread = vec![];
        for workers in [12, 2, 1, 12, 6, 1, 8, 5] {
            pool.resize(workers).unwrap();
            assert_eq!(pool.workers(), workers);
            let futures: Vec<_> = (0..30).map(|n| pool.submit(work, n)).collect();
            unread.push((futures, pool.map(work, 0..100)));
        }
        for (futures, map) in unread {
            assert!(futures.into_iter().map(|future| future.result().unwrap()).eq(1..=30));
            assert!(map.map(Result::unwrap).eq(1..=100));
        }
        until(|| threads("resize") <= 5);
        // A running task keeps its thread.
        let mut gate = Gate::new();
        let held = [(); 5].map(|()| pool.submit(pass, gate.path()));
        until(|| held.iter().all(TaskFuture::is_running));
        pool.resize(2).unwrap();
        assert_eq!(threads("resize"), 5);
        gate.open();
        until(|| threads("resize") == 2);
        assert_eq!(pool.submit(add_one, 1).result().unwrap(), 2);
        assert!(pool.resize(0).unwrap_err().is_invalid());
    });
}

/// True if every thread of this process except the caller sleeps.
fn others_sleep() -> bool {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let stats =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok());
    // The state follows the name, which is in parentheses.
    let awake =
        stats.filter(|stat| stat.rsplit(')').next().is_some_and(|rest| !rest.starts_with(" S")));
    awake.count() == 1
}

/// PO-17: if a thread cannot be started and there is no other, its task fails with the system's error; if
/// there is another, that one runs the task. Threads are started again when that is possible.
#[test]
fn po_17_no_thread_to_be_had() {
    const NAME: &str = "po_17_no_thread_to_be_had";
    if role().is_some() {
        let pool = ThreadPoolExecutor::builder().workers(2).name("limited").build().unwrap();
        let plenty = getrlimit(Resource::As);
        let limit = |current| {
            setrlimit(Resource::As, Rlimit { current, maximum: plenty.maximum }).unwrap();
        };
        // The stack of a thread does not fit into the address space; no other thread may be starting
        // meanwhile.
        until(others_sleep);
        limit(Some(1 << 20));
        let error = pool.submit(add_one, 1).result().unwrap_err();
        limit(plenty.current);
        assert!(error.is_system() && error.source().is_some(), "{error}");
        assert!(format!("{error:#}").contains("cannot start a thread: "), "{error}");
        assert_eq!((pool.stats().failed, pool.stats().queued), (1, 0));
        let mut gate = Gate::new();
        let held = pool.submit(pass, gate.path());
        until(|| held.is_running());
        // Starts the timer thread before.
        let hour = Duration::from_secs(3600);
        let other = ThreadPoolExecutor::with_workers(1).unwrap();
        other.task(add_one, 1).queue_deadline(hour).submit().result().unwrap();
        until(others_sleep);
        limit(Some(1 << 20));
        let queued = pool.submit(add_one, 1);
        limit(plenty.current);
        assert!(!queued.is_done() && threads("limited") == 1);
        // The start is tried again, although the existing thread stays busy.
        assert_eq!(queued.result().unwrap(), 2);
        assert!(held.is_running() && threads("limited") == 2);
        gate.open();
        held.result().unwrap();
        return;
    }
    guarded(NAME, || {
        let output = another(NAME, "limited").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    });
}

/// SH-11: a task may shut its own pool down without waiting; waiting for it is an error. Queued tasks are
/// done, and waiters outside wait for the threads too.
#[test]
fn sh_11_in_a_task() {
    guarded("sh_11", || {
        let pool = ThreadPoolExecutor::builder().workers(2).name("inside").build().unwrap();
        let pool = Arc::new(pool);
        let inside = pool.clone();
        let mut gate = Gate::new();
        let path = gate.path();
        let ending = pool.spawn(move || {
            pass(path);
            let now = inside.shutdown_with(ShutdownOptions::new().no_wait()).is_ok();
            let waits = inside.shutdown_with(ShutdownOptions::new()).unwrap_err();
            (now, waits.is_invalid())
        });
        let queued: Vec<_> = (0..20).map(|n| pool.submit(add_one, n)).collect();
        gate.open();
        assert_eq!(ending.result().unwrap(), (true, true));
        assert!(pool.submit(add_one, 1).result().unwrap_err().is_shutdown());
        assert!(queued.into_iter().map(|future| future.result().unwrap()).eq(1..=20));
        pool.shutdown();
        until(|| threads("inside") == 0);
    });
}

/// A callback waits for another thread, which uses the pool: the pool does not count the thread that runs
/// the callback as free.
#[test]
fn a_callback_that_waits_holds_nobody_up() {
    guarded("a_callback_that_waits", || {
        let pool = ThreadPoolExecutor::with_workers(2).unwrap();
        let (ask, asked) = mpsc::channel();
        let (answer, answered) = mpsc::channel();
        let mut gate = Gate::new();
        let future = pool.submit(pass, gate.path());
        future.add_done_callback(move |_| {
            ask.send(()).unwrap();
            answered.recv().unwrap();
        });
        gate.open();
        asked.recv().unwrap();
        assert_eq!(pool.submit(add_one, 1).result().unwrap(), 2);
        answer.send(()).unwrap();
        future.result().unwrap();
    });
}

/// A thread pool may be dropped inside asynchronous code, on any runtime.
#[test]
fn a_pool_may_be_dropped_in_asynchronous_code() {
    guarded("asynchronous", || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let sum = runtime.block_on(async {
            let pool = ThreadPoolExecutor::with_workers(2).unwrap();
            let sum = pool.submit(|(a, b): (u64, u64)| a + b, (1, 2)).await;
            drop(pool.submit(|n: u64| n, 1));
            sum
        });
        assert_eq!(sum.unwrap(), 3);
    });
}

/// Closures with captures have methods of their own and need no serde; in line they may even borrow.
#[test]
fn spawn_takes_captures() {
    guarded("spawn", || {
        let pool = ThreadPoolExecutor::with_workers(2).unwrap();
        let offset = String::from("12");
        let captured = offset.clone();
        let future = pool.spawn(move || std::sync::Arc::new(captured.len()));
        assert_eq!(*future.result().unwrap(), 2);
        let captured = offset.clone();
        let lens = pool.spawn_map(move |n: usize| n + captured.len(), 0..100);
        assert!(lens.map(Result::unwrap).eq(2..102));
        let least = MapOptions::new().window(1).chunk_size(1);
        let captured = offset.clone();
        let lens = pool.spawn_tasks(move |n: usize| n + captured.len(), 0..5).options(least).map();
        assert!(lens.map(Result::unwrap).eq(2..7));
        let failed: TaskFuture<()> = pool.spawn(|| panic!("no"));
        let error = failed.result().unwrap_err();
        assert_eq!(error.panic_message(), Some("no"));

        let inline = InlineExecutor::new();
        let mut seen = vec![];
        inline.spawn(|| seen.push(&offset)).result().unwrap();
        assert_eq!(seen, [&offset]);
        assert!(inline.spawn_map(|n: usize| n + offset.len(), 0..5).map(Result::unwrap).eq(2..7));
    });
}

/// Recursion that the main thread can take runs on the threads of a pool, and on a `Thread`, too.
#[test]
fn threads_have_the_stack_of_main() {
    fn depth(n: u64) -> u64 {
        let frame = std::hint::black_box([n; 32]);
        if n == 0 { 0 } else { frame[7] - (n - 1) + depth(n - 1) }
    }
    guarded("stack", || {
        // 256 bytes a call at least, and several times as many in a debug build.
        let deep = 8_000;
        let pool = ThreadPoolExecutor::with_workers(1).unwrap();
        assert_eq!(pool.submit(depth, deep).result().unwrap(), deep);
        let deepest =
            ThreadPoolExecutor::builder().workers(1).stack_size(128 << 20).build().unwrap();
        assert_eq!(deepest.submit(depth, 10 * deep).result().unwrap(), 10 * deep);
        let thread = horsepower::Thread::spawn(move |_| depth(deep)).unwrap();
        assert_eq!(thread.result().unwrap(), deep);
    });
}

/// EX-22: tasks that wait for tasks of their own full pool, in every way, without a limit of time: a thread that
/// waits runs what nobody else can.
#[test]
fn ex_22_waiting_for_the_own_pool() {
    use horsepower::{Until, wait};
    fn sum(pool: &Arc<ThreadPoolExecutor>, n: u64, how: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        let below = || {
            let inner = pool.clone();
            pool.spawn(move || sum(&inner, n - 1, how))
        };
        n + match how {
            0 => below().result().unwrap(),
            1 => wait([below()], Until::AllCompleted, None).done.remove(0).result().unwrap(),
            2 => as_completed([below()]).map(|done| done.result().unwrap()).sum(),
            3 => {
                let inner = pool.clone();
                let items = pool.spawn_map(move |n| sum(&inner, n, how), [n - 1]);
                items.map(Result::unwrap).sum()
            }
            _ => {
                let inner = pool.clone();
                let items = pool.spawn_tasks(move |n| sum(&inner, n, how), [n - 1]);
                items.unordered().map().map(Result::unwrap).sum()
            }
        }
    }
    guarded("ex_22", || {
        for how in 0..5 {
            for workers in [1, 2] {
                let pool = Arc::new(ThreadPoolExecutor::with_workers(workers).unwrap());
                let all: Vec<_> = (0..4)
                    .map(|_| {
                        let inner = pool.clone();
                        pool.spawn(move || sum(&inner, 20, how))
                    })
                    .collect();
                assert!(all.into_iter().all(|future| future.result().unwrap() == 210), "{how}");
                assert_eq!(pool.stats().done, 4 * 21, "{how}");
            }
        }
    });
}
