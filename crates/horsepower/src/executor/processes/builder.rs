//! [`ProcessPoolBuilder`]: the settings of a process pool.

use super::executor::{ProcessPoolExecutor, no_pool};
use crate::error::{Error, Kind};
use crate::executor::StartMethod;
use crate::executor::settings::at_least_one;
use crate::executor::wire::call_of;
use crate::info::usable_cpus;
use crate::launch::launch_settings;
use crate::value::Value;
use horsepower_core::assert_zero_sized;
use horsepower_core::launch::{LONGEST_NAME, Launch};
use horsepower_core::pool::{Config, Initializer, Limits, Method, Pool};
use std::any::type_name;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Settings for a new [`ProcessPoolExecutor`].
///
/// ```
/// use horsepower::{Executor, ProcessPoolExecutor};
/// use std::time::Duration;
///
/// fn main() -> Result<(), horsepower::Error> {
///     horsepower::init();
///     let pool = ProcessPoolExecutor::builder()
///         .workers(2)
///         .name("parsers")
///         .tasks_per_worker(1000)
///         .memory_limit(512 << 20)
///         .idle_timeout(Duration::from_secs(30))
///         .build()?;
///     let name = pool.submit(|(): ()| horsepower::process::name().to_owned(), ()).result()?;
///     assert_eq!(name, "parsers_0");
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "`build` makes the pool"]
pub struct ProcessPoolBuilder {
    workers: Option<usize>,
    name: Option<String>,
    queue_limit: Option<usize>,
    limits: Limits,
    launch: Launch,
    initializer: Option<Arc<Initializer>>,
    method: StartMethod,
    preload: Option<Arc<Initializer>>,
    /// The first error in the initializer's or the preload's argument.
    pub(super) wrong: Option<Error>,
}

/// Builders are equal if they make equal pools.
impl PartialEq for ProcessPoolBuilder {
    fn eq(&self, other: &Self) -> bool {
        let call = |call: &Option<Arc<Initializer>>| {
            call.as_ref().map(|call| (call.entry, call.argument.bytes().to_vec()))
        };
        let limits = |&Limits { tasks, memory, replace_above, idle }: &Limits| {
            (tasks, memory, replace_above, idle)
        };
        self.workers == other.workers
            && self.name == other.name
            && self.queue_limit == other.queue_limit
            && limits(&self.limits) == limits(&other.limits)
            && self.launch == other.launch
            && self.method == other.method
            && call(&self.initializer) == call(&other.initializer)
            && call(&self.preload) == call(&other.preload)
    }
}

/// Encodes a call to make in another process.
fn call<F, A>(function: F, argument: A) -> Result<Arc<Initializer>, Error>
where
    F: Fn(A) + Send + Sync + 'static,
    A: Value,
{
    match call_of::<F, A, ()>(function, argument) {
        Ok((entry, argument)) => Ok(Arc::new(Initializer { entry, argument })),
        Err(kind) => Err(Error::of_task(kind, type_name::<F>())),
    }
}

impl ProcessPoolBuilder {
    pub(super) fn new() -> ProcessPoolBuilder {
        ProcessPoolBuilder::default()
    }

    /// The maximum number of worker processes. Default: the number of CPUs that this process may
    /// use.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// The name of the pool. [`process::name`](crate::process::name) reports its workers as
    /// `NAME_0`, `NAME_1`, …; a replacement inherits the name of its predecessor. At most 230
    /// bytes. Default: `ProcessPoolExecutor-K`, where `K` counts the pools of this process.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Calls `function` with `argument` once in each worker, before its first task. If it panics,
    /// that worker does not serve. If it keeps panicking, the pool becomes broken, and every task
    /// fails with the reason.
    ///
    /// ```
    /// use horsepower::{Executor, ProcessPoolExecutor};
    /// use std::sync::OnceLock;
    ///
    /// static WORD: OnceLock<String> = OnceLock::new();
    ///
    /// fn main() -> Result<(), horsepower::Error> {
    ///     horsepower::init();
    ///     let pool = ProcessPoolExecutor::builder()
    ///         .workers(1)
    ///         .initializer(|word: String| WORD.set(word).unwrap(), "hello".to_owned())
    ///         .build()?;
    ///     assert_eq!(pool.submit(|(): ()| WORD.get().cloned(), ()).result()?.unwrap(), "hello");
    ///     Ok(())
    /// }
    /// ```
    pub fn initializer<F, A>(mut self, function: F, argument: A) -> Self
    where
        F: Fn(A) + Send + Sync + 'static,
        A: Value,
    {
        const { assert_zero_sized::<F>() }
        match call(function, argument) {
            Ok(initializer) => self.initializer = Some(initializer),
            Err(error) => self.wrong = Some(error),
        }
        self
    }

    /// How worker processes are started. Default: [`StartMethod::Spawn`].
    pub fn start_method(mut self, method: StartMethod) -> Self {
        self.method = method;
        self
    }

