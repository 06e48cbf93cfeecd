//! The parent's side: a pool of workers, their lanes, and the thread that supervises them.
//!
//! | file | what it owns |
//! |---|---|
//! | `handle` | the pool as its maker holds it |
//! | `shared` | the pool behind its lock, as its threads and futures share it; every change ends there |
//! | `config` | how a pool is to be made, limited and ended |
//! | `task` | a task as the pool knows it |
//! | `place` | where a task is |
//! | `help` | a thread that waits for one task collects replies itself |
//! | `shutdown` | the end of a pool, changes of its size, and the end of running tasks |
//! | `dedicated` | a process for one task |
//! | `stats`, `counts`, `events` | what an operator can see |
//! | [`schedule`] | everything that the pool knows, and what happens to it under the lock |
//! | [`child`] | one worker as the parent sees it |
//! | [`supervise`] | the thread that starts workers, sees them die, and does what is due |
//! | [`delivery`] | what has ended, and telling the receivers without the lock |
//!
//! The lock is never held while code of the user runs: encoding, decoding and callbacks happen
//! outside; nor while more than a block is copied. Making, sending and unmapping segments does happen
//! under it.

mod child;
mod config;
mod counts;
mod dedicated;
mod delivery;
mod events;
mod handle;
mod help;
mod place;
mod schedule;
mod shared;
mod shutdown;
mod stats;
mod supervise;
mod task;

pub use crate::task::{Answer, Failure, Receiver, TaskPolicy, TaskState};
pub use child::process::ChildProcess;
pub use config::{Config, DEEPEST, Initializer, Limits, Method, PoolError, Shutdown};
pub use dedicated::{dedicated_pool, dedicated_processes};
pub use handle::Pool;
pub use help::Helped;
pub use shared::Shared;
pub use task::Task;
