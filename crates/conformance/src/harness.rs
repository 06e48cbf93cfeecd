//! What tests need: executors that must leave nothing behind, a watchdog, and ways to wait for events.

use crate::place::Place;
use horsepower::{AnyExecutor, Error, Executor, ShutdownOptions};
use std::io::Write as _;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

/// The executor of a test. When it is dropped, its worker processes must be gone, including those that it
/// had before a shutdown.
#[derive(Debug)]
pub struct Subject {
    executor: Option<AnyExecutor>,
    pids: Mutex<Vec<u32>>,
}

impl Subject {
    /// An executor of this place with so many workers.
    ///
    /// # Panics
    /// If the executor cannot be made.
    #[must_use]
    pub fn new(place: Place, workers: usize) -> Subject {
        place.executor(workers).expect("an executor").into()
    }

    /// [`Executor::shutdown`].
    pub fn shutdown(&self) {
        self.note_workers();
        (**self).shutdown();
    }

    /// [`Executor::shutdown_with`].
    ///
    /// # Errors
    /// The same.
    pub fn shutdown_with(&self, options: ShutdownOptions) -> Result<(), Error> {
        self.note_workers();
        (**self).shutdown_with(options)
    }

    /// The process ids of its worker processes that live.
    #[must_use]
    pub fn worker_pids(&self) -> Vec<u32> {
        worker_pids(&**self)
    }

    fn note_workers(&self) {
        let pids = self.worker_pids();
        self.pids.lock().unwrap_or_else(PoisonError::into_inner).extend(pids);
    }
}

impl From<AnyExecutor> for Subject {
    fn from(executor: AnyExecutor) -> Subject {
        Subject { executor: Some(executor), pids: Mutex::default() }
    }
}

impl Deref for Subject {
    type Target = AnyExecutor;

    fn deref(&self) -> &AnyExecutor {
        self.executor.as_ref().expect("only taken in drop")
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.note_workers();
        drop(self.executor.take());
        if !std::thread::panicking() {
            assert_gone(&self.pids.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// The process ids of the worker processes of an executor; none if its workers are threads.
#[must_use]
pub fn worker_pids(executor: &impl Executor) -> Vec<u32> {
    executor.stats().workers.iter().map(|worker| worker.pid).collect()
}

/// Runs a row on a place, under a watchdog, unless the place is exempt from it.
pub fn run(place: Place, row: &str, test: impl FnOnce(Place)) {
    match place.exemption(row) {
        Some(reason) => eprintln!("{row} cannot apply to {place}: {reason}"),
        None => guarded(&format!("{row} on {place}"), || test(place)),
    }
}

/// Checks that each of these children of this process is gone from the process table.
///
/// # Panics
/// If one is left, alive or as a zombie.
pub fn assert_gone(pids: &[u32]) {
    for pid in pids {
        assert!(!is_child(*pid), "process {pid} is left");
    }
}

/// True if there is a process with this id whose parent is this process.
#[must_use]
pub fn is_child(pid: u32) -> bool {
    parent_of(pid) == Some(std::process::id())
}

/// The parent of a process; `None` if there is no such process.
#[must_use]
pub fn parent_of(pid: u32) -> Option<u32> {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"));
    let status = status.ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
    line.trim().parse().ok()
}

/// True if the process lives; a zombie does not.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"));
    status.is_ok_and(|status| {
        status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
    })
}

/// Runs a test under a watchdog, which ends this process with a message if the test hangs.
pub fn guarded(name: &str, test: impl FnOnce()) {
    let (done, hangs) = channel::<()>();
    let name = name.to_owned();
    let watchdog = std::thread::spawn(move || {
        if hangs.recv_timeout(Duration::from_secs(120)) == Err(RecvTimeoutError::Timeout) {
            let _ = writeln!(std::io::stderr(), "{name} hangs");
            std::process::abort();
        }
    });
    test();
    drop(done);
    let _ = watchdog.join();
}

/// Makes attempts with a longer and longer time limit until one of them is in time, which it says by
/// `Some`. So a check that needs a quick machine is made on a slow one too.
///
/// # Panics
/// If an attempt with half a minute is not in time.
pub fn in_time<T>(limit: Duration, attempt: impl FnMut(Duration) -> Option<T>) -> T {
    let longest = Duration::from_secs(30);
    let limits = std::iter::successors(Some(limit), |limit| Some(*limit * 2));
    let mut attempts = limits.take_while(|limit| *limit < longest).chain([longest]);
    attempts.find_map(attempt).expect("an attempt in time")
}

/// How many threads of this process have a name, as the system knows it, that begins with `prefix`.
///
/// # Panics
/// If the system does not tell.
#[must_use]
pub fn threads(prefix: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("the list of threads");
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with(prefix))
        .count()
}

/// A thread of this process, as the system knows it.
#[derive(Clone, Debug)]
pub struct ThreadEntry(PathBuf);

impl ThreadEntry {
    /// The calling thread.
    ///
    /// # Panics
    /// If the system does not tell.
    #[must_use]
    pub fn current() -> ThreadEntry {
        // `PID/task/TID`
        let link = std::fs::read_link("/proc/thread-self").expect("the thread's own entry");
        ThreadEntry(Path::new("/proc/self/task").join(link.file_name().expect("its id")))
    }

    /// Waits until the thread sleeps, or has ended.
    pub fn wait_until_asleep(&self) {
        until(|| {
            let stat = std::fs::read_to_string(self.0.join("stat"));
            // The state follows the name, which is in parentheses.
            stat.is_ok_and(|stat| {
                stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S"))
            }) || !self.0.exists()
        });
    }
}

/// Starts a thread that waits for something, and returns once it sleeps, or has ended.
///
/// # Panics
/// If the thread cannot be started.
pub fn waiting<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    wait: impl FnOnce() -> T + Send + 'scope,
) -> ScopedJoinHandle<'scope, T> {
    let (tell, told) = channel();
    let thread = scope.spawn(move || {
        tell.send(ThreadEntry::current()).expect("somebody who listens");
        wait()
    });
    told.recv().expect("the thread's entry").wait_until_asleep();
    thread
}

/// How many lanes, segments and other pieces of shared memory of executors this process has mapped.
///
/// # Panics
/// If the system does not tell.
#[must_use]
pub fn shared_memories() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("the list of mappings");
    // Not a file of a folder with such a name.
    maps.lines().filter(|line| line.contains(" /memfd:horsepower-")).count()
}

/// Waits until `condition` holds. Only the watchdog limits the time.
pub fn until(condition: impl Fn() -> bool) {
    while !condition() {
        std::thread::sleep(Duration::from_millis(1));
    }
}
