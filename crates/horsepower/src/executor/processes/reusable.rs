//! Pools that a program makes once and uses again: [`ProcessPoolBuilder::reusable`].

use super::{ProcessPoolBuilder, ProcessPoolExecutor};
use crate::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

/// The pools of this program, each with the settings that it was made with.
static POOLS: Mutex<Vec<(ProcessPoolBuilder, Arc<ProcessPoolExecutor>)>> = Mutex::new(Vec::new());

impl ProcessPoolBuilder {
    /// The program's pool with these settings: made when it is asked for first, and the same from then
    /// on. If it has been shut down or is broken, there is a new one. It waits for nobody at the end of
    /// the program: ask the futures of what you have submitted.
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
        // It may have something to finish, and nobody has to wait for that; unless the system gives no
        // thread for it, for then it is dropped here.
        let _ = std::thread::Builder::new().name("hp-farewell".into()).spawn(move || drop(old));
        Ok(pool)
    }
}
