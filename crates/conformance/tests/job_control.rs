//! Ctrl-Z stops the workers with their parent, and `fg` continues them.

#![allow(clippy::print_stdout)] // the parent says by it which processes there are

use horsepower::StartMethod;
use horsepower::prelude::*;
use horsepower_conformance::harness::{guarded, is_alive, until};
use horsepower_conformance::pools::{hang, pid_of};
use horsepower_conformance::subprocess::{another, role, signal};
use rustix::process::Signal;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

/// True if the process is stopped.
fn is_stopped(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
}

/// Twice, so that the second stop is handled like the first.
#[test]
fn workers_are_stopped_and_continued_with_their_parent() {
    const NAME: &str = "workers_are_stopped_and_continued_with_their_parent";
    horsepower::init();
    if let Some(method) = role() {
        let builder = ProcessPoolExecutor::builder().workers(2);
        let pool = builder.start_method(method.parse().unwrap()).build().unwrap();
        let busy = pool.submit(hang, ());
        until(|| busy.is_running());
        pool.submit(pid_of, 1).result().unwrap();
        println!("\npids {:?}", pool.worker_pids());
        for n in 0.. {
            assert_eq!(pool.submit(pid_of, n).result().unwrap().0, n);
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
    guarded(NAME, || {
        for method in StartMethod::ALL {
            let mut command = another(NAME, method.name());
            // As a shell with job control starts it.
            let mut parent = command.process_group(0).stdout(Stdio::piped()).spawn().unwrap();
            let output = BufReader::new(parent.stdout.take().unwrap()).lines();
            let line = output.map_while(Result::ok).find(|line| line.starts_with("pids")).unwrap();
            let numbers = line.split(|c: char| !c.is_ascii_digit());
            let pids: Vec<u32> = numbers.filter_map(|number| number.parse().ok()).collect();
            assert_eq!(pids.len(), 2);
            for _ in 0..2 {
                signal(parent.id(), Signal::TSTP);
                until(|| is_stopped(parent.id()) && pids.iter().all(|&pid| is_stopped(pid)));
                signal(parent.id(), Signal::CONT);
                until(|| !is_stopped(parent.id()) && !pids.iter().any(|&pid| is_stopped(pid)));
            }
            assert!(pids.iter().all(|&pid| is_alive(pid)), "nobody was replaced for it");
            parent.kill().unwrap();
            parent.wait().unwrap();
            until(|| !pids.iter().any(|&pid| is_alive(pid)));
        }
    });
}
