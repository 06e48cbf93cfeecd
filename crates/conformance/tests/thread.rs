//! The rows `TH-*`: one function on one thread of its own.
//!
//! What only a whole program shows (its standard error, its exit code, its end) is
//! shown by this program as another process, in a role that the test of the same name plays.

#![allow(clippy::print_stdout)] // roles in other processes speak by it

use horsepower::thread::ThreadState;
use horsepower::{Error, StopToken, Thread};
use horsepower_conformance::harness::guarded;
use horsepower_conformance::subprocess::{another, role};
use std::collections::HashSet;
use std::error::Error as _;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::current;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(1_000_000);

/// Prints a line for the test of a role, whatever libtest prints around it.
fn print(text: &str) {
    println!("\n{text}");
}

/// Runs the test `test` as another program, in this role. Returns exit code, output and standard error.
fn play(test: &str, role: &str) -> (Option<i32>, String, String) {
    let output = another(test, role).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn worker(_: &StopToken) {}

fn work(count: u32, _: &StopToken) -> u32 {
    count + 1
}

fn sleep_until_stopped(stop: &StopToken) {
    stop.sleep(LONG);
}

/// TH-01: a second start, a join before the start, and a thread that joins itself are errors.
#[test]
fn th_01_misuse_is_an_error() {
    guarded("th_01", || {
        let thread = Thread::builder().name("once").build(sleep_until_stopped);
        for error in [
            thread.join().unwrap_err(),
            thread.join_timeout(Duration::ZERO).unwrap_err(),
            Thread::builder().name("once").build(worker).result().unwrap_err(),
        ] {
            assert!(error.is_invalid() && error.to_string().contains("call `start`"), "{error}");
            assert_eq!(error.thread_name(), Some("once"));
        }
        thread.start().unwrap();
        let again = thread.start().unwrap_err();
        assert!(again.is_invalid() && thread.run().unwrap_err().is_invalid());
        assert!(again.to_string().starts_with("thread once: it has already been started"));
        thread.stop();
        thread.join().unwrap();
        assert!(thread.start().unwrap_err().is_invalid(), "also after its end");

        let handle = Arc::new(OnceLock::<Thread<bool>>::new());
        let own = handle.clone();
        let (go, gone) = channel::<()>();
        let thread = Thread::new(move |_| {
            gone.recv().unwrap_err();
            let own = own.get().unwrap();
            own.join().unwrap_err().is_invalid() && own.join_timeout(LONG).unwrap_err().is_invalid()
        });
        handle.set(thread).unwrap();
        handle.get().unwrap().start().unwrap();
        drop(go);
        assert!(*handle.get().unwrap().get().unwrap());
    });
}

/// A thread that drops its own handle does not wait for itself.
#[test]
fn th_01_a_handle_may_be_dropped_on_its_own_thread() {
    guarded("th_01 drop", || {
        let (give, given) = channel::<Thread<()>>();
        let (ended, end) = channel::<()>();
        let thread = Thread::new(move |_| {
            drop(given.recv().unwrap());
            drop(ended);
        });
        thread.start().unwrap();
        give.send(thread).unwrap();
        end.recv().unwrap_err();
    });
}

/// TH-02: what can be read before, during and after the run.
#[test]
fn th_02_ident_and_state_follow_its_life() {
    guarded("th_02", || {
        let thread = Thread::builder().name("Thread-6").build(|stop: &StopToken| {
            stop.sleep(LONG);
            current().id()
        });
        let seen = |thread: &Thread<_>| (thread.is_alive(), thread.state(), format!("{thread:?}"));
        assert_eq!((thread.ident(), thread.native_id()), (None, None));
        let before = (false, ThreadState::NotStarted, "Thread(Thread-6, not started)".into());
        assert_eq!(seen(&thread), before);

        thread.start().unwrap();
        let ident = thread.ident();
        assert!(ident.is_some_and(|ident| ident != current().id()));
        assert_eq!(thread.native_id().is_some(), cfg!(target_os = "linux"));
        assert_eq!(seen(&thread), (true, ThreadState::Running, "Thread(Thread-6, running)".into()));

        thread.stop();
        assert_eq!(thread.get().ok(), ident.as_ref());
        let after = (false, ThreadState::Finished, "Thread(Thread-6, finished)".into());
        assert_eq!(seen(&thread), after);
        assert_eq!(thread.ident(), ident);
        assert_eq!(thread.native_id().is_some(), cfg!(target_os = "linux"));
        assert_eq!(thread.get().ok(), ident.as_ref(), "a second time");
        assert_eq!(thread.result().ok(), ident, "and for good");
    });
}

/// TH-03: a join that times out says that the thread is still running, and can be repeated.
#[test]
fn th_03_a_join_may_have_a_limit() {
    guarded("th_03", || {
        let thread = Thread::spawn(sleep_until_stopped).unwrap();
        let begun = Instant::now();
        let error = thread.join_timeout(Duration::from_millis(100)).unwrap_err();
        assert!(begun.elapsed() >= Duration::from_millis(100));
        assert!(error.is_timeout() && thread.is_alive());
        assert_eq!(error.thread_name(), Some(thread.name()));
        assert!(error.to_string().starts_with(&format!("thread {}: ", thread.name())));
        assert!(thread.join_timeout(Duration::ZERO).unwrap_err().is_timeout(), "only looks");
        thread.stop();
        assert_eq!(thread.get_timeout(Duration::MAX).ok(), Some(&()));
        assert_eq!(thread.get_timeout(Duration::ZERO).ok(), Some(&()));
    });
}

/// TH-04: names, given or not, as the thread and the system see them.
#[test]
fn th_04_names() {
    guarded("th_04", || {
        let number = |name: &str, rest: &str| {
            let number = name.strip_prefix("Thread-").and_then(|name| name.strip_suffix(rest));
            number.unwrap_or_else(|| panic!("{name}")).parse::<u32>().unwrap()
        };
        let first = number(Thread::new(|_| ()).name(), "");
        let second = number(Thread::new(worker).name(), " (worker)");
        let third = number(Thread::new_call(work, 1).name(), " (work)");
        let fourth = number(Thread::builder().name("").build(worker).name(), " (worker)");
        assert!(1 <= first && first < second && second < third && third < fourth);

        let name = "a name that is longer than the system's";
        let thread = Thread::builder().name(name).spawn(|stop| {
            let name = current().name().map(str::to_owned);
            stop.sleep(LONG);
            name
        });
        let thread = thread.unwrap();
        assert_eq!(thread.name(), name);
        #[cfg(target_os = "linux")]
        {
            let file = format!("/proc/self/task/{}/comm", thread.native_id().unwrap());
            assert_eq!(std::fs::read_to_string(file).unwrap(), "a name that is \n");
        }
        thread.stop();
        assert_eq!(thread.result().unwrap().as_deref(), Some(name));

        let thread = Thread::builder().name("a\0b").build(|_| 1);
        let error = thread.start().unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains("NUL"), "{error}");
        assert_eq!(thread.state(), ThreadState::NotStarted);
        thread.run().unwrap();
        assert_eq!(thread.get().ok(), Some(&1));
    });
}

