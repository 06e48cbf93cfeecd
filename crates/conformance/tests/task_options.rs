//! Task options that need a process: deadlines, `kill`, captured output.

#![allow(clippy::print_stdout, clippy::print_stderr)] // what tasks print is looked at

use horsepower::prelude::*;
use horsepower::{Error, ShutdownOptions, TaskOptions};
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::harness::{assert_gone, guarded, in_time, is_child, until};
use horsepower_conformance::pools::{end, pid_of, pool};
use horsepower_conformance::rows::{lines, write_line};
use horsepower_conformance::subprocess::{another, die, role};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(3600);

fn hang(file: PathBuf) {
    write_line((file, u64::from(std::process::id())));
    loop {
        std::thread::park();
    }
}

/// Task: ignores SIGTERM and never ends; writes a line once it ignores the signal.
fn ignore_terminate(file: PathBuf) {
    let seen = std::sync::Arc::default();
    signal_hook::flag::register(signal_hook::consts::SIGTERM, seen).unwrap();
    hang(file);
}

/// FA-15: a task past its deadline is ended with its worker, and the next one runs in another; time in
/// the queue does not count, and a deadline that is kept changes nothing.
#[test]
fn fa_15_a_deadline_ends_the_task() {
    horsepower::init();
    guarded("fa_15", || {
        let pool = pool(1);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lines");
        in_time(Duration::from_millis(100), |limit| {
            let _ = std::fs::remove_file(&file);
            let (_, pid) = pool.submit(pid_of, 0).result().unwrap();
            let start = Instant::now();
            let endless = pool.task(hang, file.clone()).deadline(limit).submit();
            let waiting: Vec<_> = (0..5).map(|n| pool.submit(pid_of, n)).collect();
            let error = endless.result().unwrap_err();
            assert!(start.elapsed() >= limit);
            assert!(error.is_deadline() && !error.is_timeout(), "{error}");
            assert!(!error.is_worker_death(), "{error}");
            assert_eq!(error.worker_pid(), Some(pid));
            let text = format!("deadline of {limit:?} exceeded");
            assert!(error.to_string().contains(&text), "{error}");
            for (n, future) in (0..).zip(waiting) {
                let (number, other) = future.result().unwrap();
                assert!(number == n && other != pid);
            }
            assert_gone(&[pid]);
            let begun = lines(&file);
            (!begun.is_empty()).then(|| assert_eq!(begun, [u64::from(pid)]))
        });

        let (_, pid) = pool.task(pid_of, 1).deadline(LONG).submit().result().unwrap();
        assert_eq!(pool.submit(pid_of, 1).result().unwrap().1, pid);

        // A task that has waited for longer than its deadline still has all of its time to run.
        in_time(SHORT, |limit| {
            let _ = std::fs::remove_file(&file);
            let mut gate = Gate::new();
            let first = pool.submit(pass, gate.path());
            let patient = pool.task(pid_of, 1).deadline(LONG).submit();
            let brief = pool.task(hang, file.clone()).deadline(limit).submit();
            std::thread::sleep(2 * limit);
            assert!(!patient.is_done() && !brief.is_done());
            gate.open();
            first.result().unwrap();
            patient.result().unwrap();
            assert!(brief.result().unwrap_err().is_deadline());
            (lines(&file).len() == 1).then_some(())
        });
        end(pool);
    });
}

/// FA-15: a deadline holds although nobody waits for the task.
#[test]
fn fa_15_nobody_has_to_wait() {
    horsepower::init();
    guarded("fa_15_nobody", || {
        let pool = pool(1);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lines");
        in_time(SHORT, |limit| {
            let (_, pid) = pool.submit(pid_of, 0).result().unwrap();
            drop(pool.task(hang, file.clone()).deadline(limit).submit());
            until(|| !is_child(pid));
            (lines(&file).len() == 1).then_some(())
        });
        assert_eq!(pool.submit(pid_of, 3).result().unwrap().0, 3);
        end(pool);
    });
}

/// FA-16: a task has its grace to end after a SIGTERM; one that does not end is killed, with the same
/// error.
#[test]
fn fa_16_grace_and_then_the_end() {
    horsepower::init();
    guarded("fa_16", || {
        let pool = pool(1);
        let folder = tempfile::tempdir().unwrap();
        let first = Duration::from_millis(300);
        let file = folder.path().join("stubborn");
        in_time(first, |deadline| {
            let start = Instant::now();
            let task = pool.task(ignore_terminate, file.clone()).deadline(deadline).grace(SHORT);
            let error = task.submit().result().unwrap_err();
            assert!(error.is_deadline(), "{error}");
            assert_gone(&[error.worker_pid().unwrap()]);
            let has_begun = file.exists();
            has_begun.then(|| assert!(start.elapsed() >= deadline + SHORT, "it had its grace"))
        });

        // A task that reacts has the time to end by itself.
        let file = folder.path().join("tidy");
        let tidy = |file: PathBuf| {
            let mut signals = Vec::new();
            let told = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
            signals.push(signal_hook::flag::register(signal_hook::consts::SIGTERM, told.clone()));
            write_line((file.clone(), 1));
            while !told.load(std::sync::atomic::Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(1));
            }
            write_line((file, 2));
            die("0".to_owned());
        };
        in_time(first, |deadline| {
            let task = pool.task(tidy, file.clone()).deadline(deadline).grace(LONG);
            let error = task.submit().result().unwrap_err();
            assert!(error.is_deadline(), "{error}");
            file.exists().then(|| assert_eq!(lines(&file), [1, 2], "it could tidy up"))
        });
        assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
        end(pool);
    });
}

