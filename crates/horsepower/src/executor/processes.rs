//! Step ①, accept: [`ProcessPoolExecutor`] takes a typed task over from the user.
//!
//! It names the function, encodes the argument (②), and gives both to the pool of `horsepower-core`,
//! which puts them into a lane (③), has a worker run them (④) and collects the reply (⑤); then the
//! receiver here decodes (⑥) and completes the future (⑦).

use super::admitted::submit_by_admission;
use super::process_builder::ProcessPoolBuilder;
use super::{Executor, at_least_one, chunk};
use crate::admission::{Permit, QueueLimit};
use crate::complete::Promise;
use crate::decode::decode;
use crate::encode::{encode, encode_into};
use crate::error::{Error, Kind};
use crate::future::TaskFuture;
use crate::map::{Map, MapOptions};
use crate::options::{QueueFull, TaskOptions};
use crate::origin::Origin;
use crate::shutdown::ShutdownOptions;
use crate::value::Value;
use horsepower_core::assert_zero_sized;
use horsepower_core::callback_threads::FollowUp;
use horsepower_core::entry_point::{EntryPoint, Invoke, Output};
use horsepower_core::payload::{Encoded, Payload};
use horsepower_core::pool::{
    Answer, DEEPEST, Failure, Pool, PoolError, Receiver, Shutdown, Task, TaskPolicy, TaskState,
};
use horsepower_core::record::Status;
use horsepower_core::stats::Stats;
use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
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

    /// A place in the queue, if places are limited. A callback does not wait for one: else each that begins
    /// two tasks for one that ended would have a thread to itself before long.
    fn enter(&self) -> Option<Permit> {
        self.limit.as_ref().map(|limit| limit.enter(|| self.pool.shared().in_callback()))
    }

    /// Submits a task that has taken its place in the queue.
    fn submit_admitted<F, A, R>(
        &self,
        permit: Option<Permit>,
        options: TaskOptions,
        function: F,
        argument: A,
    ) -> TaskFuture<R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
    {
        const { assert_zero_sized::<F>() }
        let origin = Origin::pool(self.pool.shared());
        let name = options.name_or(type_name::<F>());
        let promise = Arc::new(Promise::<R>::new(name, origin).admitted(permit));
        match call_of::<F, A, R>(function, argument) {
            Ok((entry, payload)) => {
                let mut task = Task::single(entry, payload, promise.clone());
                if self.limit.is_some() {
                    // Somebody may wait for its place.
                    task = task.watched();
                }
                self.pool.shared().submit(match terms(&options) {
                    Some(terms) => task.with(terms),
                    None => task,
                });
            }
            Err(kind) => promise.fail(kind),
        }
        TaskFuture::new(promise)
    }
}

impl Executor for ProcessPoolExecutor {
    fn workers(&self) -> usize {
        // Relaxed: only a number.
        self.workers.load(Ordering::Relaxed)
    }

    fn stats(&self) -> Stats {
        self.pool.shared().stats()
    }

    submit_by_admission!();

