//! Use all the computing power that a program has been given, survive the tasks that crash, and see
//! what the parallelism was worth.
//!
//! ```
//! use horsepower::prelude::*;
//!
//! fn is_prime(n: u64) -> bool {
//!     n >= 2 && (2..=n.isqrt()).all(|d| n % d != 0)
//! }
//!
//! fn main() -> Result<(), horsepower::Error> {
//!     horsepower::init(); // a worker process stops here and serves
//!     let pool = ProcessPoolExecutor::new()?; // as many workers as this process may use CPUs
//!     let primes: Result<Vec<bool>, _> = pool.map(is_prime, [97, 98, 99]).collect();
//!     assert_eq!(primes?, [true, false, false]);
//!     assert!(pool.submit(is_prime, 15_485_863).result()?);
//!     Ok(()) // leaving the scope waits for the work
//! }
//! ```
//!
//! - [`Executor`] is the trait; [`InlineExecutor`], [`ThreadPoolExecutor`] and
//!   [`ProcessPoolExecutor`] are the places to run, [`AnyExecutor`] is a choice at run time.
//! - [`TaskFuture`] is the answer of a task; it can be waited for, awaited, cancelled, killed. [`Map`]
//!   is the answers of many; [`wait`](wait()), [`as_completed`](as_completed()) and
//!   [`completions`](completions()) wait for several.
//! - [`Executor::task`] begins a task of which more is asked: a deadline, retries, its output.
//! - [`Error`] says why there is no answer.
//! - [`Thread`] and [`Process`] run one function on a thread or in a process of its own; a thread is
//!   stopped by a [`StopToken`].
//! - [`info`] tells what this process is and which computing power it may use.
//! - [`timeit`] measures how long something takes.
//! - [`guide`] walks through all of it, for those who know Python's way and those who do not.
//!
//! # Words for time
//!
//! All of them are lengths of time. A `timeout` ends a wait and nothing else: what was waited for goes on.
//! A `deadline` ends the work: the task with its process, counted from the moment it begins; a
//! `queue_deadline` ends it before it begins. Of pools, `idle_timeout` is how long a worker without work
//! is kept, and `start_timeout` how long one may take to start; of a `map`, `timeout` is for all of it.
//!
//! # In tests
//!
//! The same line makes process pools work under `cargo test` and `cargo nextest`: call
//! [`init`] first thing in the `#[test]` function. A worker is then the test program, started for
//! that one test; it comes to the same call and serves there.
//!
//! ```
//! # use horsepower::prelude::*;
//! // #[test]
//! fn squares() {
//!     horsepower::init();
//!     let pool = ProcessPoolExecutor::new().unwrap();
//!     assert_eq!(pool.submit(|n: u32| n * n, 7).result().unwrap(), 49);
//! }
//! # squares();
//! ```
//!
//! # A task's way
//!
//! Seven steps, seven files: ① accept `executor/processes.rs`, ② encode `encode.rs`, ③ put
//! `core/src/pool/put.rs`, ④ work `core/src/worker.rs`, ⑤ collect `core/src/pool/collect.rs`,
//! ⑥ decode `decode.rs`, ⑦ complete `complete.rs`.

#![forbid(unsafe_code)]
// Where there are no processes, some of what they need is left over.
#![cfg_attr(not(target_os = "linux"), allow(dead_code))]

mod codec;
mod error;
mod executor;
#[cfg(any(doc, doctest))]
pub mod guide;
pub mod info;
#[cfg(target_os = "linux")]
mod launch;
mod map;
mod names;
#[cfg(target_os = "linux")]
pub mod process;
mod task;
pub mod thread;
pub mod timeit;
mod value;

pub use error::Error;
pub use executor::{
    AnyExecutor, Executor, ExecutorKind, InlineExecutor, MapBuilder, ShutdownOptions,
    ThreadPoolBuilder, ThreadPoolExecutor, UnknownExecutor,
};
#[cfg(target_os = "linux")]
pub use executor::{ProcessPoolBuilder, ProcessPoolExecutor, StartMethod, UnknownStartMethod};
pub use horsepower_core::stats::{Restart, Stats, WorkerStats};
pub use map::{Map, MapOptions, OnError, Progress};
#[cfg(target_os = "linux")]
pub use process::Process;
pub use task::{
    AsCompleted, AsCompletedTimeout, AsTaskFuture, Completions, QueueFull, TaskBuilder, TaskFuture,
    TaskOptions, TaskOutput, Until, Waited, as_completed, as_completed_timeout, completions, wait,
    wait_async,
};
pub use thread::{StopToken, Thread};
pub use value::Value;

/// For those who write an executor of their own: the trait to implement, and what its tasks are.
///
/// A [`Backend`](backend::Backend) takes tasks in one of two forms. One that runs them in this process takes
/// [`Call`](backend::Call)s, and nothing is encoded. One that sends them elsewhere takes
/// [`Message`](backend::Message)s: the name of a function, and its argument as bytes.
pub mod backend {
    #[cfg(target_os = "linux")]
    pub use crate::executor::backend::MessageRunner;
    pub use crate::executor::backend::{Backend, CallRunner, Capability, Carrier};
    pub use crate::executor::{Call, Control, DetachedCall, Helped, QueueLimit};
    #[cfg(target_os = "linux")]
    pub use crate::executor::{Callbacks, Message, Reply};
    #[cfg(target_os = "linux")]
    pub use horsepower_core::BuildId;
    pub use horsepower_core::death::{Cause, Death};
    #[cfg(target_os = "linux")]
    pub use horsepower_core::entry_point::{EntryPoint, EntryPointError};
    pub use horsepower_core::panic::PanicReport;
    pub use horsepower_core::payload::Payload;
    #[cfg(target_os = "linux")]
    pub use horsepower_core::record::arguments;
    pub use horsepower_core::task::{Failure, TaskPolicy, TaskState};
}

/// Makes this program able to start worker processes; in a worker, serves and never returns.
///
/// Call it first thing in `main`, or in a `#[test]` function: what comes before it happens once more
/// in every worker. In any other process it costs one system call. Where processes are not
/// supported it does nothing.
///
/// ```
/// horsepower::init();
/// // … the program
/// ```
pub fn init() {
    #[cfg(target_os = "linux")]
    horsepower_core::init::init();
}

/// What most programs need: `use horsepower::prelude::*`. Executors, their options, and futures; no name
/// that a program is likely to have itself.
pub mod prelude {
    #[cfg(target_os = "linux")]
    pub use crate::ProcessPoolExecutor;
    pub use crate::{
        AnyExecutor, Executor, ExecutorKind, InlineExecutor, MapOptions, OnError, ShutdownOptions,
        TaskFuture, TaskOptions, ThreadPoolExecutor, as_completed,
    };
}

/// The example of the README is a doctest too.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