/// FA-17: a map has a deadline for each item: late items are errors, the others arrive.
#[test]
fn fa_17_a_deadline_for_items() {
    horsepower::init();
    guarded("fa_17", || {
        let pool = pool(2);
        let folder = tempfile::tempdir().unwrap();
        let task = |(file, n): (PathBuf, u64)| {
            write_line((file.clone(), n));
            if n % 10 == 3 {
                hang(file);
            }
            n * 2
        };
        for size in [1, 8] {
            in_time(Duration::from_millis(200), |deadline| {
                // A file for each attempt: an item of a stopped map may still run later.
                let file = folder.path().join(format!("{size} {deadline:?}"));
                let items: Vec<_> = (0..20).map(|n| (file.clone(), n)).collect();
                let options = MapOptions::new().chunk_size(size).deadline(deadline);
                let options = options.on_error(OnError::Continue);
                let results: Vec<_> =
                    pool.tasks(task, items.clone()).options(options.clone()).map().collect();
                assert_eq!(results.len(), 20);
                let mut late = vec![];
                for (n, result) in (0..).zip(results) {
                    match result {
                        Ok(value) => assert!(n % 10 != 3 && value == n * 2, "{n}: {value}"),
                        Err(error) if error.is_deadline() => late.push(n),
                        Err(error) => panic!("{n}: {error}"),
                    }
                }
                let mut begun = lines(&file);
                begun.retain(|line| *line < 20);
                let stop = pool.tasks(task, items).options(options.on_error(OnError::Stop)).map();
                let results: Vec<_> = stop.collect();
                assert!(results.last().unwrap().as_ref().is_err_and(Error::is_deadline));
                (late == [3, 13]).then(|| {
                    assert!(begun.iter().copied().eq(0..20), "once each: {begun:?}");
                    (results.len() == 4).then_some(())
                })?
            });
        }
        end(pool);
    });
}

/// FU-16: `kill` ends a running task and its worker; no retry follows, and no other task is harmed.
#[test]
fn fu_16_kill() {
    horsepower::init();
    guarded("fu_16", || {
        let pool = pool(2);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lines");
        for retries in [0, 3] {
            let future = pool.task(hang, file.clone()).retries(retries).submit();
            let others: Vec<_> = (0..20).map(|n| pool.submit(pid_of, n)).collect();
            until(|| lines(&file).len() == 1);
            let pid = lines(&file)[0] as u32;
            assert!(!future.cancel() && future.is_running());
            assert!(future.kill());
            assert!(future.error().is_some());
            assert!(future.kill() && future.cancel() && future.is_cancelled());
            let error = future.result().unwrap_err();
            assert!(error.is_cancelled() && !error.is_worker_death(), "{error}");
            assert_eq!(error.worker_pid(), Some(pid));
            assert!(
                error.to_string().contains("it was killed together with worker process"),
                "{error}"
            );
            for (n, future) in (0..).zip(others) {
                assert_eq!(future.result().unwrap().0, n);
            }
            until(|| !is_child(pid));
            assert_eq!(lines(&file).len(), 1);
            std::fs::remove_file(&file).unwrap();
        }
        end(pool);
    });
}

