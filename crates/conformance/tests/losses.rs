//! Losses: what the loss of a worker, of several, or of the supervisor itself costs.

use horsepower::prelude::*;
use horsepower_conformance::gate::{Gate, pass};
use horsepower_conformance::lab::{assert_gone, guarded, is_child, until};
use horsepower_conformance::pools::{end, pid_of, pool};
use horsepower_conformance::roles::{another, die, role, signal};
use horsepower_conformance::rows::{lines, write_line};
use rustix::process::Signal;
use std::mem::ManuallyDrop;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// PO-15, FA-01: a worker is killed in the middle of a task: that task fails and says how; there is no
/// mode in which others fail with it: what runs beside it, what waits and what comes later is done, and
/// the pool comes to its end.
#[test]
fn po_15_killed_in_the_middle_of_a_task() {
    horsepower::init();
    guarded("po_15", || {
        let pool = pool(2);
        let mut gate = Gate::new();
        let who = |gate| {
            pass(gate);
            std::process::id()
        };
        let running = [(); 2].map(|()| pool.submit(who, gate.path()));
        until(|| running.iter().all(TaskFuture::running));
        let queued: Vec<_> = (0..50).map(|n| pool.submit(pid_of, n)).collect();
        let victim = pool.worker_pids()[0];
        signal(victim, Signal::KILL);
        until(|| running.iter().any(TaskFuture::done));
        let later = pool.submit(pid_of, 7);
        gate.open();
        let mut outcomes: Vec<_> = running.into_iter().map(TaskFuture::result).collect();
        outcomes.sort_by_key(Result::is_ok);
        let error = outcomes[0].as_ref().unwrap_err();
        assert_eq!((error.signal(), error.worker_pid()), (Some(9), Some(victim)), "{error}");
        assert!(outcomes[1].as_ref().is_ok_and(|pid| *pid != victim));
        for (n, future) in (0..).zip(queued) {
            let (number, pid) = future.result().unwrap();
            assert!(number == n && pid != victim);
        }
        assert_eq!(later.result().unwrap().0, 7);
        pool.shutdown();
        end(pool);
    });
}

/// PO-16: an initializer that ends its process: the pool is broken after a bounded number of starts, and
/// says how the last one ended.
#[test]
fn po_16_an_initializer_that_ends_the_worker() {
    horsepower::init();
    guarded("po_16", || {
        let end_it = |(file, how): (PathBuf, String)| {
            write_line((file, 1));
            die(how);
        };
        let folder = tempfile::tempdir().unwrap();
        for (how, why) in [("5", "exited with code 5"), ("abort", "was ended by SIGABRT")] {
            let file = folder.path().join(how);
            let builder = ProcessPoolExecutor::builder().workers(3);
            let pool = builder.initializer(end_it, (file.clone(), how.to_owned())).build().unwrap();
            let futures: Vec<_> = (0..10).map(|n| pool.submit(pid_of, n)).collect();
            for future in futures {
                let error = future.result().unwrap_err();
                assert!(error.is_broken() && error.to_string().contains(why), "{error}");
            }
            assert!(pool.submit(pid_of, 1).result().unwrap_err().is_broken());
            assert!((1..=8).contains(&lines(&file).len()), "{:?}", lines(&file));
            end(pool);
        }
    });
}

/// PO-13, FA-07: twenty results in a row that cannot be encoded: each error names the type and the
/// cause, and no worker is lost.
#[test]
fn po_13_results_that_cannot_be_encoded() {
    struct Unsendable(u8);
    impl serde::Serialize for Unsendable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom(format!("number {} stays here", self.0)))
        }
    }
    impl<'de> serde::Deserialize<'de> for Unsendable {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            u8::deserialize(deserializer).map(Unsendable)
        }
    }
    horsepower::init();
    guarded("po_13", || {
        let pool = pool(1);
        let (_, pid) = pool.submit(pid_of, 0).result().unwrap();
        for n in 0..20 {
            let error = pool.submit(Unsendable, n).result().err().unwrap();
            assert!(error.is_encoding(), "{error}");
            let text = error.to_string();
            assert!(text.contains("Unsendable, cannot be encoded"), "{text}");
            assert!(text.ends_with(&format!("number {n} stays here")), "{text}");
        }
        assert_eq!(pool.submit(pid_of, 0).result().unwrap().1, pid);
        end(pool);
    });
}

