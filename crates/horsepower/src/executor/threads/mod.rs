//! [`ThreadPoolExecutor`]: tasks run on threads of this process.
//!
//! | file | what it owns |
//! |---|---|
//! | `executor` | the type |
//! | `builder` | its settings |
//! | `pool` | what the executor and the threads share |
//! | `state` | the part of that under the lock: the queue, the phase |
//! | `roster` | which threads there are, and which of them wait for a job |
//! | `run` | what each thread does |
//! | `retry` | jobs that run again |
//! | `job` | a task that waits or runs |
//! | `timer` | what is to happen later |

mod builder;
mod executor;
mod job;
mod pool;
mod retry;
mod roster;
mod run;
mod state;
mod timer;

pub use builder::ThreadPoolBuilder;
pub use executor::ThreadPoolExecutor;
