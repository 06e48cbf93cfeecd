//! [`StartMethod`]: how worker processes come into being.

use std::fmt;
use std::str::FromStr;

/// How the workers of a [`ProcessPoolExecutor`](crate::ProcessPoolExecutor) come into being.
///
/// (There is no plain fork of the program itself: what other threads hold at that moment would be held
/// in the worker for ever.)
///
/// ```
/// use horsepower::StartMethod;
///
/// assert_eq!("forkserver".parse(), Ok(StartMethod::ForkServer));
/// let error = "nope".parse::<StartMethod>().unwrap_err();
/// assert_eq!(error.to_string(), "there is no start method «nope»; there are spawn, forkserver");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StartMethod {
    /// The program is executed again for each worker, and comes to [`init`](crate::init()).
    #[default]
    Spawn,
    /// The program is executed again once, comes to [`init`](crate::init()), makes the call that was given to
    /// [`preload`](crate::ProcessPoolBuilder::preload), and then forks the workers. That is quicker,
    /// and what was loaded before is in the memory of all of them at once. It needs the GNU C
    /// library. Handlers that libraries have registered for forks (`pthread_atfork`) are not called, and
    /// what was random in the server is the same in every worker.
    ForkServer,
}

impl StartMethod {
    /// Every method.
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

/// A name that no start method has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownStartMethod(String);

impl fmt::Display for UnknownStartMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = StartMethod::ALL.iter().map(|method| method.name()).collect();
        write!(f, "there is no start method «{}»; there are {}", self.0, names.join(", "))
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
