//! The handle of a pool: who holds it can end it.
//!
//! Made by the `horsepower` crate. It owns the supervisor's thread; everything else is in the [`Shared`]
//! that futures hold on to.

use super::config::{Config, DEEPEST, PoolError, Shutdown};
use super::shared::Shared;
use super::supervise::supervisor::Supervisor;
use crate::sys::job_control;
use crate::worker::init::reentry_point;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// A pool of worker processes. Workers are started when tasks need them.
#[derive(Debug)]
pub struct Pool {
    pub(crate) shared: Arc<Shared>,
    pub(crate) supervisor: Mutex<Option<JoinHandle<()>>>,
}

impl Pool {
    /// A pool without workers yet, and its supervisor.
    ///
    /// # Errors
    /// If the program has not called `init`, or the kernel gives no thread or descriptor.
    pub fn new(config: Config) -> Result<Pool, PoolError> {
        let reentry = reentry_point().map_err(PoolError::NotReady)?;
        if crate::worker::role::role().is_some_and(|role| role.depth >= DEEPEST) {
            return Err(PoolError::TooDeep);
        }
        job_control::watch();
        let shared = Shared::new(config).map_err(PoolError::System)?;
        let supervisor = Supervisor::new(shared.clone(), reentry).map_err(PoolError::System)?;
        shared.tellers.prepare().map_err(PoolError::System)?;
        let supervisor = thread::Builder::new()
            .name("hp-supervisor".into())
            .spawn(move || supervisor.run())
            .map_err(|error| {
                shared.tellers.close();
                PoolError::System(error)
            })?;
        Ok(Pool { shared, supervisor: Mutex::new(Some(supervisor)) })
    }

    /// What futures hold on to.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The process ids of the workers that live now.
    #[must_use]
    pub fn worker_pids(&self) -> Vec<u32> {
        if self.shared.is_copy() {
            return Vec::new();
        }
        self.shared.lock().roster.iter().map(|worker| worker.pid()).collect()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if self.shared.is_copy() {
            // Nothing of it is here, and the thread that would end it never will: it is left as it is.
            return;
        }
        self.shutdown(Shutdown::default());
    }
}
