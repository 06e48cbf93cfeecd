//! [`StartMethod`]: how worker processes are started.

use std::fmt;
use std::str::FromStr;

/// How a [`ProcessPoolExecutor`](crate::ProcessPoolExecutor) starts its workers.
///
/// (There is no plain fork of the program itself: a lock that another thread holds at that moment
/// would stay locked in the worker forever.)
///
/// ```
/// use horsepower::StartMethod;
///
/// assert_eq!("forkserver".parse(), Ok(StartMethod::ForkServer));
/// let error = "nope".parse::<StartMethod>().unwrap_err();
/// assert_eq!(error.to_string(), "unknown start method `nope`; expected one of: spawn, forkserver");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StartMethod {
    /// Executes the program again for each worker, up to its call of [`init`](crate::init()).
    #[default]
    Spawn,
    /// Executes the program again once, up to its call of [`init`](crate::init()); this process
    /// makes the call given to [`preload`](crate::ProcessPoolBuilder::preload) and then forks the
    /// workers. That is faster, and all workers share the memory of what was loaded. It requires
    /// the GNU C library. Fork handlers of libraries (`pthread_atfork`) are not called, and random
    /// state of the server is the same in every worker.
    ForkServer,
}

impl StartMethod {
    /// All start methods.
    pub const ALL: &[StartMethod] = &[StartMethod::Spawn, StartMethod::ForkServer];

    /// Its name, as in Python: `spawn`, `forkserver`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            StartMethod::Spawn => "spawn",
            StartMethod::ForkServer => "forkserver",
        }
    }
}

impl fmt::Display for StartMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The error of parsing a name that no start method has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownStartMethod(String);

impl fmt::Display for UnknownStartMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = StartMethod::ALL.iter().map(|method| method.name()).collect();
        write!(f, "unknown start method `{}`; expected one of: {}", self.0, names.join(", "))
    }
}

impl std::error::Error for UnknownStartMethod {}

impl FromStr for StartMethod {
    type Err = UnknownStartMethod;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = StartMethod::ALL.iter().find(|method| method.name() == name);
        found.copied().ok_or_else(|| UnknownStartMethod(name.to_owned()))
    }
}
