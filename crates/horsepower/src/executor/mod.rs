//! One trait, [`Executor`], and the places to run: in line, on threads, in processes.
//!
//! `executor` the trait, `inline`, `threads`, `processes` the executors, `any` the choice at run
//! time; `chunk` is how `map` sends many items as one task.

mod any;
#[cfg(target_os = "linux")]
mod chunk;
#[allow(clippy::module_inception)]
mod executor;
mod inline;
#[cfg(target_os = "linux")]
mod processes;
mod threads;

pub use any::{AnyExecutor, ExecutorKind, UnknownExecutor};
pub use executor::Executor;
pub use inline::InlineExecutor;
#[cfg(target_os = "linux")]
pub use processes::{ProcessPoolBuilder, ProcessPoolExecutor};
#[cfg(target_os = "linux")]
pub(crate) use processes::{Typed, no_pool, not_encoded};
pub use threads::{ThreadPoolBuilder, ThreadPoolExecutor};
