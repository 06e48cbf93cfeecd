//! A program that forks while it has executors, threads and processes: in the copy every operation is an error
//! at once, and nothing hangs; the original never notices; what the copy makes for itself works.

use horsepower::prelude::*;
use horsepower::{Process, Thread, Until, as_completed, wait};
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{guarded, until};
use horsepower_conformance::pools::{end, hang, pool};
use horsepower_conformance::subprocess::{another, role};
use std::io::Write as _;
use std::time::Duration;

fn double(n: u64) -> u64 {
    2 * n
}

/// Forks; the copy makes the call and ends. Returns its exit code. A copy that hangs is ended.
fn in_a_copy(call: impl FnOnce()) -> i32 {
    // SAFETY: other threads exist, so the copy may only do what does not need a lock that one of them could
    // hold just now. They sleep or wait, except in the test of a busy pool, which is run many times.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call));
        let _ = std::io::stdout().flush();
        // SAFETY: it ends the process.
        unsafe { libc::_exit(i32::from(caught.is_err())) };
    }
    let mut status = 0;
    for _ in 0..20_000 {
        // SAFETY: the status lives here.
        if unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) } == pid {
            return if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -1 };
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    // SAFETY: it is our child, and nobody has waited for it.
    unsafe {
        libc::kill(pid, libc::SIGKILL);
        libc::waitpid(pid, &raw mut status, 0);
    }
    -2
}

/// In a copy, which ends without dropping anything: drops a value of the original.
fn drop_here<T>(value: &T) {
    // SAFETY: nobody uses it again; see above.
    drop(unsafe { std::ptr::read(value) });
}

/// Runs the test as a program of its own.
fn alone(name: &str, test: impl FnOnce()) {
    horsepower::init();
    if role().is_some() {
        return test();
    }
    guarded(name, || {
        let output = another(name, "alone").output().unwrap();
        assert!(output.status.success(), "{output:?}");
    });
}

/// Everything that can be asked of an executor of the original is an error in the copy, or does nothing.
#[test]
fn a_copy_is_refused_at_once_and_the_original_goes_on() {
    alone("a_copy_is_refused_at_once_and_the_original_goes_on", || {
        let processes = ProcessPoolExecutor::builder().workers(2).queue_limit(3).build().unwrap();
        let threads = ThreadPoolExecutor::builder().workers(2).queue_limit(3).build().unwrap();
        let mut gate = Gate::new();
        let running = processes.submit(pass, gate.path());
        let on_thread = threads.submit(pass, gate.path());
        until(|| running.is_running() && on_thread.is_running());
        let queued = [processes.submit(pass, gate.path()), threads.submit(pass, gate.path())];
        let thread = Thread::spawn(|stop| {
            while !stop.stop_requested() {
                std::thread::yield_now()
            }
        });
        let thread = thread.unwrap();
        let process = Process::spawn(hang, ()).unwrap();
        let status = in_a_copy(|| {
            fn is_refused<E: Executor>(executor: &E) {
                for _ in 0..10 {
                    let error = executor.submit(double, 1).result().unwrap_err();
                    assert!(error.is_forked(), "{error}");
                }
                let all: Vec<_> = executor.map(double, 0..10).collect();
                assert!(all.iter().all(|one| one.as_ref().is_err_and(|error| error.is_forked())));
                assert!(!all.is_empty());
                assert!(executor.shutdown_with(ShutdownOptions::new()).unwrap_err().is_forked());
                let _ = executor.stats();
                executor.shutdown();
            }
            is_refused(&processes);
            is_refused(&threads);
            assert!(running.error().is_some_and(|error| error.is_forked()));
            assert!(!running.kill() && !running.is_running());
            assert!(processes.resize(3).unwrap_err().is_forked());
            assert!(threads.resize(3).unwrap_err().is_forked());
            let all = [&running, &on_thread];
            assert_eq!(wait(all, Until::AllCompleted, None).done.len(), 2);
            let [one, two] = &queued;
            assert!(
                as_completed([one, two])
                    .all(|done| done.error().is_some_and(|error| error.is_forked()))
            );
            assert!(thread.join().unwrap_err().is_forked());
            assert!(process.join().unwrap_err().is_forked());
            assert!(process.kill().unwrap_err().is_forked());
            drop_here(&running);
            drop_here(&thread);
            drop_here(&process);
            drop_here(&processes);
            drop_here(&threads);
            // What it makes for itself works.
            let pool = pool(1);
            assert_eq!(pool.submit(double, 4).result().unwrap(), 8);
            let threads = ThreadPoolExecutor::with_workers(1).unwrap();
            let late = threads.task(double, 5).queue_deadline(Duration::from_secs(60)).submit();
            assert_eq!(late.result().unwrap(), 10);
            assert_eq!(Process::spawn(double, 6).unwrap().result().unwrap(), 12);
            let reused = ProcessPoolExecutor::builder().workers(1).reusable().unwrap();
            assert_eq!(reused.submit(double, 7).result().unwrap(), 14);
        });
        assert_eq!(status, 0);
        gate.open();
        running.result().unwrap();
        on_thread.result().unwrap();
        queued.into_iter().for_each(|future| future.result().unwrap());
        assert!(process.is_alive());
        process.kill().unwrap();
        drop(process);
        thread.stop_token().request_stop();
        thread.join().unwrap();
        assert_eq!(processes.map(double, 0..100).map(Result::unwrap).sum::<u64>(), 9900);
        end(processes);
    });
}

/// The copies of a busy program take no answer of the original's, and end.
#[test]
fn copies_of_a_busy_program_take_no_answers() {
    alone("copies_of_a_busy_program_take_no_answers", || {
        let pool = pool(2);
        for round in 0..20 {
            let futures: Vec<_> = (0..200).map(|n| pool.submit(double, n)).collect();
            let status = in_a_copy(|| {
                assert!(pool.submit(double, 1_000_001).result().unwrap_err().is_forked());
                drop_here(&pool);
            });
            assert_eq!(status, 0, "{round}");
            for (n, future) in (0..).zip(futures) {
                assert_eq!(future.result().unwrap(), 2 * n);
            }
        }
        end(pool);
    });
}
