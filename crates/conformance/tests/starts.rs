//! Programs that cannot start workers say why, soon.

use horsepower::prelude::*;
use horsepower_conformance::harness::guarded;
use horsepower_conformance::subprocess::{another, role};
use std::process::Command;

/// `init` on a thread that a test has started: nobody can tell which test it belongs to, so there is no pool,
/// and no other test runs once more.
#[test]
fn init_on_a_thread_of_a_test_is_refused() {
    const NAME: &str = "init_on_a_thread_of_a_test_is_refused";
    if role().is_none() {
        return guarded(NAME, || {
            let output = another(NAME, "alone").output().unwrap();
            assert!(output.status.success(), "{output:?}");
        });
    }
    std::thread::spawn(horsepower::init).join().unwrap();
    let error = ProcessPoolExecutor::with_workers(1).unwrap_err();
    assert!(error.is_not_initialized() && error.to_string().contains("thread"), "{error}");
}

/// A program that the dynamic loader was asked to run.
#[test]
fn a_program_that_the_loader_has_started_says_so() {
    const NAME: &str = "a_program_that_the_loader_has_started_says_so";
    horsepower::init();
    if role().is_some() {
        let error = ProcessPoolExecutor::with_workers(1).unwrap_err();
        assert!(error.is_not_initialized() && error.to_string().contains("loader"), "{error}");
        return;
    }
    guarded(NAME, || {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let loader = maps.lines().filter_map(|line| Some(&line[line.find('/')?..]));
        let Some(loader) = loader.into_iter().find(|file| file.contains("/ld-")) else {
            return; // a program without one
        };
        let role = another(NAME, "loaded");
        let mut command = Command::new(loader);
        command.arg(role.get_program()).args(role.get_args());
        for (name, value) in role.get_envs() {
            value.map(|value| command.env(name, value));
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    });
}