/// TH-05: the system's ids of living threads are distinct. libtest keeps the main thread for itself; the
/// example of `Thread::native_id` shows that its id is the process id.
#[cfg(target_os = "linux")]
#[test]
fn th_05_native_ids_are_the_systems() {
    guarded("th_05", || {
        let threads: Vec<_> = (0..5).map(|_| Thread::spawn(sleep_until_stopped).unwrap()).collect();
        let ids: HashSet<_> = threads.iter().map(|thread| thread.native_id().unwrap()).collect();
        assert_eq!(ids.len(), 5);
        for id in ids {
            assert_ne!(id, std::process::id());
            assert!(std::fs::exists(format!("/proc/self/task/{id}")).unwrap());
        }
        threads.iter().for_each(Thread::stop);
    });
}

/// TH-06: a panic is reported once on standard error, is returned by `join`, and ends nothing else.
#[test]
fn th_06_a_panic_costs_its_thread() {
    const NAME: &str = "th_06_a_panic_costs_its_thread";
    if role().is_some() {
        let other = Thread::spawn(|stop| stop.sleep(LONG)).unwrap();
        let thread = Thread::builder().name("risky").spawn(|_| -> u32 { panic!("oh no") }).unwrap();
        for _ in 0..2 {
            let error = thread.join().unwrap_err();
            assert!(error.is_panic());
            assert_eq!(error.panic_message(), Some("oh no"));
            assert!(error.panic_location().unwrap().contains("thread.rs:"));
            assert_eq!(error.thread_name(), Some("risky"));
            assert!(error.to_string().starts_with("thread risky: it panicked at "), "{error}");
        }
        assert!(thread.result().unwrap_err().is_panic());
        assert!(other.is_alive());
        other.stop();
        assert!(!other.get().unwrap());
        print("goes on");
        return;
    }
    guarded("th_06", || {
        let (code, output, errors) = play(NAME, "panic");
        assert_eq!(code, Some(0), "{errors}");
        assert!(output.contains("\ngoes on\n"), "{output}");
        let [line] = errors.lines().collect::<Vec<_>>()[..] else { panic!("{errors}") };
        assert!(line.starts_with("thread risky panicked at "), "{line}");
        assert!(line.contains("thread.rs:") && line.ends_with(": oh no"), "{line}");
    });
}

