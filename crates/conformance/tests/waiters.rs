//! Waiters whose worker, or whose supervisor, is lost: each of them gets an answer.

use horsepower::prelude::*;
use horsepower::{Error, ShutdownOptions, Until, as_completed, wait};
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{assert_gone, guarded, until, waiting};
use horsepower_conformance::pools::{end, pid_of, pool};
use horsepower_conformance::subprocess::{another, role, signal};
use rustix::process::Signal;
use std::mem::ManuallyDrop;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ScopedJoinHandle;

/// Task: waits at the gate and returns its process.
fn who(gate: std::path::PathBuf) -> u32 {
    pass(gate);
    std::process::id()
}

/// PO-15: a worker is killed in the middle of a task while threads wait for that task and for another
/// one. The first waiter gets the death of the worker before the other task ends; the other gets its
/// result. Queued and later tasks are done, and the pool can be shut down.
#[test]
fn po_15_killed_in_the_middle_of_a_task() {
    horsepower::init();
    guarded("po_15", || {
        let pool = pool(2);
        let mut gate = Gate::new();
        let running = [(); 2].map(|()| pool.submit(who, gate.path()));
        until(|| running.iter().all(TaskFuture::is_running));
        let queued: Vec<_> = (0..50).map(|n| pool.submit(pid_of, n)).collect();
        let victim = pool.worker_pids()[0];
        std::thread::scope(|scope| {
            let [one, two] = running.each_ref();
            let waiters = [waiting(scope, || one.error()), waiting(scope, || two.error())];
            signal(victim, Signal::KILL);
            until(|| running.iter().any(TaskFuture::is_done));
            let later = pool.submit(pid_of, 7);
            until(|| waiters.iter().any(ScopedJoinHandle::is_finished));
            assert!(!waiters.iter().all(ScopedJoinHandle::is_finished), "the other task runs");
            gate.open();
            let mut answers = waiters.map(|waiter| waiter.join().unwrap());
            answers.sort_by_key(Option::is_none);
            let error = answers[0].as_ref().unwrap();
            assert!(error.is_worker_death(), "{error}");
            assert_eq!((error.signal(), error.worker_pid()), (Some(9), Some(victim)), "{error}");
            assert!(answers[1].is_none(), "{:?}", answers[1]);
            assert_eq!(later.result().unwrap().0, 7);
        });
        let results = running.into_iter().filter_map(|future| future.result().ok());
        assert!(results.filter(|pid| *pid != victim).count() == 1);
        for (n, future) in (0..).zip(queued) {
            let (number, pid) = future.result().unwrap();
            assert!(number == n && pid != victim);
        }
        pool.shutdown();
        end(pool);
    });
}

/// FA-14, FA-01, SH-10: when the supervisor fails, every kind of waiter and every later call gets an
/// error that says the pool is broken, and why. Ending it by force does nothing, and nothing is left of
/// it.
#[test]
fn fa_14_the_supervisor_fails() {
    const NAME: &str = "fa_14_the_supervisor_fails";
    horsepower::init();
    if role().is_none() {
        return guarded(NAME, || {
            let output = another(NAME, "parent").output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        });
    }
    guarded(NAME, || {
        let builder = ProcessPoolExecutor::builder().workers(2).queue_limit(20);
        let pool = builder.build().unwrap();
        let gate = Gate::new();
        let running = [(); 2].map(|()| pool.submit(pass, gate.path()));
        until(|| running.iter().all(TaskFuture::is_running));
        let queued: Vec<_> = (0..20).map(|n| pool.submit(pid_of, n)).collect();
        let called = Arc::new(AtomicBool::new(false));
        let told = called.clone();
        let (tell, next) = std::sync::mpsc::channel();
        queued[2].add_done_callback(move |_| next.recv().unwrap());
        queued[3].add_done_callback(move |_| {
            told.store(true, Ordering::SeqCst);
            tell.send(()).unwrap();
        });
        let pids = pool.worker_pids();
        all_who_wait(&pool, &queued, || {
            take_the_supervisor_s_epoll_away();
            signal(pids[0], Signal::KILL);
        });
        for future in queued {
            is_why(&future.result().unwrap_err());
        }
        for future in running {
            let error = future.result().unwrap_err();
            assert!(error.is_broken() || error.is_worker_death(), "{error}");
        }
        until(|| called.load(Ordering::SeqCst));
        assert!(pool.submit(pid_of, 1).result().unwrap_err().is_broken());
        for _ in 0..2 {
            let force = ShutdownOptions::new().cancel_queued().kill_running();
            pool.shutdown_with(force).unwrap();
        }
        assert_gone(&pids);
        end(pool);
    });
}

/// Threads wait for queued tasks in every way there is; then `fail` runs, and each of them gets an
/// answer.
fn all_who_wait(
    pool: &ProcessPoolExecutor,
    queued: &[TaskFuture<(u64, u32)>],
    fail: impl FnOnce(),
) {
    std::thread::scope(|scope| {
        let get = waiting(scope, || queued[0].get().unwrap_err());
        let all = waiting(scope, || wait(&queued[..5], Until::AllCompleted, None));
        let ends = waiting(scope, || as_completed(&queued[5..10]).count());
        let map = waiting(scope, || pool.map(pid_of, 0..10).next().unwrap().unwrap_err());
        let submit = waiting(scope, || pool.submit(pid_of, 1).result().unwrap_err());
        assert_eq!(queued.iter().filter(|future| future.is_done()).count(), 0);
        fail();
        is_why(&get.join().unwrap());
        let all = all.join().unwrap();
        assert_eq!((all.done.len(), all.not_done.len()), (5, 0));
        assert_eq!(ends.join().unwrap(), 5);
        is_why(&map.join().unwrap());
        is_why(&submit.join().unwrap());
    });
}

/// Checks that the error says that the pool is broken, and why.
fn is_why(error: &Error) {
    assert!(error.is_broken(), "{error}");
    assert!(error.to_string().contains("its supervisor failed: Invalid"), "{error}");
}

/// Replaces the epoll of the supervisor by a file that cannot be waited on.
fn take_the_supervisor_s_epoll_away() {
    let null = std::fs::File::open("/dev/null").unwrap();
    let mut taken = 0;
    for entry in std::fs::read_dir("/proc/self/fd").unwrap() {
        let path = entry.unwrap().path();
        if !std::fs::read_link(&path).is_ok_and(|to| to.ends_with("anon_inode:[eventpoll]")) {
            continue;
        }
        let number = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
        // SAFETY: the descriptor is open and stays open, because `ManuallyDrop` does not close it; the
        // supervisor, which owns it, finds another file behind its number.
        let epoll = unsafe { OwnedFd::from_raw_fd(number) };
        let mut epoll = ManuallyDrop::new(epoll);
        rustix::io::dup2(&null, &mut epoll).unwrap();
        taken += 1;
    }
    assert_eq!(taken, 1);
}
