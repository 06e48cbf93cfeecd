//! [`AnyExecutor`]: an executor chosen at run time.

#[cfg(target_os = "linux")]
use super::ProcessPoolExecutor;
use super::settings::at_least_one;
use super::{Backend, InlineExecutor, ThreadPoolExecutor};
use crate::error::Error;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

/// The kinds of executor.
///
/// ```
/// use horsepower::ExecutorKind;
///
/// assert_eq!("threads".parse(), Ok(ExecutorKind::Threads));
/// assert_eq!(ExecutorKind::Inline.to_string(), "inline");
/// assert!("fibers".parse::<ExecutorKind>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExecutorKind {
    /// [`InlineExecutor`].
    Inline,
    /// [`ThreadPoolExecutor`].
    Threads,
    /// [`ProcessPoolExecutor`](crate::ProcessPoolExecutor).
    #[cfg(target_os = "linux")]
    Processes,
}

impl ExecutorKind {
    /// All kinds, the baseline first.
    pub const ALL: &[ExecutorKind] = &[
        ExecutorKind::Inline,
        ExecutorKind::Threads,
        #[cfg(target_os = "linux")]
        ExecutorKind::Processes,
    ];

    /// Its name: `inline`, `threads`, `processes`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ExecutorKind::Inline => "inline",
            ExecutorKind::Threads => "threads",
            #[cfg(target_os = "linux")]
            ExecutorKind::Processes => "processes",
        }
    }
}

impl fmt::Display for ExecutorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The error of parsing a name that no executor has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownExecutor(String);

impl fmt::Display for UnknownExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = ExecutorKind::ALL.iter().map(|kind| kind.name()).collect();
        write!(f, "unknown executor `{}`; expected one of: {}", self.0, names.join(", "))
    }
}

impl std::error::Error for UnknownExecutor {}

impl FromStr for ExecutorKind {
    type Err = UnknownExecutor;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = ExecutorKind::ALL.iter().find(|kind| kind.name() == name);
        found.copied().ok_or_else(|| UnknownExecutor(name.to_owned()))
    }
}

/// An executor chosen at run time, by a flag or a setting: any [`Backend`](crate::backend::Backend)
/// in a box.
///
/// ```
/// use horsepower::{AnyExecutor, Executor, ExecutorKind};
///
/// fn main() -> Result<(), horsepower::Error> {
///     horsepower::init();
///     for &kind in ExecutorKind::ALL {
///         let executor = AnyExecutor::with_workers(kind, 2)?;
///         assert_eq!(executor.submit(|n: u32| n + 1, 1).result()?, 2);
///     }
///     Ok(())
/// }
/// ```
pub struct AnyExecutor {
    kind: Option<ExecutorKind>,
    backend: Box<dyn Backend>,
}

impl AnyExecutor {
    /// Creates an executor of this kind with one worker per CPU that this process may use. The
    /// in-line executor always has one.
    ///
    /// # Errors
    /// Those of the executor's own builder.
    pub fn new(kind: ExecutorKind) -> Result<AnyExecutor, Error> {
        Ok(match kind {
            ExecutorKind::Inline => InlineExecutor::new().into(),
            ExecutorKind::Threads => ThreadPoolExecutor::new()?.into(),
            #[cfg(target_os = "linux")]
            ExecutorKind::Processes => ProcessPoolExecutor::new()?.into(),
        })
    }

    /// Creates an executor of this kind with at most `workers` workers. The in-line executor always
    /// has one.
    ///
    /// # Errors
    /// Those of the executor's own builder; for every kind, if `workers` is 0.
    pub fn with_workers(kind: ExecutorKind, workers: usize) -> Result<AnyExecutor, Error> {
        at_least_one("workers", workers)?;
        Ok(match kind {
            ExecutorKind::Inline => InlineExecutor::new().into(),
            ExecutorKind::Threads => ThreadPoolExecutor::with_workers(workers)?.into(),
            #[cfg(target_os = "linux")]
            ExecutorKind::Processes => ProcessPoolExecutor::with_workers(workers)?.into(),
        })
    }

    /// Wraps an executor of any other kind.
    ///
    /// ```
    /// use horsepower::{AnyExecutor, Executor, InlineExecutor};
    ///
    /// let executor = AnyExecutor::of(InlineExecutor::new());
    /// assert_eq!(executor.submit(|n: u32| n + 1, 1).result()?, 2);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn of(backend: impl Backend + 'static) -> AnyExecutor {
        AnyExecutor { kind: None, backend: Box::new(backend) }
    }

    /// Which of this crate's executors this is; `None` if it was made with [`of`](Self::of).
    #[must_use]
    pub fn kind(&self) -> Option<ExecutorKind> {
        self.kind
    }
}

/// Makes it an executor, like everything that points to a backend.
impl Deref for AnyExecutor {
    type Target = dyn Backend;

    fn deref(&self) -> &Self::Target {
        &*self.backend
    }
}

impl fmt::Debug for AnyExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.map_or("custom", ExecutorKind::name);
        write!(f, "AnyExecutor({kind}, {} workers)", self.backend.parallelism())
    }
}

/// Conversions from the executors of this crate.
macro_rules! from_executor {
    ($($executor:ty => $kind:ident),*) => {$(
        impl From<$executor> for AnyExecutor {
            fn from(executor: $executor) -> AnyExecutor {
                AnyExecutor { kind: Some(ExecutorKind::$kind), backend: Box::new(executor) }
            }
        }
    )*};
}

from_executor!(InlineExecutor => Inline, ThreadPoolExecutor => Threads);
#[cfg(target_os = "linux")]
from_executor!(ProcessPoolExecutor => Processes);
