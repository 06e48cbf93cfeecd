//! The rows `PI-*`: who and where a process is, and how many CPUs it may use. Those of the command
//! `horsepower info` are in `crates/cli/tests/info.rs`; how quotas are read from made-up trees of
//! control groups is shown beside the code that reads them, in `crates/horsepower/src/info`.
//!
//! A working directory belongs to the whole process: what changes it is shown by this program as
//! another process, in a role that the test of the same name plays.

#![cfg(target_os = "linux")]

use horsepower::info::{Cpus, ProcessInfo, usable_cpus};
use horsepower::prelude::*;
use horsepower_conformance::harness::guarded;
use horsepower_conformance::subprocess::{another, role_os};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::{Command, id};

/// The directory that this process's role is about; `None` if it has no role.
fn role() -> Option<PathBuf> {
    role_os().map(PathBuf::from)
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
}

fn cwd() -> PathBuf {
    ProcessInfo::current().cwd.unwrap()
}

/// Task: returns the process and its parent, as this thread and another one see them.
fn ids(_: u32) -> [(u32, Option<u32>); 2] {
    let ids = || {
        let me = ProcessInfo::current();
        (me.pid, me.parent_pid)
    };
    [ids(), std::thread::spawn(ids).join().unwrap()]
}

/// PI-01: a process has one id, which its parent knows; a new process has a new one.
#[test]
fn pi_01_a_process_has_one_id() {
    horsepower::init();
    guarded("pi_01", || {
        let [(here, _), (there, _)] = ids(0);
        assert_eq!((here, there), (id(), id()));

        let mut pids = HashSet::from([here]);
        for _ in 0..2 {
            let pool = ProcessPoolExecutor::with_workers(1).unwrap();
            let [(pid, _), (there, _)] = pool.submit(ids, 0).result().unwrap();
            assert_eq!(pid, there);
            assert_eq!(pool.worker_pids(), [pid]);
            // The kernel reuses an id only much later, so the ids differ even if the processes did not
            // live at the same time.
            assert!(pids.insert(pid));
        }
    });
}

/// PI-02: the parent of a worker is the process that owns the pool, whichever thread made it.
#[test]
fn pi_02_a_worker_knows_its_parent() {
    horsepower::init();
    guarded("pi_02", || {
        let me = ProcessInfo::current();
        assert_eq!(me.parent_pid, Some(std::os::unix::process::parent_id()));
        let parents = || {
            let pool = ProcessPoolExecutor::with_workers(1).unwrap();
            pool.submit(ids, 0).result().unwrap().map(|(_, parent)| parent)
        };
        assert_eq!(parents(), [Some(me.pid); 2]);
        assert_eq!(std::thread::spawn(parents).join().unwrap(), [Some(me.pid); 2]);
    });
}

/// PI-03: user and group are the real ids.
#[test]
fn pi_03_ids_are_the_real_ones() {
    let id = |option| {
        let output = Command::new("id").arg(option).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().ok()
    };
    let me = ProcessInfo::current();
    assert!(me.uid.is_some() && me.gid.is_some());
    assert_eq!((me.uid, me.gid), (id("-ru"), id("-rg")));
}

/// PI-04: the working directory is the physical one, follows every change, and is inherited.
#[test]
fn pi_04_the_working_directory_is_physical_and_current() {
    const NAME: &str = "pi_04_the_working_directory_is_physical_and_current";
    horsepower::init();
    if let Some(root) = role() {
        assert_eq!(cwd(), root.join("first"), "not the link that $PWD names");
        std::env::set_current_dir(root.join("link to second")).unwrap();
        assert_eq!(cwd(), root.join("second"));
        assert_eq!(std::thread::spawn(cwd).join().unwrap(), root.join("second"));
        let pool = ProcessPoolExecutor::with_workers(1).unwrap();
        assert_eq!(pool.submit(|(): ()| cwd(), ()).result().unwrap(), root.join("second"));
        return;
    }
    guarded("pi_04", || {
        let root = tempfile::tempdir().unwrap();
        let path = std::fs::canonicalize(root.path()).unwrap();
        for directory in ["first", "second"] {
            std::fs::create_dir(path.join(directory)).unwrap();
            let link = path.join(format!("link to {directory}"));
            std::os::unix::fs::symlink(path.join(directory), link).unwrap();
        }
        let link = path.join("link to first");
        succeeds(another(NAME, &path).current_dir(&link).env("PWD", &link));
        assert!(cwd().is_absolute());
    });
}

/// PI-05: the working directory is complete, whatever its length and its bytes.
#[test]
fn pi_05_the_working_directory_is_whole() {
    const NAME: &str = "pi_05_the_working_directory_is_whole";
    if let Some(directory) = role() {
        assert_eq!(cwd(), directory);
        return;
    }
    guarded("pi_05", || {
        let root = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(root.path()).unwrap();
        let mut long = root.clone();
        long.extend(std::iter::repeat_n("x".repeat(250), 10));
        assert!(long.as_os_str().len() >= 2000);
        let no_text = root.join(OsStr::from_bytes(b"a\xffb\n"));
        for directory in [long, no_text] {
            std::fs::create_dir_all(&directory).unwrap();
            succeeds(another(NAME, &directory).current_dir(&directory));
        }
    });
}

/// PI-06: a removed working directory is an error, and the rest is still there.
#[test]
fn pi_06_a_removed_working_directory_is_an_error() {
    const NAME: &str = "pi_06_a_removed_working_directory_is_an_error";
    if let Some(directory) = role() {
        std::fs::remove_dir(&directory).unwrap();
        let me = ProcessInfo::current();
        assert_eq!(me.cwd.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(me.pid, id());
        assert!(me.uid.is_some() && me.threads.is_some() && me.executable.is_ok());
        return;
    }
    guarded("pi_06", || {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("gone");
        std::fs::create_dir(&directory).unwrap();
        succeeds(another(NAME, &directory).current_dir(&directory));
        assert!(!directory.exists());
    });
}

/// Restricts the calling thread to one of its CPUs.
fn stay_on_one_cpu() {
    let all = sched_getaffinity(None).unwrap();
    let first = (0..CpuSet::MAX_CPU).find(|&cpu| all.is_set(cpu)).unwrap();
    let mut one = CpuSet::new();
    one.set(first);
    sched_setaffinity(None, &one).unwrap();
}

/// PI-07, EX-03: the number of usable CPUs follows the affinity, and executors use it.
#[test]
fn pi_07_usable_cpus_follow_the_affinity() {
    const NAME: &str = "pi_07_usable_cpus_follow_the_affinity";
    horsepower::init();
    let one = || {
        let cpus = Cpus::current();
        assert_eq!((cpus.affinity, cpus.usable, usable_cpus().get()), (1, 1, 1));
        assert_eq!(ThreadPoolExecutor::new().unwrap().workers(), 1);
        assert_eq!(ProcessPoolExecutor::new().unwrap().workers(), 1);
        cpus.online
    };
    if role().is_some() {
        one();
        return;
    }
    guarded("pi_07", || {
        let all = Cpus::current();
        assert!(1 <= all.usable && all.usable <= all.affinity && all.affinity <= all.online);
        let online = std::thread::spawn(move || {
            stay_on_one_cpu();
            // A process inherits the affinity of the thread that starts it.
            succeeds(&mut another(NAME, "/"));
            one()
        });
        assert_eq!(online.join().unwrap(), all.online, "there are as many as before");
        assert_eq!(Cpus::current().affinity, all.affinity, "other threads are not touched");
    });
}
