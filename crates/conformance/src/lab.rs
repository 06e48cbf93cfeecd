//! What every test needs: executors that prove that they leave nothing behind, and a watchdog.

use horsepower::{AnyExecutor, Error, Executor as _, ExecutorKind, ShutdownOptions};
use std::io::Write as _;
use std::ops::Deref;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// An executor of a test. When it is dropped, its workers must be gone, those too that it had before it
/// was shut down.
#[derive(Debug)]
pub struct Subject {
    executor: Option<AnyExecutor>,
    pids: Mutex<Vec<u32>>,
}

impl Subject {
    /// An executor of this kind with so many workers.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn new(kind: ExecutorKind, workers: usize) -> Subject {
        AnyExecutor::with_workers(kind, workers).expect("an executor").into()
    }

    /// [`Executor::shutdown`](horsepower::Executor::shutdown).
    pub fn shutdown(&self) {
        self.note_workers();
        (**self).shutdown();
    }

    /// [`Executor::shutdown_with`](horsepower::Executor::shutdown_with).
    ///
    /// # Errors
    /// Those.
    pub fn shutdown_with(&self, options: ShutdownOptions) -> Result<(), Error> {
        self.note_workers();
        (**self).shutdown_with(options)
    }

    /// The process ids of the workers that live; none but for a process pool.
    #[must_use]
    pub fn worker_pids(&self) -> Vec<u32> {
        self.stats().workers.iter().map(|worker| worker.pid).collect()
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

/// Fails unless each of these processes, children of this one, is gone from the process table.
///
/// # Panics
/// If one is left, as a zombie or alive.
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

/// Runs a test; if it hangs, ends this process with a message instead of waiting for ever.
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

/// Waits until `condition` holds; the watchdog sees to it that this is not for ever.
pub fn until(condition: impl Fn() -> bool) {
    while !condition() {
        std::thread::sleep(Duration::from_millis(1));
    }
}
