//! [`ThreadPoolExecutor`]: tasks run on threads of this process.
//!
//! `queue` is what waits for the threads, `crew` the threads themselves, `single` one task, `chunk` many
//! items as one task, `builder` the settings, `executor` the type.

mod builder;
mod chunk;
mod crew;
mod executor;
mod queue;
mod single;

pub use builder::ThreadPoolBuilder;
pub use executor::ThreadPoolExecutor;