/// FA-06: an argument that cannot be decoded in the worker: the error names the type and the cause, on
/// either way.
#[test]
fn fa_06_what_cannot_be_decoded_says_why() {
    #[derive(Debug, serde::Serialize)]
    struct Colour(u8);
    impl<'de> serde::Deserialize<'de> for Colour {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let n = u8::deserialize(deserializer)?;
            Err(serde::de::Error::custom(format!("there is no colour {n}")))
        }
    }
    horsepower::init();
    guarded("fa_06", || {
        let pool = pool(1);
        let (_, pid) = pool.submit(pid_of, 0).result().unwrap();
        let sent = pool.submit(|colour: Colour| colour.0, Colour(7)).result().unwrap_err();
        let back = pool.submit(Colour, 7).result().unwrap_err();
        for error in [sent, back] {
            assert!(error.is_encoding(), "{error}");
            assert!(error.to_string().contains("Colour, cannot be decoded"), "{error}");
            assert!(error.to_string().ends_with("there is no colour 7"), "{error}");
        }
        assert_eq!(pool.submit(pid_of, 0).result().unwrap().1, pid);
        end(pool);
    });
}

/// FA-12: workers that kill each other, in pools of several sizes: every task has its answer.
#[test]
fn fa_12_workers_kill_their_neighbours() {
    horsepower::init();
    guarded("fa_12", || {
        let kill_all = |pids: Vec<u32>| {
            for pid in pids {
                let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
                // It may be gone already.
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
        };
        for workers in [1, 2, 5, 13] {
            let pool = pool(workers);
            let mut gate = Gate::new();
            let all: Vec<_> = (0..workers).map(|_| pool.submit(pass, gate.path())).collect();
            until(|| all.iter().all(TaskFuture::running));
            let pids = pool.worker_pids();
            gate.open();
            all.into_iter().for_each(|future| future.result().unwrap());
            let killers: Vec<_> =
                (0..workers).map(|_| pool.submit(kill_all, pids.clone())).collect();
            let others: Vec<_> = (0..100).map(|n| pool.submit(pid_of, n)).collect();
            for killer in killers {
                if let Err(error) = killer.result() {
                    assert_eq!(error.signal(), Some(9), "{error}");
                }
            }
            for (n, other) in (0..).zip(others) {
                match other.result() {
                    Ok((number, _)) => assert_eq!(number, n),
                    Err(error) => assert_eq!(error.signal(), Some(9), "{error}"),
                }
            }
            assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
            end(pool);
        }
    });
}

/// FA-13: a worker that is killed while large values are on their way holds nothing that others wait
/// for, whichever moment it is.
#[test]
fn fa_13_killed_while_values_travel() {
    horsepower::init();
    guarded("fa_13", || {
        let pool = pool(2);
        let back = |bytes: Vec<u8>| bytes;
        for round in 0..30u64 {
            let futures: Vec<_> = (0..6).map(|n| pool.submit(back, vec![n; 3_000_000])).collect();
            until(|| futures.iter().any(|future| future.running() || future.done()));
            // Each round at another moment of the way.
            std::thread::sleep(Duration::from_micros(137 * round));
            let Some(&victim) = pool.worker_pids().first() else { continue };
            signal(victim, Signal::KILL);
            for (n, future) in (0..).zip(futures) {
                match future.result() {
                    Ok(bytes) => assert!(bytes == vec![n; 3_000_000]),
                    Err(error) => assert_eq!(
                        (error.signal(), error.worker_pid()),
                        (Some(9), Some(victim)),
                        "{error}"
                    ),
                }
            }
        }
        assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
        end(pool);
    });
}

/// FA-19: a task leaves something behind that crashes its worker after the result was sent: the result
/// counts. What crashes while an argument is released is before that, and so the task's own error.
#[test]
fn fa_19_a_crash_after_the_result() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Bomb(u32);
    impl Drop for Bomb {
        fn drop(&mut self) {
            // Only in the worker.
            match self.0 {
                parent if parent == std::process::id() => {}
                0 => std::process::abort(),
                _ => panic!("released"),
            }
        }
    }
    horsepower::init();
    guarded("fa_19", || {
        let pool = pool(1);
        let mut gate = Gate::new();
        let mine = |gate: PathBuf| {
            std::thread::spawn(|| {
                pass(gate);
                std::process::abort();
            });
            std::process::id()
        };
        let pid = pool.submit(mine, gate.path()).result().unwrap();
        assert_eq!(pool.submit(pid_of, 1).result().unwrap(), (1, pid));
        let result = pool.submit(|n: u64| vec![n; 1000], 4);
        until(|| result.done());
        gate.open();
        until(|| !is_child(pid));
        assert!(result.result().unwrap() == [4; 1000], "it had arrived");
        assert_ne!(pool.submit(pid_of, 1).result().unwrap().1, pid);

        let parent = std::process::id();
        let released = pool.submit(|_: Bomb| 5, Bomb(parent)).result();
        assert_eq!(released.unwrap_err().panic_message(), Some("released"));
        end(pool);
    });
}

