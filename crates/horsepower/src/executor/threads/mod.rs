//! [`ThreadPoolExecutor`]: tasks run on threads of this process.
//!
//! The threads are those of tokio's blocking pool: the best-kept one that starts threads when they
//! are needed, names them, and joins them at the end. Nothing else of tokio is used, and no runtime
//! is needed by the user. `queue` is what waits for them, `single` one task, `chunk` many items as one
//! task, `builder` the settings, `executor` the type.

mod builder;
mod chunk;
mod executor;
mod queue;
mod single;

pub use builder::ThreadPoolBuilder;
pub use executor::ThreadPoolExecutor;