    fn map_with<'e, F, A, R, I>(&'e self, options: MapOptions, function: F, items: I) -> Map<'e, R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
        I: IntoIterator<Item = A>,
        I::IntoIter: 'e,
    {
        const { assert_zero_sized::<F>() }
        let entry = EntryPoint::new::<F, Typed<A, R>>(function);
        let terms = options.deadline.map(|deadline| TaskPolicy {
            deadline: Some(deadline),
            grace: options.grace,
            ..TaskPolicy::default()
        });
        Map::start(options, self.workers(), items.into_iter(), move |items, clock| match &entry {
            Ok(entry) => chunk::submit(self.pool.shared(), *entry, terms.as_ref(), items, clock),
            Err(why) => TaskFuture::failed(type_name::<F>(), Kind::NotSent(why.clone())),
        })
    }

    fn shutdown_with(&self, options: ShutdownOptions) -> Result<(), Error> {
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

/// What the pool is to see to; `None` for a task of which nothing special is asked.
fn terms(options: &TaskOptions) -> Option<TaskPolicy> {
    let &TaskOptions { deadline, grace, queue_deadline, retries, backoff, capture, .. } = options;
    let special = deadline.is_some() || queue_deadline.is_some() || retries > 0 || capture;
    special.then_some(TaskPolicy { deadline, grace, queue_deadline, retries, backoff, capture })
}

/// A function and its argument as they are sent to another process.
pub(crate) fn call_of<F, A, R>(function: F, argument: A) -> Result<(EntryPoint, Payload), Kind>
where
    F: Fn(A) -> R + Send + Sync + 'static,
    A: Value,
    R: Value,
{
    let entry = EntryPoint::new::<F, Typed<A, R>>(function).map_err(Kind::NotSent)?;
    match horsepower_core::panic::catch(|| encode(argument)) {
        Ok(Ok(payload)) => Ok((entry, payload)),
        Ok(Err(error)) => Err(not_encoded::<A>(error)),
        Err(panic) => Err(not_encoded::<A>(panic.message.into())),
    }
}

/// How a function from `A` to `R` is called with bytes: what a worker runs.
struct Typed<A, R>(PhantomData<fn(A) -> R>);

impl<F: Fn(A) -> R, A: Value, R: Value> Invoke<F> for Typed<A, R> {
    fn invoke(function: &F, argument: &[u8], output: &mut Output) -> Status {
        let argument = match decode::<A>(Encoded::own(argument)) {
            Ok(argument) => argument,
            Err(why) => {
                output.buffer().extend(format!("{}\n{why}", type_name::<A>()).bytes());
                return Status::NotDecoded;
            }
        };
        let result = function(argument);
        match crate::bulk::into_bytes(result) {
            Ok(bulk) => output.set_bulk(bulk),
            Err(result) => {
                if let Err(error) = encode_into(result, output.buffer()) {
                    output.buffer().clear();
                    output.buffer().extend(format!("{}\n{error}", type_name::<R>()).bytes());
                    return Status::NotEncoded;
                }
            }
        }
        Status::Returned
    }
}

impl<R: Value> Receiver for Promise<R> {
    fn tag(&self) -> &TaskState {
        self.origin.tag()
    }

    fn printed(&self, output: Vec<u8>, errors: Vec<u8>) {
        self.set_output(output, errors);
    }

    fn receive(&self, _item: u32, answer: Answer<'_>) -> FollowUp {
        let outcome = match answer {
            Answer::Returned(bytes) => decode::<R>(bytes)
                .map_err(|why| Kind::ResultNotDecoded { type_name: type_name::<R>().into(), why }),
            Answer::Failed(why) => Err(failure(why)),
        };
        self.settle(outcome.map_err(|kind| self.error(kind)))
    }

    fn call_back(&self) {
        Promise::call_back(self);
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

pub(crate) fn not_encoded<A>(source: Box<dyn std::error::Error + Send + Sync>) -> Kind {
    Kind::ArgumentNotEncoded { type_name: type_name::<A>(), source }
}

/// What the pool calls a failure, as an error of the user's.
pub(super) fn failure(failure: Failure) -> Kind {
    let named = |text: String| match text.split_once('\n') {
        Some((type_name, why)) => (type_name.to_owned(), why.to_owned()),
        None => ("value".to_owned(), text),
    };
    match failure {
        Failure::Panicked(report) => Kind::Panicked(report),
        Failure::NotDecoded(text) => {
            let (type_name, why) = named(text);
            Kind::ArgumentNotDecoded { type_name, why }
        }
        Failure::NotEncoded(text) => {
            let (type_name, why) = named(text);
            Kind::ResultNotEncoded { type_name, why }
        }
        Failure::NotSent(why) => Kind::NotSent(why),
        Failure::Died(death) => Kind::Died(death),
        Failure::NeverBegan { death, why } => Kind::NeverBegan { death, why },
        Failure::Protocol { pid, what } => Kind::Protocol { pid, what },
        Failure::Broken(reason) => Kind::Broken(reason),
        Failure::Deadline { pid, limit } => Kind::Deadline { pid, limit },
        Failure::QueueDeadline { limit } => Kind::QueueDeadline { limit },
        Failure::Memory { pid, limit, used } => Kind::Memory { pid, limit, used },
        Failure::Killed { pid } => Kind::Killed { pid },
        Failure::Cancelled => Kind::Cancelled,
        Failure::Shutdown => Kind::Shutdown,
    }
}
