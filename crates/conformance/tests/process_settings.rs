//! The settings of a process: its streams, environment, directory, and start timeout.

#![allow(clippy::print_stdout, clippy::print_stderr)] // what processes print is looked at

use horsepower::Process;
use horsepower::process::Stdio;
use horsepower_conformance::harness::guarded;
use horsepower_conformance::pools::hang;
use horsepower_conformance::subprocess::{another, role};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::error::Error as _;
use std::io::{Read as _, Write as _};
use std::time::Duration;

fn nothing((): ()) {}

#[test]
fn streams_environment_and_directory() {
    horsepower::init();
    guarded("streams", || {
        let echo = |name: String| {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).unwrap();
            println!("{name}: {}", line.trim());
            eprintln!("{}", std::env::var("HORSEPOWER_TEST_WORD").unwrap());
            let folder = std::env::current_dir().unwrap();
            (folder, std::env::var_os("PATH").is_some())
        };
        let folder = tempfile::tempdir().unwrap();
        let builder = Process::builder()
            .env("HORSEPOWER_TEST_WORD", "a word")
            .env_remove("PATH")
            .current_dir(folder.path())
            .stdin(Stdio::Piped)
            .stdout(Stdio::Piped)
            .stderr(Stdio::Piped);
        let mut process = builder.spawn(echo, "echo".to_owned()).unwrap();
        process.take_stdin().unwrap().write_all(b"hello\n").unwrap();
        let (mut output, mut errors) = (String::new(), String::new());
        process.take_stdout().unwrap().read_to_string(&mut output).unwrap();
        process.take_stderr().unwrap().read_to_string(&mut errors).unwrap();
        assert_eq!((&*output, &*errors), ("echo: hello\n", "a word\n"));
        assert!(process.take_stdout().is_none());
        let (directory, has_path) = process.get().unwrap();
        assert_eq!(directory, &folder.path().canonicalize().unwrap());
        assert!(!has_path && std::env::var_os("PATH").is_some());

        let count = |(): ()| std::env::vars().count();
        let builder = Process::builder().env_clear().env("ONLY", "one");
        assert_eq!(builder.spawn(count, ()).unwrap().get().unwrap(), &1);

        let lost = Process::builder().current_dir("/no/such/folder").spawn(nothing, ());
        let error = lost.unwrap_err();
        assert!(error.to_string().contains("cannot start a process"), "{error}");
    });
}

/// A process that does not reach `init` in time is killed, and the error says why.
#[test]
fn a_process_that_cannot_begin() {
    const NAME: &str = "a_process_that_cannot_begin";
    if std::env::var_os("HORSEPOWER_TEST_HANG").is_some() {
        hang(());
    }
    horsepower::init();
    // In a program of its own; otherwise the process might reach the `init` of another test.
    if role().is_some() {
        let builder = Process::builder().env("HORSEPOWER_TEST_HANG", "yes");
        let late = builder.start_timeout(Duration::from_millis(50)).spawn(nothing, ()).unwrap();
        let error = late.join().unwrap_err();
        assert!(error.is_worker_death() && error.signal() == Some(9), "{error}");
        println!("\n{error}");
        return;
    }
    guarded(NAME, || {
        let output = another(NAME, "alone").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(
            text.contains("before running it") && text.contains("did not report ready"),
            "{text}"
        );
    });
}

/// A start that the system refuses is reported with the name of the process, and can be tried again
/// without any loss.
#[test]
fn a_start_in_vain() {
    const NAME: &str = "a_start_in_vain";
    horsepower::init();
    if role().is_none() {
        return guarded(NAME, || {
            let output = another(NAME, "alone").output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        });
    }
    guarded(NAME, || {
        // What every process initializes once is initialized.
        Process::spawn(nothing, ()).unwrap().get().unwrap();
        let plenty = getrlimit(Resource::Nofile);
        let limit = |current| {
            setrlimit(Resource::Nofile, Rlimit { current, maximum: plenty.maximum }).unwrap();
        };
        let text = "word ".repeat(10_000);
        let process = Process::builder().name("vain").build(|text: String| text.len(), text);
        for _ in 0..3 {
            limit(Some(3));
            let error = process.start().unwrap_err();
            limit(plenty.current);
            assert!(error.is_system() && error.source().is_some(), "{error}");
            assert_eq!((error.process_name(), error.task_name()), (Some("vain"), None));
            assert!(
                format!("{error:#}").starts_with("process vain: cannot start a process: "),
                "{error}"
            );
            assert!(!process.is_alive() && process.pid().is_none());
        }
        process.start().unwrap();
        assert!(process.start().unwrap_err().is_invalid());
        assert_eq!(process.result().unwrap(), 50_000);
    });
}