/// A result whose destructor panics, on a thread that nobody joins.
#[test]
fn th_06_a_panic_while_the_result_is_dropped_is_reported() {
    const NAME: &str = "th_06_a_panic_while_the_result_is_dropped_is_reported";
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("while dropped");
        }
    }
    if role().is_some() {
        let thread = Thread::builder().name("left").daemon(true).build(|stop| {
            stop.sleep(LONG);
            Bad
        });
        thread.start().unwrap();
        let task = format!("/proc/self/task/{}", thread.native_id().unwrap_or_default());
        let token = thread.stop_token().clone();
        drop(thread);
        token.request_stop();
        while std::fs::exists(&task).unwrap() {
            std::thread::sleep(Duration::from_millis(1));
        }
        return;
    }
    guarded("th_06 drop", || {
        let (code, _, errors) = play(NAME, "bad");
        assert_eq!(code, Some(0), "{errors}");
        let [line] = errors.lines().collect::<Vec<_>>()[..] else { panic!("{errors}") };
        assert!(line.starts_with("thread left, dropping its result, panicked at "), "{line}");
        assert!(line.ends_with(": while dropped"), "{line}");
    });
}

/// TH-07: a panic callback replaces the report; a panic in the callback is reported and is not fatal.
#[test]
fn th_07_a_callback_gets_the_panic() {
    const NAME: &str = "th_07_a_callback_gets_the_panic";
    if role().is_some() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let note = seen.clone();
        let thread = Thread::builder().name("seen").on_panic(move |error| {
            let texts = [error.thread_name(), error.panic_message(), error.panic_location()];
            note.lock().unwrap().push((current().id(), texts.map(|text| text.unwrap().to_owned())));
        });
        let thread = thread.spawn(|_| -> u32 { panic!("for the callback") }).unwrap();
        let error = thread.join().unwrap_err();
        let location = error.panic_location().unwrap();
        let expected = ["seen", "for the callback", location].map(str::to_owned);
        assert_eq!(*seen.lock().unwrap(), [(thread.ident().unwrap(), expected)]);

        let quiet = Thread::builder().on_panic(|_| panic!("without a panic"));
        assert_eq!(quiet.spawn(|_| 1).unwrap().result().unwrap(), 1);

        let thread = Thread::builder().name("unlucky").on_panic(|_| panic!("callback"));
        let error = thread.spawn(|_| -> u32 { panic!("first") }).unwrap().result();
        assert_eq!(error.unwrap_err().panic_message(), Some("first"));
        print("goes on");
        return;
    }
    guarded("th_07", || {
        let (code, output, errors) = play(NAME, "callback");
        assert_eq!(code, Some(0), "{errors}");
        assert!(output.contains("\ngoes on\n"), "{output}");
        let [line] = errors.lines().collect::<Vec<_>>()[..] else { panic!("{errors}") };
        assert!(line.starts_with("the panic callback of thread unlucky panicked at "), "{line}");
        assert!(line.ends_with(": callback"), "{line}");
    });
}

/// TH-08: leaving the scope waits for the thread, whether by return, exit code or panic, and the exit
/// code is kept.
#[test]
fn th_08_leaving_the_scope_waits() {
    const NAME: &str = "th_08_leaving_the_scope_waits";
    if let Some(role) = role() {
        let leave = |how: &str| {
            let (left, leaving) = channel::<()>();
            let _thread = Thread::spawn(move |_| {
                leaving.recv().unwrap_err();
                std::thread::sleep(Duration::from_millis(100));
                print("the thread has ended");
            })
            .unwrap();
            // Dropped before the handle, which is older.
            let _left = left;
            assert_ne!(how, "panic", "unwinding");
        };
        leave(&role);
        if role == "exit" {
            std::process::exit(7);
        }
        return;
    }
    guarded("th_08", || {
        for (role, expected) in [("return", 0), ("exit", 7), ("panic", 101)] {
            let (code, output, errors) = play(NAME, role);
            assert_eq!(code, Some(expected), "{role}: {errors}");
            assert!(output.contains("\nthe thread has ended\n"), "{role}: {output}");
        }
    });
}

