//! Pools that a program creates once and reuses: [`ProcessPoolBuilder::reusable`].

use super::{ProcessPoolBuilder, ProcessPoolExecutor};
use crate::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

/// The reusable pools of this program, each with its settings.
static POOLS: Mutex<Vec<(ProcessPoolBuilder, Arc<ProcessPoolExecutor>)>> = Mutex::new(Vec::new());

impl ProcessPoolBuilder {
    /// Returns the program's pool with these settings. The first call creates it, later calls
    /// return the same pool; if that has been shut down or is broken, a new one is created. At the
    /// end of the program nothing waits for it: read the futures of what you submit.
    ///
    /// # Errors
    /// Those of [`build`](Self::build).
    ///
    /// ```
    /// use horsepower::{Executor, ProcessPoolExecutor};
    ///
    /// fn main() -> Result<(), horsepower::Error> {
    ///     horsepower::init();
    ///     let pool = ProcessPoolExecutor::builder().workers(1).reusable()?;
    ///     let pid = pool.submit(|(): ()| std::process::id(), ()).result()?;
    ///     let same = ProcessPoolExecutor::builder().workers(1).reusable()?;
    ///     assert_eq!(same.submit(|(): ()| std::process::id(), ()).result()?, pid);
    ///     Ok(())
    /// }
    /// ```
    pub fn reusable(self) -> Result<Arc<ProcessPoolExecutor>, Error> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
        let place = pools.iter().position(|(settings, _)| *settings == self);
        if let Some(pool) = place.map(|place| &pools[place].1).filter(|pool| pool.is_open()) {
            return Ok(pool.clone());
        }
        let pool = Arc::new(self.clone().build()?);
        let old = place.map(|place| pools.swap_remove(place));
        pools.push((self, pool.clone()));
        drop(pools);
        // It may have tasks to finish, and nobody should have to wait for that. If the system
        // cannot start a thread, it is dropped here.
        if let Some(old) = old {
            let _ = std::thread::Builder::new().name("hp-drop".into()).spawn(move || drop(old));
        }
        Ok(pool)
    }
}