/// A task whose worker is lost is retried only if that was asked for.
#[test]
fn retries_after_the_loss_of_a_worker() {
    horsepower::init();
    guarded("retries", || {
        let pool = pool(1);
        let folder = tempfile::tempdir().unwrap();
        let dies_twice = |(file, how): (PathBuf, String)| {
            write_line((file.clone(), 1));
            match (lines(&file).len(), &*how) {
                (3.., _) => lines(&file).len(),
                (_, "late") => {
                    hang(file);
                    0
                }
                _ => die(how) as usize,
            }
        };
        for how in ["abort", "kill", "3", "late"] {
            let first = Duration::from_millis(if how == "late" { 100 } else { 20_000 });
            in_time(first, |deadline| {
                let file = |tries| folder.path().join(format!("{how} {tries} {deadline:?}"));
                let options = TaskOptions::new().deadline(deadline);
                let argument = |tries| (file(tries), how.to_owned());
                let once = pool.task(dies_twice, argument(1)).options(options.clone()).submit();
                let error = once.result().unwrap_err();
                assert!(if how == "late" { error.is_deadline() } else { error.is_worker_death() });
                let begun = lines(&file(1)).iter().filter(|line| **line == 1).count();
                assert!(begun == 1 || begun == 0 && how == "late", "{how}");
                let twice =
                    pool.task(dies_twice, argument(2)).options(options.clone().retries(1)).submit();
                let outcome = twice.result();
                // The task that hangs writes one line more.
                assert!(how == "late" || outcome.is_err(), "{how}");
                let thrice =
                    pool.task(dies_twice, argument(3)).options(options.retries(2)).submit();
                match thrice.result() {
                    Err(error) if how == "late" && error.is_deadline() => None,
                    outcome => {
                        assert!(outcome.unwrap() >= 3, "{how}");
                        (begun == 1).then_some(())
                    }
                }
            });
        }
        assert!(pool.stats().retried >= 8);
        end(pool);
    });
}

/// The output of a task is captured on request, however the task ends; that of other tasks is not.
#[test]
fn output_is_kept() {
    const NAME: &str = "output_is_kept";
    horsepower::init();
    if role().is_none() {
        guarded(NAME, || {
            let output = another(NAME, "parent").output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{text}{errors}");
            for after in ["return", "panic", "abort", "hang"] {
                assert!(text.contains(&format!("open after {after}\n")), "{text}");
                assert!(errors.contains(&format!("open after {after}\n")), "{errors}");
            }
            assert!(!text.contains("secret") && !errors.contains("secret"), "{text}{errors}");
        });
        return;
    }
    let print = |(how, file): (String, PathBuf)| {
        println!("secret {how}");
        print!("and half a line");
        eprintln!("secret error of {how}");
        match &*how {
            "panic" => panic!("on purpose"),
            "hang" => hang(file),
            "return" => {}
            how => {
                let _ = std::io::Write::flush(&mut std::io::stdout());
                die(how.to_owned());
            }
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let pool = pool(1);
    for how in ["return", "panic", "abort", "hang"] {
        let file = folder.path().join("lines");
        let submit = |limit| {
            let options = TaskOptions::new().capture_output().deadline(limit);
            let future = pool.task(print, (how.to_owned(), file.clone())).options(options).submit();
            assert_eq!(future.error().is_some(), how != "return", "{how}");
            future
        };
        let future = match how {
            "hang" => in_time(Duration::from_millis(200), |limit| {
                let future = submit(limit);
                // The task makes the file after it has printed everything.
                file.exists().then_some(future)
            }),
            _ => submit(Duration::MAX),
        };
        let output = future.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        // Text in a buffer of the process is lost with it.
        let whole = if how == "hang" { "secret hang\n" } else { "and half a line" };
        assert!(text.starts_with(&format!("secret {how}\n")) && text.ends_with(whole), "{text}");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.starts_with(&format!("secret error of {how}\n")), "{errors}");
        let open = |how: String| {
            println!("\nopen after {how}");
            eprintln!("\nopen after {how}");
        };
        let future = pool.submit(open, how.to_owned());
        future.get().unwrap();
        assert_eq!(future.output(), None, "it was not asked for");
    }
    let quiet = pool.task(pid_of, 1).capture_output().submit();
    quiet.get().unwrap();
    assert!(quiet.output().unwrap().stdout.is_empty());
    let huge = |len: usize| print!("{}", "x".repeat(len));
    let future = pool.task(huge, (16 << 20) + 5).capture_output().submit();
    future.get().unwrap();
    assert_eq!(future.output().unwrap().stdout.len(), 16 << 20);
    end(pool);
}

/// PO-10, SH-10: a shutdown by force does not wait for tasks that hang, even if they ignore SIGTERM;
/// every future ends.
#[test]
fn po_10_the_end_of_what_runs() {
    horsepower::init();
    guarded("po_10", || {
        let pool = pool(2);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lines");
        let futures: Vec<_> =
            (0..20).map(|_| pool.submit(ignore_terminate, file.clone())).collect();
        until(|| lines(&file).len() == 2);
        let pids = pool.worker_pids();
        pool.shutdown_with(ShutdownOptions::new().cancel_queued().kill_running()).unwrap();
        assert_gone(&pids);
        let errors: Vec<_> = futures.into_iter().map(|f| f.result().unwrap_err()).collect();
        assert!(errors.iter().all(Error::is_cancelled));
        assert_eq!(errors.iter().filter(|error| error.worker_pid().is_some()).count(), 2);
        assert!(pool.submit(pid_of, 1).result().unwrap_err().is_shutdown());
        end(pool);
    });
}
