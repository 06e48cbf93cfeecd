//! Use all the computing power that a program has been given, survive tasks that crash, and measure
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
//! - [`Executor`] is the trait. [`InlineExecutor`], [`ThreadPoolExecutor`] and
//!   [`ProcessPoolExecutor`] are the places to run tasks; [`AnyExecutor`] is a choice at run time.
//! - [`TaskFuture`] is the answer of one task: wait for it, await it, cancel it, or kill the task.
//!   [`Map`] yields the answers of many. [`wait`](wait()), [`as_completed`](as_completed()) and
//!   [`completions`](completions()) wait for several futures.
//! - [`Executor::task`] builds a task with options: a deadline, retries, captured output.
//! - [`Error`] says why there is no answer.
//! - [`Thread`] and [`Process`] run one function on its own thread or in its own process; a
//!   [`StopToken`] asks a thread to stop.
//! - [`info`] describes this process and the computing power it may use.
//! - [`timeit`] measures how long something takes.
//! - [`guide`] walks through all of it, with or without a background in Python.
//!
//! # Words for time
//!
//! All of them are durations. A `timeout` ends a wait and nothing else: the work continues. A
//! `deadline` ends work: it kills the worker process of a task, counted from the moment the task
//! starts; a `queue_deadline` ends a task before it starts, and the `total_deadline` of a `map`
//! ends the whole map. For pools, `idle_timeout` is how long a worker without work is kept, and
//! `start_timeout` how long a worker may take to start.
//!
//! # In tests
//!
//! The same line makes process pools work under `cargo test` and `cargo nextest`: call [`init`]
//! first in the `#[test]` function. A worker is then the test program, started for that one test;
//! it reaches the same call and serves there.
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
//! Seven steps: ① accept `executor/front.rs`, ② encode `codec/encode.rs`, ③ put
//! `core/src/pool/schedule/put.rs`, ④ work `core/src/worker/worker.rs`, ⑤ collect
//! `core/src/pool/schedule/collect.rs`, ⑥ decode `codec/decode.rs`, ⑦ complete `task/promise.rs`.
//! After ⑤ the core calls back up: the task's `Receiver`, in `executor/wire.rs`, does ⑥ and ⑦. In
//! line and on threads nothing is encoded: only ①, the call and ⑦ are left. `docs/architecture.md` in
//! the repository has the stops in between.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
// Without processes, some of the shared code is unused.
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

/// The crate of the bars that [`MapBuilder::progress_bar`] takes; with the feature `indicatif`.
#[cfg(feature = "indicatif")]
pub use indicatif;

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

/// For authors of executors: the trait to implement, and the tasks it receives.
///
/// A [`Backend`](backend::Backend) takes tasks in one of two forms. A backend that runs tasks in
/// this process takes [`Call`](backend::Call)s, and nothing is encoded. A backend that sends tasks
/// elsewhere takes [`Message`](backend::Message)s: the name of a function and its argument as
/// bytes.
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

/// Enables this program to start worker processes. In a worker, it serves tasks and never returns.
///
/// Call it first in `main` or in a `#[test]` function: code before it also runs in every worker. In
/// any other process it costs one system call. Where processes are not supported it does nothing.
///
/// ```
/// horsepower::init();
/// // … the program
/// ```
///
/// Three mistakes:
///
/// - With `#[tokio::main]`, `main` already runs in a runtime, and so would every worker; a task that builds a
///   runtime of its own panics there. Call `init` first and build the runtime after it:
///
///   ```
///   // The first lines of a `main` that is not `async`:
///   horsepower::init();
///   # fn run() {}
///   run(); // tokio::runtime::Runtime::new()?.block_on(async { … })
///   ```
/// - Standard input must not be read before. A worker finds there what it is.
/// - In a test it belongs on the thread of the test, not on one that the test starts: pools say so.
pub fn init() {
    #[cfg(target_os = "linux")]
    horsepower_core::init::init();
}

/// What most programs need: `use horsepower::prelude::*`. Executors, their options, and futures,
/// but no name that a program is likely to define itself.
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
