//! [`ThreadPoolExecutor`]: tasks run on threads of this process.
//!
//! `executor` is the type, `builder` its settings, `pool` what waits for the threads, `roster` which
//! threads there are, `run` what each of them does, `job` a task that waits or runs, `timer` what is to
//! happen later.

mod builder;
mod executor;
mod job;
mod pool;
mod roster;
mod run;
mod timer;

pub use builder::ThreadPoolBuilder;
pub use executor::ThreadPoolExecutor;
