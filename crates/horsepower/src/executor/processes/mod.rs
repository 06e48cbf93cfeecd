//! [`ProcessPoolExecutor`]: tasks run in worker processes.
//!
//! `executor` is the type, `builder` its settings, `control` what its futures ask of the pool, `reusable`
//! pools that are made once. The pool
//! itself is in `horsepower-core`.

mod builder;
mod control;
mod executor;
mod reusable;

pub use builder::ProcessPoolBuilder;
pub use executor::ProcessPoolExecutor;
pub(crate) use executor::no_pool;
