//! [`ProcessPoolExecutor`]: runs tasks in worker processes.
//!
//! `executor` is the type, `builder` its settings, `control` connects its futures with the pool,
//! `reusable` keeps pools for reuse. The pool itself is in `horsepower-core`.

mod builder;
mod control;
mod executor;
mod reusable;

pub use builder::ProcessPoolBuilder;
pub use executor::ProcessPoolExecutor;
pub(crate) use executor::no_pool;