/// TH-09: a daemon thread does not delay the end of the program; daemons make daemons.
#[test]
fn th_09_daemons_do_not_delay_the_end() {
    const NAME: &str = "th_09_daemons_do_not_delay_the_end";
    if role().is_some() {
        let thread = Thread::builder().daemon(true).spawn(|_| {
            loop {
                std::thread::park();
            }
        });
        let thread: Thread<()> = thread.unwrap();
        assert!(thread.is_daemon() && thread.is_alive());
        drop(thread);
        print("leaves");
        return;
    }
    guarded("th_09", || {
        let (code, output, errors) = play(NAME, "daemon");
        assert_eq!((code, &*errors), (Some(0), ""));
        assert!(output.contains("\nleaves\n"), "{output}");

        let made_by = |daemon| {
            let maker = Thread::builder().daemon(daemon).spawn(|_| {
                let made = Thread::new(|_| Thread::new(|_| ()).is_daemon());
                made.start().unwrap();
                let other = Thread::builder().daemon(!made.is_daemon()).build(|_| ());
                (made.is_daemon(), *made.get().unwrap(), other.is_daemon())
            });
            maker.unwrap().result().unwrap()
        };
        assert_eq!(made_by(true), (true, true, false));
        assert_eq!(made_by(false), (false, false, true));
        assert!(!Thread::new(|_| ()).is_daemon());
    });
}

/// TH-10: the worker of the Python notebook that the project follows. A stop cuts its sleep short, and
/// the code after its loop runs.
#[test]
fn th_10_a_stop_is_cooperative() {
    fn worker((name, pause): (&str, Duration), stop: &StopToken) -> Vec<String> {
        let mut said = vec![format!("{name} works")];
        while stop.sleep(pause) {
            said.push("again".into());
        }
        said.push("retired..".into());
        said
    }
    guarded("th_10", || {
        let thread = Thread::spawn_call(worker, ("Overwork", LONG)).unwrap();
        thread.stop();
        assert_eq!(thread.get().unwrap(), &["Overwork works", "retired.."]);

        // A thread that only checks the flag.
        let (turn, turns) = channel();
        let thread = Thread::spawn(move |stop| {
            while !stop.stop_requested() {
                let _ = turn.send(());
            }
            "behind the loop"
        });
        let thread = thread.unwrap();
        turns.recv().unwrap();
        let token = thread.stop_token().clone();
        assert!(!token.stop_requested());
        token.request_stop();
        assert_eq!(thread.result().unwrap(), "behind the loop");
    });
}

/// TH-11: `run` is a call, only `start` makes a thread.
#[test]
fn th_11_run_runs_here() {
    guarded("th_11", || {
        let order = Arc::new(Mutex::new(Vec::new()));
        let thread = |number| {
            let order = order.clone();
            Thread::new_call(
                move |number: u32, _: &StopToken| {
                    order.lock().unwrap().push(number);
                    current().id()
                },
                number,
            )
        };
        let (first, second) = (thread(1), thread(2));
        first.run().unwrap();
        order.lock().unwrap().push(10);
        second.run().unwrap();
        assert_eq!(*order.lock().unwrap(), [1, 10, 2]);
        assert_eq!(first.get().ok(), Some(&current().id()));
        assert_eq!((first.ident(), first.state()), (Some(current().id()), ThreadState::Finished));
        assert!(first.run().unwrap_err().is_invalid() && first.start().unwrap_err().is_invalid());

        let started = thread(3);
        started.start().unwrap();
        assert_ne!(*started.get().unwrap(), current().id());

        let called = Arc::new(OnceLock::new());
        let call = called.clone();
        let thread = Thread::builder().on_panic(move |_| call.set(()).unwrap());
        let thread = thread.build(|_| -> u32 { panic!("the caller's") });
        assert_eq!(thread.run().unwrap_err().panic_message(), Some("the caller's"));
        assert_eq!(thread.join().unwrap_err().panic_message(), Some("the caller's"));
        assert_eq!(called.get(), None);
    });
}

/// A thread that the system refuses to start stays as it was.
#[cfg(target_os = "linux")]
#[test]
fn a_failed_start_may_be_tried_again() {
    guarded("failed start", || {
        let thread = Thread::builder().stack_size(1 << 60).build(|_| 7);
        for _ in 0..2 {
            let error: Error = thread.start().unwrap_err();
            assert!(error.source().is_some() && !error.is_invalid(), "{error}");
            assert_eq!((thread.state(), thread.ident()), (ThreadState::NotStarted, None));
        }
        thread.run().unwrap();
        assert_eq!(thread.result().unwrap(), 7);
    });
}

/// Several threads may wait for one through the same handle.
#[test]
fn a_result_is_lent_to_many() {
    guarded("many", || {
        let thread = Thread::spawn(|stop| stop.sleep(LONG).to_string()).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(thread.get().unwrap(), "false"));
            }
            thread.stop();
        });
    });
}
