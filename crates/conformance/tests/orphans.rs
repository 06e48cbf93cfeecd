//! What happens to the processes of a pool when their parent is killed. The parent is this test program
//! again, in a role.

#![allow(clippy::print_stdout)] // the parent says by it which processes there are

use horsepower::StartMethod;
use horsepower::prelude::*;
use horsepower_conformance::harness::{guarded, is_alive, parent_of, until};
use horsepower_conformance::pools::{hang, pid_of};
use horsepower_conformance::rows::{lines, write_line};
use horsepower_conformance::subprocess::{another, role, signal};
use rustix::process::Signal;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The children of this process; fork servers are among them.
fn children() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap();
    let pids = entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    pids.filter(|&pid| parent_of(pid) == Some(std::process::id())).collect()
}

/// The role of the parent: `start` starts workers by the method that the role names. Never returns.
fn play(start: impl FnOnce(StartMethod)) -> ! {
    start(role().unwrap().parse().unwrap());
    println!("\npids {:?}", children());
    loop {
        std::thread::park();
    }
}

/// For each of these start methods, kills a parent with so many workers, and checks that neither workers
/// nor a fork server are left.
fn kill_the_parent(test: &str, methods: &[StartMethod], workers: usize) {
    for &method in methods {
        let folder = tempfile::tempdir().unwrap();
        let mut command = another(test, method.name());
        command.env("HORSEPOWER_TEST_FOLDER", folder.path()).stdout(Stdio::piped());
        let mut parent = command.spawn().unwrap();
        let output = BufReader::new(parent.stdout.take().unwrap()).lines();
        let pids = output.map_while(Result::ok).find(|line| line.starts_with("pids")).unwrap();
        let numbers = pids.split(|c: char| !c.is_ascii_digit());
        let pids: Vec<u32> = numbers.filter_map(|number| number.parse().ok()).collect();
        let server = usize::from(method == StartMethod::ForkServer);
        assert_eq!(pids.len(), workers + server, "{method}");
        assert!(pids.iter().all(|&pid| is_alive(pid)));
        parent.kill().unwrap();
        parent.wait().unwrap();
        // Kills survivors before the watchdog ends this process.
        let start = Instant::now();
        let over = || start.elapsed() > Duration::from_secs(60);
        until(|| !pids.iter().any(|&pid| is_alive(pid)) || over());
        let left: Vec<u32> = pids.into_iter().filter(|&pid| is_alive(pid)).collect();
        left.iter().for_each(|&pid| signal(pid, Signal::KILL));
        assert!(left.is_empty(), "{method}: {left:?} survive their parent");
    }
}

/// The file in which a process tells its parent that it has begun.
fn file_of_the_parent() -> PathBuf {
    PathBuf::from(std::env::var_os("HORSEPOWER_TEST_FOLDER").unwrap()).join("lines")
}

/// Task: writes a line and never ends.
fn begin_and_hang(file: PathBuf) {
    write_line((file, 1));
    hang(());
}

/// FA-18: the parent is killed; no worker survives it, busy or idle, and no fork server.
#[test]
fn fa_18_no_worker_survives_its_parent() {
    const NAME: &str = "fa_18_no_worker_survives_its_parent";
    horsepower::init();
    if role().is_some() {
        play(|method| {
            let builder = ProcessPoolExecutor::builder().workers(2).start_method(method);
            let pool = builder.build().unwrap();
            let busy = pool.submit(hang, ());
            until(|| busy.is_running());
            pool.submit(pid_of, 1).result().unwrap();
            std::mem::forget(pool);
        });
    }
    guarded(NAME, || kill_the_parent(NAME, StartMethod::ALL, 2));
}

/// FA-18: a worker that is still in its initializer does not survive either.
#[test]
fn fa_18_nor_one_that_is_just_starting() {
    const NAME: &str = "fa_18_nor_one_that_is_just_starting";
    horsepower::init();
    if role().is_some() {
        play(|method| {
            let file = file_of_the_parent();
            let builder = ProcessPoolExecutor::builder().workers(1).start_method(method);
            let pool = builder.initializer(begin_and_hang, file.clone()).build().unwrap();
            drop(pool.submit(pid_of, 1));
            until(|| lines(&file).len() == 1);
            std::mem::forget(pool);
        });
    }
    guarded(NAME, || kill_the_parent(NAME, StartMethod::ALL, 1));
}

/// FA-18: a fork server that is still loading does not survive either.
#[test]
fn fa_18_nor_a_server_that_loads() {
    const NAME: &str = "fa_18_nor_a_server_that_loads";
    horsepower::init();
    if role().is_some() {
        play(|_| {
            let file = file_of_the_parent();
            let builder = ProcessPoolExecutor::builder().workers(1);
            let pool = builder.preload(begin_and_hang, file.clone()).build().unwrap();
            drop(pool.submit(pid_of, 1));
            until(|| lines(&file).len() == 1);
            std::mem::forget(pool);
        });
    }
    guarded(NAME, || kill_the_parent(NAME, &[StartMethod::ForkServer], 0));
}
