//! The settings of a pool: how it is made, limited and shut down.
//!
//! Filled by the `horsepower` crate; read by the files of this folder. Holds no logic.

use crate::lane::payload::Payload;
use crate::launch::Launch;
use crate::wire::entry_point::EntryPoint;
use crate::worker::init::NotReady;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How deep pools and processes may be nested in each other.
pub const DEEPEST: u8 = 10;

/// The settings of a pool.
#[derive(Clone, Debug)]
pub struct Config {
    /// Most worker processes at a time.
    pub workers: usize,
    /// CPUs that this process may use. With more runnable threads and workers than that, nobody spins.
    pub cpus: usize,
    /// What each worker process gets from this one. The workers' names are the name in here with a number.
    pub launch: Launch,
    /// What each worker calls before its first task.
    pub initializer: Option<Arc<Initializer>>,
    /// How workers are started.
    pub method: Method,
    /// What each worker may use.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            workers: 1,
            cpus: 1,
            launch: Launch::default(),
            initializer: None,
            method: Method::Spawn,
            limits: Limits::default(),
        }
    }
}

/// How workers are started.
#[derive(Clone, Debug, Default)]
pub enum Method {
    /// The program is executed again.
    #[default]
    Spawn,
    /// The program is executed again once, makes this call, and forks the workers.
    ForkServer(Option<Arc<Initializer>>),
}

/// What every worker of a pool calls before its first task, or a fork server before its first fork.
#[derive(Debug)]
pub struct Initializer {
    /// The function.
    pub entry: EntryPoint,
    /// Its encoded argument.
    pub argument: Payload,
}

/// What each worker may use; `None`: as much as it likes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Tasks until it is replaced.
    pub tasks: Option<usize>,
    /// Bytes of memory of its own; above that, the worker is killed, and the task that runs fails.
    pub memory: Option<u64>,
    /// Bytes of memory of its own; above that, the worker is replaced once its task has ended.
    pub replace_above: Option<u64>,
    /// Time with nothing to do until the worker is let go.
    pub idle: Option<Duration>,
}

/// How a pool is to be shut down.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shutdown {
    /// What has not begun is cancelled.
    pub cancel_queued: bool,
    /// What runs is killed, with its worker.
    pub kill_running: bool,
    /// How long to wait for the end of everything; `None`: for ever.
    pub patience: Option<Duration>,
}

/// Why there is no pool.
#[derive(Debug)]
pub enum PoolError {
    /// The program has not called `init`.
    NotReady(NotReady),
    /// There are [`DEEPEST`] processes above this one.
    TooDeep,
    /// The kernel refused something.
    System(io::Error),
}
