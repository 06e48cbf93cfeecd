//! [`Place`]: where the executor of a row runs its tasks, and what that place can do.
//!
//! To run the suite on one more executor: add a variant here and answer each `match`, add the place to
//! the groups in [`suite!`](macro@crate::suite) whose rows it can show, and name in
//! [`Place::exemptions`] the rows of those groups that cannot apply to it, each with the reason.

use crate::socket::SocketExecutor;
use horsepower::info::usable_cpus;
use horsepower::{AnyExecutor, Error, ExecutorKind};
use std::fmt;

/// Where an executor runs its tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In line: on the caller's thread, before `submit` returns.
    Inline,
    /// On the threads of a [`ThreadPoolExecutor`](horsepower::ThreadPoolExecutor).
    Threads,
    /// In the worker processes of a [`ProcessPoolExecutor`](horsepower::ProcessPoolExecutor).
    Processes,
    /// In the processes of a [`SocketExecutor`], which somebody else could have written.
    Socket,
}

impl Place {
    /// Every place, the in-line executor first.
    pub const ALL: [Place; 4] = [Place::Inline, Place::Threads, Place::Processes, Place::Socket];

    /// Its name, which is also that of its tests. The page of behaviours shows the first letter.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Place::Inline => "inline",
            Place::Threads => "threads",
            Place::Processes => "processes",
            Place::Socket => "socket",
        }
    }

    /// The place with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Place> {
        Place::ALL.into_iter().find(|place| place.name() == name)
    }

    /// An executor with so many workers; the in-line executor always has one.
    ///
    /// # Errors
    /// Those of the executor, such as that of no workers at all.
    pub fn executor(self, workers: usize) -> Result<AnyExecutor, Error> {
        match self {
            Place::Inline => AnyExecutor::with_workers(ExecutorKind::Inline, workers),
            Place::Threads => AnyExecutor::with_workers(ExecutorKind::Threads, workers),
            Place::Processes => AnyExecutor::with_workers(ExecutorKind::Processes, workers),
            Place::Socket => SocketExecutor::new(workers).map(AnyExecutor::of),
        }
    }

    /// An executor with its default number of workers.
    ///
    /// # Errors
    /// Those of the executor.
    pub fn default_executor(self) -> Result<AnyExecutor, Error> {
        match self {
            Place::Inline => AnyExecutor::new(ExecutorKind::Inline),
            Place::Threads => AnyExecutor::new(ExecutorKind::Threads),
            Place::Processes => AnyExecutor::new(ExecutorKind::Processes),
            Place::Socket => self.executor(usable_cpus().get()),
        }
    }

    /// True if tasks run while the caller goes on; false if they have ended when `submit` returns.
    #[must_use]
    pub fn is_concurrent(self) -> bool {
        match self {
            Place::Inline => false,
            Place::Threads | Place::Processes | Place::Socket => true,
        }
    }

    /// True if a task that runs can be ended, by `kill` and by `kill_running`.
    #[must_use]
    pub fn kills_running(self) -> bool {
        match self {
            Place::Inline | Place::Threads => false,
            Place::Processes | Place::Socket => true,
        }
    }

    /// True if tasks may ask for retries.
    #[must_use]
    pub fn retries(self) -> bool {
        match self {
            Place::Inline | Place::Threads | Place::Processes => true,
            Place::Socket => false,
        }
    }

    /// True if every argument is encoded; false if it is only encoded to be used again.
    #[must_use]
    pub fn encodes_arguments(self) -> bool {
        match self {
            Place::Inline | Place::Threads => false,
            Place::Processes | Place::Socket => true,
        }
    }

    /// True if each worker is a process that [`Stats::workers`](horsepower::Stats) lists; false if
    /// workers are threads of this process.
    #[must_use]
    pub fn has_worker_processes(self) -> bool {
        match self {
            Place::Inline | Place::Threads => false,
            Place::Processes | Place::Socket => true,
        }
    }

    /// The rows that cannot apply to this place although their group does, each with the reason.
    #[must_use]
    pub fn exemptions(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Place::Inline | Place::Threads | Place::Processes => &[],
            Place::Socket => &[],
        }
    }

    /// Why this row cannot apply to this place, if it cannot.
    #[must_use]
    pub fn exemption(self, row: &str) -> Option<&'static str> {
        self.exemptions().iter().find(|(name, _)| *name == row).map(|(_, reason)| *reason)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
