//! [`ProcessPoolExecutor`]: typed tasks on the pool of worker processes of `horsepower-core`.
//!
//! The typed front (`front`, `wire`) has turned the task into a message (① and ②). Here it goes to
//! the pool, which puts it into a lane (③), has a worker run it (④) and collects the reply (⑤).
//! Then the pool calls the message's receiver in `wire`, which decodes (⑥) and completes the future
//! (⑦).

use super::ProcessPoolBuilder;
use crate::error::{Error, Kind};
use crate::executor::backend::{Backend, Capability, Carrier, MessageRunner};
use crate::executor::settings::at_least_one;
use crate::executor::{Control, Executor as _, Message, QueueLimit, ShutdownOptions};
use horsepower_core::pool::{DEEPEST, Pool, PoolError, Shutdown, Task};
use horsepower_core::stats::Stats;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Runs tasks in worker processes, so that whatever happens in a task, be it a panic, a
/// segmentation fault or `exit`, affects that task and nothing else.
///
/// A worker is this same program, started again, which stops and serves where the program calls
/// [`init`](crate::init()); making a pool in a program that has not called it is an error. Workers
/// are started when tasks need them, kept, and replaced when they die. They exit with the pool, and
/// with this process, however it ends.
///
/// Leaving the scope waits for the work: see [`shutdown`](crate::Executor::shutdown).
///
/// Tasks print to this program's standard output and error. Their standard input is empty, because
/// the parent reads the real one; reading from the terminal itself is an error (EIO). Ctrl-C reaches this
/// program alone, which decides. Ctrl-Z stops the workers with it, and `fg` continues them: the first
/// pool handles SIGTSTP, unless the program does.
///
/// What a task has started (`std::process::Command`) ends with its worker: when the pool ends, when the
/// worker is replaced, and when this process is killed. Not reached is what has left the worker's process
/// group (`setsid`), and, in a killed program, what a worker's own children hold open by `fork` without
/// `exec`.
///
/// A worker has its own memory: what a task changes in a static stays there.
///
/// ```
/// use horsepower::{Executor, ProcessPoolExecutor};
///
/// fn checked(n: u64) -> u64 {
///     if n == 3 { std::process::abort() } // would take down any other program
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

    /// Creates a pool with one worker per CPU that this process may use.
    ///
    /// # Errors
    /// Those of [`ProcessPoolBuilder::build`].
    pub fn new() -> Result<ProcessPoolExecutor, Error> {
        ProcessPoolExecutor::builder().build()
    }

    /// Creates a pool with at most `workers` workers.
    ///
    /// # Errors
    /// Those of [`ProcessPoolBuilder::build`].
    pub fn with_workers(workers: usize) -> Result<ProcessPoolExecutor, Error> {
        ProcessPoolExecutor::builder().workers(workers).build()
    }

    /// True if it accepts tasks: it is neither shut down nor broken.
    pub(super) fn is_open(&self) -> bool {
        self.pool.shared().is_open()
    }

    /// Settings for a new pool.
    pub fn builder() -> ProcessPoolBuilder {
        ProcessPoolBuilder::new()
    }

    /// The process ids of the living workers.
    #[must_use]
    pub fn worker_pids(&self) -> Vec<u32> {
        self.pool.worker_pids()
    }

    /// Changes the maximum number of workers. New ones are started when tasks need them. If there
    /// are too many, idle workers are stopped first, and busy ones after their tasks finish.
    ///
    /// # Errors
    /// If `workers` is 0, or in a [forked](Error::is_forked) copy of the process that has made the pool.
    pub fn resize(&self, workers: usize) -> Result<(), Error> {
        at_least_one("workers", workers)?;
        if self.pool.shared().is_copy() {
            return Err(Error::new(Kind::Copied));
        }
        // Relaxed: a plain number.
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
        // A submitter may be waiting for its place in the queue. And a worker may hand back a part
        // of many items, which must continue even if no thread reads results.
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
        // Relaxed: a plain number.
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
        // True in a callback. Otherwise every callback that submits two tasks for each finished one
        // would soon block, each on a thread of its own.
        let shared = self.pool.shared();
        shared.in_callback() || shared.is_copy()
    }

    fn control(&self) -> Option<Arc<dyn Control>> {
        Some(self.pool.shared().clone())
    }

    fn stop(&self, options: ShutdownOptions) -> Result<(), Error> {
        if self.pool.shared().is_copy() {
            return Err(Error::new(Kind::Copied));
        }
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
            let why = "a process pool cannot wait for its own shutdown in one of its own callbacks";
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
            "cannot {doing} in process {}: it is already {DEEPEST} levels below the first program; \
             does a task start itself recursively?",
            std::process::id()
        )),
        PoolError::System(source) => Kind::System { doing, source },
    })
}
