//! One trait, [`Executor`], and the places to run: in line, on threads, in processes.
//!
//! `executor` the trait, `inline`, `threads`, `processes` the executors, `any` the choice at run
//! time, `forward` executors behind pointers; `task` a task of which more is asked; `admitted` how the
//! pools take tasks in, `chunk` how `map` sends many items as one task.

mod admitted;
mod again;
mod any;
#[cfg(target_os = "linux")]
mod chunk;
#[allow(clippy::module_inception)]
mod executor;
mod forward;
mod inline;
#[cfg(target_os = "linux")]
mod process_builder;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(target_os = "linux")]
mod start_method;
mod task;
mod threads;

pub use any::{AnyExecutor, ExecutorKind, UnknownExecutor};
pub use executor::Executor;
pub use inline::InlineExecutor;
#[cfg(target_os = "linux")]
pub use process_builder::ProcessPoolBuilder;
#[cfg(target_os = "linux")]
pub use processes::ProcessPoolExecutor;
#[cfg(target_os = "linux")]
pub(crate) use processes::{call_of, no_pool};
#[cfg(target_os = "linux")]
pub use start_method::{StartMethod, UnknownStartMethod};
pub use task::TaskBuilder;
pub use threads::{ThreadPoolBuilder, ThreadPoolExecutor};

use crate::error::{Error, Kind};

/// Refuses a setting that is 0.
fn at_least_one(what: &str, number: usize) -> Result<(), Error> {
    match number {
        0 => Err(Error::new(Kind::Invalid(format!("{what} must be greater than 0")))),
        _ => Ok(()),
    }
}