/// FA-14: the supervisor itself fails: nobody waits for ever, the pool is broken and says why, and
/// nothing is left of it.
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
        let pool = pool(2);
        let gate = Gate::new();
        let running = [(); 2].map(|()| pool.submit(pass, gate.path()));
        until(|| running.iter().all(TaskFuture::running));
        let queued: Vec<_> = (0..20).map(|n| pool.submit(pid_of, n)).collect();
        let called = Arc::new(AtomicBool::new(false));
        let told = called.clone();
        queued[3].add_done_callback(move |_| told.store(true, Ordering::SeqCst));
        let pids = pool.worker_pids();
        take_the_supervisor_s_epoll_away();
        signal(pids[0], Signal::KILL);
        for error in queued.into_iter().map(|future| future.result().unwrap_err()) {
            assert!(error.is_broken(), "{error}");
            assert!(error.to_string().contains("its supervisor failed: Invalid"), "{error}");
        }
        for future in running {
            let error = future.result().unwrap_err();
            assert!(error.is_broken() || error.is_worker_death(), "{error}");
        }
        until(|| called.load(Ordering::SeqCst));
        assert!(pool.submit(pid_of, 1).result().unwrap_err().is_broken());
        pool.shutdown();
        assert_gone(&pids);
        end(pool);
    });
}

/// From now on what the supervisor sleeps in is not something that one can sleep in.
fn take_the_supervisor_s_epoll_away() {
    let null = std::fs::File::open("/dev/null").unwrap();
    let mut taken = 0;
    for entry in std::fs::read_dir("/proc/self/fd").unwrap() {
        let path = entry.unwrap().path();
        if !std::fs::read_link(&path).is_ok_and(|to| to.ends_with("anon_inode:[eventpoll]")) {
            continue;
        }
        let number = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
        // SAFETY: it is open, it goes on being open, and this does not close it: it is owned by the
        // supervisor, which is to meet another file behind its number.
        let epoll = unsafe { OwnedFd::from_raw_fd(number) };
        let mut epoll = ManuallyDrop::new(epoll);
        rustix::io::dup2(&null, &mut epoll).unwrap();
        taken += 1;
    }
    assert_eq!(taken, 1);
}

/// FA-14: who collects events is code of the user, and may panic: that harms nobody but itself.
#[test]
fn fa_14_a_subscriber_that_panics() {
    struct Panics;
    impl tracing::Subscriber for Panics {
        fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            tracing::span::Id::from_u64(1)
        }
        fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
        fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
        fn event(&self, _: &tracing::Event<'_>) {
            panic!("no disk for the log");
        }
        fn enter(&self, _: &tracing::span::Id) {}
        fn exit(&self, _: &tracing::span::Id) {}
    }
    const NAME: &str = "fa_14_a_subscriber_that_panics";
    horsepower::init();
    if role().is_none() {
        return guarded(NAME, || {
            let output = another(NAME, "parent").output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        });
    }
    tracing::subscriber::set_global_default(Panics).unwrap();
    guarded(NAME, || {
        let pool = pool(2);
        let folder = tempfile::tempdir().unwrap();
        for round in 0..5 {
            let dead = pool.submit(die, "kill".to_owned());
            let file = folder.path().join(round.to_string());
            let once_more = |file: PathBuf| {
                write_line((file.clone(), 1));
                assert!(lines(&file).len() > 1);
            };
            let retried = pool.task(once_more, file).retries(1).submit();
            let killed = pool.submit(|(): ()| std::thread::sleep(Duration::from_secs(3600)), ());
            assert!(dead.result().unwrap_err().is_worker_death());
            retried.result().unwrap();
            until(|| killed.running());
            assert!(killed.kill() && killed.result().unwrap_err().is_cancelled());
            assert_eq!(pool.submit(pid_of, 1).result().unwrap().0, 1);
        }
        end(pool);
    });
}
