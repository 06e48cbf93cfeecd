//! What a process knows of itself, of its parent, and of the processes that it has started.

use crate::executor::StartMethod;
use horsepower_core::{pool, role};

/// A process that was started by this one and lives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Active {
    /// Its name.
    pub name: String,
    /// Its process id.
    pub pid: u32,
}

/// The parent of a process that horsepower has started.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parent {
    /// Its name: that of a [`Process`](super::Process) or worker, or `MainProcess`.
    pub name: String,
    /// Its process id.
    pub pid: u32,
}

/// What a program is called that was not started by horsepower, as in Python.
const MAIN: &str = "MainProcess";

/// The name of this process: the one that its parent gave to the [`Process`](super::Process), or to
/// the worker of a pool; `MainProcess` in a program that was started by others.
///
/// ```
/// assert_eq!(horsepower::process::name(), "MainProcess");
/// ```
#[must_use]
pub fn name() -> &'static str {
    role::role().map_or(MAIN, |role| &role.name)
}

/// How this process came into being, if horsepower has started it.
#[must_use]
pub fn start_method() -> Option<StartMethod> {
    let role = role::role()?;
    Some(if role.forked { StartMethod::ForkServer } else { StartMethod::Spawn })
}

/// The parent of this process, if horsepower has started it.
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
    /// True while the parent lives. A process that horsepower has started does not survive its
    /// parent, so it will hardly see anything else.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        rustix::process::getppid().is_some_and(|pid| pid.as_raw_nonzero().get() as u32 == self.pid)
    }
}

/// The [`Process`](super::Process)es of this process that live. One that has ended is not among them,
/// joined or not: it is reaped at once. The workers of pools are not among them; their pools know them
/// ([`Executor::stats`](crate::Executor::stats)).
#[must_use]
pub fn active() -> Vec<Active> {
    pool::dedicated_processes().into_iter().map(|(name, pid)| Active { name, pid }).collect()
}
