//! [`ProcessPoolExecutor`]: typed tasks on the pool of worker processes of `horsepower-core`.
//!
//! The typed front (`front`, `wire`) has made a message of a task (① and ②). Here it goes to the pool,
//! which puts it into a lane (③), has a worker run it (④) and collects the reply (⑤); then the pool
//! calls the message's receiver, in `wire`, which decodes (⑥) and completes the future (⑦).

use super::ProcessPoolBuilder;
use crate::error::{Error, Kind};
use crate::executor::backend::{Backend, Capability, Carrier, MessageRunner};
use crate::executor::{Control, Executor as _, Message, QueueLimit, ShutdownOptions, at_least_one};
use horsepower_core::pool::{DEEPEST, Pool, PoolError, Shutdown, Task};
use horsepower_core::stats::Stats;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Runs tasks in worker processes of its own, so that whatever happens in a task, a panic, a
/// segmentation fault, `exit`, costs that task and nothing else.
///
/// A worker is this same program, started once more, which stops and serves where the program calls
/// [`init`](crate::init()); a pool in a program that has not called it is an error. Workers are
/// started when tasks need them, kept, and replaced when they die. They end with the pool, and with
/// this process however it ends.
///
/// Leaving the scope waits for the work: see [`shutdown`](Executor::shutdown).
///
/// What tasks print goes to this program's standard output and error. Their standard input is empty:
/// it is the parent's to read.
///
/// ```
/// use horsepower::{Executor, ProcessPoolExecutor};
///
/// fn checked(n: u64) -> u64 {
///     if n == 3 { std::process::abort() } // would end any other program
///     n * n
/// }
///
/// fn main() -> Result<(), horsepower::Error> {
///     horsepower::init();
///     let pool = ProcessPoolExecutor::with_workers(2)?;
///     let futures: Vec<_> = (1..=4).map(|n| pool.submit(checked, n)).collect();
///     let results: Vec<_> = futures.into_iter().map(|future| future.result()).collect();
///     assert_eq!(results[3].as_ref().unwrap(), &16);
///     let error = results[2].as_ref().unwrap_err();
///     assert!(error.is_worker_death() && error.signal() == Some(6)); // SIGABRT
///     Ok(())
/// }
/// ```
pub struct ProcessPoolExecutor {
    pool: Pool,
    workers: AtomicUsize,
    limit: Option<QueueLimit>,
}

impl ProcessPoolExecutor {
    pub(super) fn of(pool: Pool, workers: usize, queue_limit: Option<usize>) -> Self {
        let limit = queue_limit.map(|tasks| QueueLimit::new(workers, tasks));
        ProcessPoolExecutor { pool, workers: AtomicUsize::new(workers), limit }
    }

    /// A pool with as many workers as this process may use CPUs.
    ///
    /// # Errors
    /// Those of [`ProcessPoolBuilder::build`].
    pub fn new() -> Result<ProcessPoolExecutor, Error> {
        ProcessPoolExecutor::builder().build()
    }

    /// A pool with at most so many workers.
    ///
    /// # Errors
    /// Those of [`ProcessPoolBuilder::build`].
    pub fn with_workers(workers: usize) -> Result<ProcessPoolExecutor, Error> {
        ProcessPoolExecutor::builder().workers(workers).build()
    }

    /// True if it takes tasks: it is neither shut down nor broken.
    pub(super) fn is_open(&self) -> bool {
        self.pool.shared().is_open()
    }

    /// Settings for a pool.
    pub fn builder() -> ProcessPoolBuilder {
        ProcessPoolBuilder::new()
    }

    /// The process ids of the workers that live now.
    #[must_use]
    pub fn worker_pids(&self) -> Vec<u32> {
        self.pool.worker_pids()
    }

    /// Changes how many workers there may be. More are started when tasks need them; of fewer, those
    /// that have nothing to do go first, and the others when their tasks have ended.
    ///
    /// # Errors
    /// If `workers` is 0.
    pub fn resize(&self, workers: usize) -> Result<(), Error> {
        at_least_one("workers", workers)?;
        // Relaxed: only a number.
        self.workers.store(workers, Ordering::Relaxed);
        self.pool.resize(workers);
        if let Some(limit) = &self.limit {
            limit.resize(workers);
        }
        Ok(())
    }
}

impl MessageRunner for ProcessPoolExecutor {
    fn start(&self, message: Message) {
        let Message { entry, payload, items, policy, reply } = message;
        let receiver = reply.into_receiver();
        let mut task = match items {
            None => Task::single(entry, payload, receiver),
            Some(items) => Task::framed(entry, payload, items.get(), receiver),
        };
        // Somebody may wait for its place in the queue; and a worker may hand a part of many items
        // back, which is to go on although nobody reads results.
        if self.limit.is_some() && items.is_none() || items.is_some_and(|items| items.get() > 1) {
            task = task.watched();
        }
        self.pool.shared().submit(match policy {
            Some(policy) => task.with(policy),
            None => task,
        });
    }
}

impl Backend for ProcessPoolExecutor {
    fn carrier(&self) -> Carrier<'_> {
        Carrier::Messages(self)
    }

    fn parallelism(&self) -> usize {
        // Relaxed: only a number.
        self.workers.load(Ordering::Relaxed)
    }

    fn snapshot(&self) -> Stats {
        self.pool.shared().stats()
    }

    fn can(&self, what: Capability) -> bool {
        match what {
            Capability::Deadline
            | Capability::QueueDeadline
            | Capability::Retries
            | Capability::CaptureOutput => true,
        }
    }

    fn queue(&self) -> Option<&QueueLimit> {
        self.limit.as_ref()
    }

    fn is_inside(&self) -> bool {
        // In a callback: else each that submits two tasks for one that ended would have a thread to itself
        // before long.
        self.pool.shared().in_callback()
    }

    fn control(&self) -> Option<Arc<dyn Control>> {
        Some(self.pool.shared().clone())
    }

    fn stop(&self, options: ShutdownOptions) -> Result<(), Error> {
        if let Some(limit) = &self.limit {
            limit.close();
        }
        let ended = self.pool.shutdown(Shutdown {
            cancel_queued: options.cancel_queued,
            kill_running: options.kill_running,
            patience: if options.wait { options.timeout } else { Some(Duration::ZERO) },
        });
        if ended || !options.wait {
            Ok(())
        } else if self.pool.shared().in_callback() {
            let why = "a process pool cannot wait for its end in one of its own callbacks";
            Err(Error::new(Kind::Invalid(why.into())))
        } else {
            Err(Error::new(Kind::ShutdownTimedOut))
        }
    }
}

impl fmt::Debug for ProcessPoolExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.pool.shared().config().launch.name;
        write!(f, "ProcessPoolExecutor({name}, {} workers)", self.workers())
    }
}

pub(crate) fn no_pool(error: PoolError, doing: &'static str) -> Error {
    Error::new(match error {
        PoolError::NotReady(not_ready) => Kind::NotReady(not_ready),
        PoolError::TooDeep => Kind::Invalid(format!(
            "cannot {doing} in process {}: there are {DEEPEST} above it already; does a task start \
             itself again and again?",
            std::process::id()
        )),
        PoolError::System(source) => Kind::System { doing, source },
    })
}
