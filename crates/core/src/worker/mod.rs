//! The worker's own side: a process that was started to run tasks.
//!
//! `init` is where a program becomes a worker, `worker` takes tasks from the lane and runs them
//! (step ④), `idle` is how it waits for the next task, `line` are its ways to the parent, `forkserver` forks workers from a prepared
//! process, `role` says what this process is.

pub(crate) mod forkserver;
mod idle;
pub mod init;
mod line;
pub mod role;
#[allow(clippy::module_inception)]
mod worker;

use worker::serve;
