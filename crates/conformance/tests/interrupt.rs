//! Ctrl-C reaches the parent alone, because workers are in process groups of their own. If it kills the
//! parent, the workers end too.

#![allow(clippy::print_stdout)] // a role speaks by it

use horsepower::Process;
use horsepower::prelude::*;
use horsepower_conformance::harness::{assert_gone, guarded, is_alive, until};
use horsepower_conformance::pools::hang;
use horsepower_conformance::subprocess::{another, role};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::SIGINT;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The parent: it has a busy worker, an idle one, and a process.
fn play(how: &str) {
    let interrupted = Arc::new(AtomicBool::new(false));
    if how == "handles" {
        let flag = interrupted.clone();
        signal_hook::flag::register(SIGINT, flag).unwrap();
    }
    let pool = ProcessPoolExecutor::with_workers(2).unwrap();
    let busy = pool.submit(hang, ());
    until(|| busy.is_running());
    assert_eq!(pool.submit(|n: u32| n + 1, 1).result().unwrap(), 2);
    let process = Process::builder().daemon(true).spawn(hang, ()).unwrap();
    let mut pids = pool.worker_pids();
    pids.push(process.pid().unwrap());
    println!("\npids {pids:?}");
    std::io::stdout().flush().unwrap();
    until(|| interrupted.load(Ordering::Relaxed));
    // The workers are unharmed; the parent decides what happens to them.
    assert!(pids.iter().all(|&pid| is_alive(pid)) && busy.is_running());
    assert_eq!(pool.submit(|n: u32| n + 1, 2).result().unwrap(), 3);
    busy.kill();
    drop(process);
    drop(pool);
    assert_gone(&pids);
    println!("\ntidy");
}

#[test]
fn ctrl_c_is_the_parent_s_affair() {
    const NAME: &str = "ctrl_c_is_the_parent_s_affair";
    horsepower::init();
    if let Some(how) = role() {
        return play(&how);
    }
    // A shell that starts the tests in the background makes them ignore the signal, and the parent would
    // inherit that; it does not inherit a handler.
    signal_hook::flag::register_conditional_default(SIGINT, Arc::new(true.into())).unwrap();
    for how in ["handles", "does not handle"] {
        guarded(NAME, || {
            // A terminal sends the signal to the whole foreground group.
            let mut command = another(NAME, how);
            let mut parent = command.process_group(0).stdout(Stdio::piped()).spawn().unwrap();
            let mut lines =
                BufReader::new(parent.stdout.take().unwrap()).lines().map_while(Result::ok);
            let pids = lines.find(|line| line.starts_with("pids")).unwrap();
            let numbers = pids.split(|c: char| !c.is_ascii_digit());
            let pids: Vec<u32> = numbers.filter_map(|number| number.parse().ok()).collect();
            assert_eq!(pids.len(), 3);
            let group = Pid::from_raw(parent.id().try_into().unwrap()).unwrap();
            kill_process_group(group, Signal::INT).unwrap();
            let tidy = lines.any(|line| line == "tidy");
            let status = parent.wait().unwrap();
            if how == "handles" {
                assert!(tidy && status.success(), "{status}");
            } else {
                assert_eq!((tidy, status.signal()), (false, Some(2)));
            }
            until(|| !pids.iter().any(|&pid| is_alive(pid)));
        });
    }
}