    /// Calls `function` with `argument` once in the [fork server](StartMethod::ForkServer), and
    /// selects that start method. Every worker inherits the state that it leaves behind, above all
    /// in statics; the workers share the memory pages until one of them writes. It must leave no
    /// thread running. Fork handlers of libraries (`pthread_atfork`) are not called, and random
    /// state that was loaded, such as the keys of a `HashMap`, is the same in all workers. If it
    /// keeps panicking, the pool becomes broken, and every task fails with the reason.
    ///
    /// ```
    /// use horsepower::{Executor, ProcessPoolExecutor};
    /// use std::sync::OnceLock;
    ///
    /// static TABLE: OnceLock<Vec<u64>> = OnceLock::new();
    ///
    /// fn main() -> Result<(), horsepower::Error> {
    ///     horsepower::init();
    ///     let pool = ProcessPoolExecutor::builder()
    ///         .workers(2)
    ///         .preload(|len| TABLE.set((0..len).map(|n| n * n).collect()).unwrap(), 1000)
    ///         .build()?;
    ///     let look_up = |n: usize| TABLE.get().map(|table| table[n]);
    ///     assert_eq!(pool.submit(look_up, 30).result()?, Some(900));
    ///     Ok(())
    /// }
    /// ```
    pub fn preload<F, A>(mut self, function: F, argument: A) -> Self
    where
        F: Fn(A) + Send + Sync + 'static,
        A: Value,
    {
        const { assert_zero_sized::<F>() }
        self.method = StartMethod::ForkServer;
        match call(function, argument) {
            Ok(preload) => self.preload = Some(preload),
            Err(error) => self.wrong = Some(error),
        }
        self
    }

    /// How many tasks a worker runs before it is replaced; a chunk of a `map` counts as one. For
    /// code that leaks. Default: no limit.
    pub fn tasks_per_worker(mut self, tasks: usize) -> Self {
        self.limits.tasks = Some(tasks);
        self
    }

    /// How many bytes of memory a worker may use: resident and not shared with other processes. A
    /// worker that exceeds this while it runs a task is killed, and the task's error has
    /// [`is_memory_limit`](Error::is_memory_limit); one that exceeds it between tasks is replaced.
    /// Memory is measured every 20 ms, so a worker may exceed the limit briefly. Default: no limit.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.limits.memory = Some(bytes);
        self
    }

    /// A worker that uses more than this many bytes is replaced after its current task, which
    /// finishes normally. For code that leaks. Default: never.
    pub fn replace_above(mut self, bytes: u64) -> Self {
        self.limits.replace_above = Some(bytes);
        self
    }

    /// How many tasks may wait in addition to the running ones; when that many wait,
    /// [`submit`](crate::Executor::submit) blocks until there is room. `map` is bounded by its
    /// window instead and does not count. Default: no limit.
    pub fn queue_limit(mut self, tasks: usize) -> Self {
        self.queue_limit = Some(tasks);
        self
    }

    /// How long a worker may be idle before it is stopped. Default: it is kept as long as the pool.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.limits.idle = Some(timeout);
        self
    }

    launch_settings!("the workers");

    /// Creates the pool. No process is started yet.
    ///
    /// # Errors
    /// If the program has not called [`init`](crate::init()); if a setting makes no sense, such as
    /// 0 workers or 0 tasks per worker; if the argument of the initializer or preload cannot be
    /// encoded; or if the system refuses a thread or descriptor.
    pub fn build(self) -> Result<ProcessPoolExecutor, Error> {
        static POOLS: AtomicUsize = AtomicUsize::new(0);
        let cpus = usable_cpus().get();
        let workers = self.workers.unwrap_or(cpus);
        at_least_one("workers", workers)?;
        at_least_one("tasks_per_worker", self.limits.tasks.unwrap_or(1))?;
        let bytes =
            |limit: Option<u64>| limit.map_or(1, |bytes| bytes.try_into().unwrap_or(usize::MAX));
        at_least_one("memory_limit", bytes(self.limits.memory))?;
        at_least_one("replace_above", bytes(self.limits.replace_above))?;
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        let name = self.name.filter(|name| !name.is_empty()).unwrap_or_else(|| {
            // Relaxed: a counter.
            format!("ProcessPoolExecutor-{}", POOLS.fetch_add(1, Ordering::Relaxed))
        });
        // Leave room for the number of the worker.
        if name.len() > LONGEST_NAME - 25 {
            return Err(Error::new(Kind::Invalid(format!(
                "the pool name has {} bytes; at most {} are allowed",
                name.len(),
                LONGEST_NAME - 25
            ))));
        }
        let launch = Launch { name, ..self.launch };
        launch.check().map_err(|why| Error::new(Kind::Invalid(why)))?;
        let method = match (self.method, self.preload) {
            (StartMethod::ForkServer, preload) => Method::ForkServer(preload),
            (StartMethod::Spawn, None) => Method::Spawn,
            (StartMethod::Spawn, Some(_)) => {
                let why = "`preload` needs a fork server, but the start method is spawn";
                return Err(Error::new(Kind::Invalid(why.into())));
            }
        };
        let Self { initializer, limits, queue_limit, .. } = self;
        let config = Config { workers, cpus, launch, initializer, method, limits };
        let pool = Pool::new(config).map_err(|error| no_pool(error, "make a process pool"))?;
        Ok(ProcessPoolExecutor::of(pool, workers, queue_limit))
    }
}
