//! A process for one task: it is started for the task, runs it, and ends.
//!
//! It is a worker like any other: started, fed, watched and recovered by the supervisor of a pool that
//! has no workers of its own, of which there is one in a program. What differs is that its one task is
//! in the lane from the start, that it is told at once to leave when it is done, and that if it
//! dies before it has begun, the task does not go to another.

use super::child::process::ChildProcess;
use super::config::{Config, PoolError};
use super::handle::Pool;
use super::schedule::schedule::DedicatedStart;
use super::shared::Shared;
use super::task::Task;
use crate::launch::Launch;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

/// The pool of this process, or, in a copy that a fork has made, of the original.
static DEDICATED_POOL: Mutex<Option<Arc<Pool>>> = Mutex::new(None);

/// The pool that starts processes for single tasks, and sees to them as long as this process lives.
///
/// # Errors
/// If it is not there yet and cannot be made.
pub fn dedicated_pool() -> Result<Arc<Pool>, PoolError> {
    let mut dedicated_pool = DEDICATED_POOL.lock().unwrap_or_else(PoisonError::into_inner);
    match &*dedicated_pool {
        Some(pool) if pool.shared.is_open() => Ok(pool.clone()),
        _ => {
            let pool = Arc::new(Pool::new(Config { workers: 0, ..Config::default() })?);
            // The old one is never dropped: one that is broken has ended, and to wait for one of another
            // process would be in vain.
            std::mem::forget(dedicated_pool.replace(pool.clone()));
            Ok(pool)
        }
    }
}

/// The names and process ids of the processes for single tasks that live now.
#[must_use]
pub fn dedicated_processes() -> Vec<(String, u32)> {
    let dedicated_pool = DEDICATED_POOL.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(pool) = dedicated_pool.filter(|pool| !pool.shared.is_copy()) else { return vec![] };
    let schedule = pool.shared.lock();
    schedule.roster.iter().map(|worker| (worker.name.clone(), worker.pid())).collect()
}

impl Shared {
    /// Starts a process for one task. The receiver is told of the end of the task when the process has ended,
    /// or earlier.
    ///
    /// # Errors
    /// Why there is none; the receiver is then told nothing.
    pub fn start_dedicated(&self, launch: Launch, task: Task) -> io::Result<Arc<ChildProcess>> {
        let ended = || io::Error::other("the thread that starts processes has ended");
        let (answer, started) = mpsc::sync_channel(1);
        let mut schedule = self.lock();
        if !schedule.is_open() {
            return Err(ended());
        }
        schedule.dedicated_starts.push_back(DedicatedStart { launch, task, answer });
        drop(schedule);
        self.poke();
        started.recv().unwrap_or_else(|_| Err(ended()))
    }
}
