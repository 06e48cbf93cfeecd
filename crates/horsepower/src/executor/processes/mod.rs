//! [`ProcessPoolExecutor`]: tasks run in worker processes.
//!
//! `executor` is the type, `builder` its settings, `control` what its futures ask of the pool. The pool
//! itself is in `horsepower-core`.

mod builder;
mod control;
mod executor;

pub use builder::ProcessPoolBuilder;
pub use executor::ProcessPoolExecutor;
pub(crate) use executor::no_pool;
