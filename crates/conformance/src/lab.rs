//! What every test needs: executors that prove that they leave nothing behind, and a watchdog.

use horsepower::{AnyExecutor, ExecutorKind};
use std::io::Write as _;
use std::ops::Deref;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// An executor of a test. When it is dropped, its workers must be gone.
#[derive(Debug)]
pub struct Subject(Option<AnyExecutor>);

impl Subject {
    /// An executor of this kind with so many workers.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn new(kind: ExecutorKind, workers: usize) -> Subject {
        Subject(Some(AnyExecutor::with_workers(kind, workers).expect("an executor")))
    }
}

impl From<AnyExecutor> for Subject {
    fn from(executor: AnyExecutor) -> Subject {
        Subject(Some(executor))
    }
}

impl Deref for Subject {
    type Target = AnyExecutor;

    fn deref(&self) -> &AnyExecutor {
        self.0.as_ref().expect("only taken in drop")
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let pids = match &self.0 {
            Some(AnyExecutor::Processes(pool)) => pool.worker_pids(),
            _ => vec![],
        };
        drop(self.0.take());
        if !std::thread::panicking() {
            assert_gone(&pids);
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

/// Waits until `condition` holds; the watchdog sees to it that this is not for ever.
pub fn until(condition: impl Fn() -> bool) {
    while !condition() {
        std::thread::sleep(Duration::from_millis(1));
    }
}
