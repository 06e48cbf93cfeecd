//! Kills a program that hangs.

use rustix::process::{Pid, Signal, kill_process};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Far more than any test needs.
pub(super) const LIMIT: Duration = Duration::from_secs(120);

/// Calls `wait`, which waits for a process, and kills that process after [`LIMIT`].
pub(crate) fn watched<T>(pid: u32, wait: impl FnOnce() -> T) -> T {
    let (waiting, over) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if over.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                let pid = Pid::from_raw(pid.cast_signed()).expect("a child has a pid");
                kill_process(pid, Signal::KILL).expect("the process hangs, so it exists");
            }
        });
        let result = wait();
        drop(waiting);
        result
    })
}
