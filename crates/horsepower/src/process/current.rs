//! What a process knows about itself, its parent, and the processes that it has started.

use crate::executor::StartMethod;
use horsepower_core::{pool, role};

/// A living process that this one has started.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Active {
    /// Its name.
    pub name: String,
    /// Its process id.
    pub pid: u32,
}

/// The parent of a process that horsepower started.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parent {
    /// Its name: that of a [`Process`](super::Process) or worker, or `MainProcess`.
    pub name: String,
    /// Its process id.
    pub pid: u32,
}

/// The name of a program that horsepower did not start, as in Python.
const MAIN: &str = "MainProcess";

/// The name of this process: the one that its parent gave to the [`Process`](super::Process) or to
/// the worker of a pool; `MainProcess` in a program that horsepower did not start.
///
/// ```
/// assert_eq!(horsepower::process::name(), "MainProcess");
/// ```
#[must_use]
pub fn name() -> &'static str {
    role::role().map_or(MAIN, |role| &role.name)
}

/// How this process was started, if horsepower started it.
#[must_use]
pub fn start_method() -> Option<StartMethod> {
    let role = role::role()?;
    Some(if role.forked { StartMethod::ForkServer } else { StartMethod::Spawn })
}

/// The parent of this process, if horsepower started it.
///
/// ```
/// assert_eq!(horsepower::process::parent(), None);
/// ```
#[must_use]
pub fn parent() -> Option<Parent> {
    let role = role::role()?;
    let name = if role.parent_name.is_empty() { MAIN } else { &role.parent_name };
    Some(Parent { name: name.to_owned(), pid: role.parent })
}

impl Parent {
    /// True while the parent lives. A process that horsepower started does not survive its parent,
    /// so it hardly ever sees false.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        rustix::process::getppid().is_some_and(|pid| pid.as_raw_nonzero().get() as u32 == self.pid)
    }
}

/// The living [`Process`](super::Process)es of this process. A process that has exited is not
/// listed, joined or not, because it is reaped at once. The workers of pools are not listed;
/// [`Executor::stats`](crate::Executor::stats) of their pools has them.
#[must_use]
pub fn active() -> Vec<Active> {
    pool::dedicated_processes().into_iter().map(|(name, pid)| Active { name, pid }).collect()
}
