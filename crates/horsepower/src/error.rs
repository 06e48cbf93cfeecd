//! [`Error`]: the one error of this crate.

use horsepower_core::panic::PanicReport;
#[cfg(target_os = "linux")]
use horsepower_core::{
    death::{Cause, Death},
    init::NotReady,
};
use std::error::Error as StdError;
use std::sync::Arc;
use std::{fmt, io};

/// Why there is no result, or no executor. Opaque: ask it with its predicates, print it to learn
/// what happened, to which task, and what to do; follow [`source`](std::error::Error::source) to
/// the cause. Cloning is cheap.
///
/// ```
/// use horsepower::{Executor, InlineExecutor};
///
/// let error = InlineExecutor::new().submit(|n: i32| 10 / n, 0).result().unwrap_err();
/// assert!(error.is_panic());
/// assert!(error.to_string().contains("attempt to divide by zero"));
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: Kind,
    /// Path of the task's function.
    task: Option<&'static str>,
    /// Name of the [`Thread`](crate::Thread).
    thread: Option<Arc<str>>,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum Kind {
    Panicked(PanicReport),
    #[cfg(target_os = "linux")]
    Died(Death),
    #[cfg(target_os = "linux")]
    NeverBegan {
        death: Death,
        why: Option<String>,
    },
    #[cfg(target_os = "linux")]
    Protocol {
        pid: u32,
        what: String,
    },
    #[cfg(target_os = "linux")]
    Broken(Arc<str>),
    #[cfg(target_os = "linux")]
    NotReady(NotReady),
    ArgumentNotEncoded {
        type_name: &'static str,
        source: Box<dyn StdError + Send + Sync>,
    },
    ArgumentNotDecoded {
        type_name: String,
        why: String,
    },
    ResultNotEncoded {
        type_name: String,
        why: String,
    },
    ResultNotDecoded {
        type_name: String,
        why: String,
    },
    NotSent(String),
    System {
        doing: &'static str,
        source: io::Error,
    },
    Invalid(String),
    Cancelled,
    TimedOut,
    Shutdown,
    Taken,
    InOwnCallback,
}

impl Error {
    pub(crate) fn new(kind: Kind) -> Error {
        Error(Arc::new(Inner { kind, task: None, thread: None }))
    }

    pub(crate) fn of_task(kind: Kind, task: &'static str) -> Error {
        Error(Arc::new(Inner { kind, task: Some(task), thread: None }))
    }

    pub(crate) fn of_thread(kind: Kind, thread: &Arc<str>) -> Error {
        Error(Arc::new(Inner { kind, task: None, thread: Some(thread.clone()) }))
    }

    /// The task panicked. Its message, place and backtrace are [`panic_message`](Self::panic_message),
    /// [`panic_location`](Self::panic_location), [`panic_backtrace`](Self::panic_backtrace).
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.0.kind, Kind::Panicked(_))
    }

    /// The task was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0.kind, Kind::Cancelled)
    }

    /// A wait was over before the task was. The task goes on.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, Kind::TimedOut)
    }

    /// The worker process died while it ran the task; or a [`Process`](crate::Process) before it came
    /// to run its function. [`signal`](Self::signal) or
    /// [`exit_code`](Self::exit_code) says how, [`worker_pid`](Self::worker_pid) which.
    #[must_use]
    pub fn is_worker_death(&self) -> bool {
        #[cfg(target_os = "linux")]
        return self.death().is_some();
        #[cfg(not(target_os = "linux"))]
        return false;
    }

    /// The worker process broke the rules by which it shares memory with its parent, and was ended.
    #[must_use]
    pub fn is_protocol(&self) -> bool {
        #[cfg(target_os = "linux")]
        return matches!(self.0.kind, Kind::Protocol { .. });
        #[cfg(not(target_os = "linux"))]
        return false;
    }

    /// The pool cannot start workers any more.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        #[cfg(target_os = "linux")]
        return matches!(self.0.kind, Kind::Broken(_));
        #[cfg(not(target_os = "linux"))]
        return false;
    }

    /// A process pool was to be made in a program that has not called [`init`](crate::init).
    #[must_use]
    pub fn is_not_ready(&self) -> bool {
        #[cfg(target_os = "linux")]
        return matches!(self.0.kind, Kind::NotReady(_));
        #[cfg(not(target_os = "linux"))]
        return false;
    }

    /// The task was submitted after the executor had been shut down.
    #[must_use]
    pub fn is_shutdown(&self) -> bool {
        matches!(self.0.kind, Kind::Shutdown)
    }

    /// The argument or the result could not be encoded or decoded.
    #[must_use]
    pub fn is_encoding(&self) -> bool {
        matches!(
            self.0.kind,
            Kind::ArgumentNotEncoded { .. }
                | Kind::ArgumentNotDecoded { .. }
                | Kind::ResultNotEncoded { .. }
                | Kind::ResultNotDecoded { .. }
        )
    }

    /// A setting that makes no sense, such as no workers at all.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        matches!(self.0.kind, Kind::Invalid(_))
    }

    /// The message of the task's panic.
    #[must_use]
    pub fn panic_message(&self) -> Option<&str> {
        self.panic().map(|panic| &*panic.message)
    }

    /// `file:line:column` of the task's panic.
    #[must_use]
    pub fn panic_location(&self) -> Option<&str> {
        self.panic()?.location.as_deref()
    }

    /// The backtrace of the task's panic, if `RUST_BACKTRACE` is set where the task ran.
    #[must_use]
    pub fn panic_backtrace(&self) -> Option<&str> {
        self.panic()?.backtrace.as_deref()
    }

    /// The number of the signal that ended the worker process.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        #[cfg(target_os = "linux")]
        if let Some(Death { cause: Cause::Signal(signal), .. }) = self.death() {
            return Some(*signal);
        }
        None
    }

    /// The code with which the worker process exited while it ran the task.
    #[must_use]
    pub fn exit_code(&self) -> Option<i32> {
        #[cfg(target_os = "linux")]
        if let Some(Death { cause: Cause::Exit(code), .. }) = self.death() {
            return Some(*code);
        }
        None
    }

    /// The process id of the worker that died, or was ended, with the task.
    #[must_use]
    pub fn worker_pid(&self) -> Option<u32> {
        match self.0.kind {
            #[cfg(target_os = "linux")]
            Kind::Died(Death { pid, .. })
            | Kind::NeverBegan { death: Death { pid, .. }, .. }
            | Kind::Protocol { pid, .. } => Some(pid),
            _ => None,
        }
    }

    /// The path of the task's function, as the compiler writes it.
    #[must_use]
    pub fn task(&self) -> Option<&str> {
        self.0.task
    }

    /// The name of the [`Thread`](crate::Thread) that this is about.
    #[must_use]
    pub fn thread(&self) -> Option<&str> {
        self.0.thread.as_deref()
    }

    #[cfg(target_os = "linux")]
    fn death(&self) -> Option<&Death> {
        match &self.0.kind {
            Kind::Died(death) | Kind::NeverBegan { death, .. } => Some(death),
            _ => None,
        }
    }

    pub(crate) fn panic(&self) -> Option<&PanicReport> {
        match &self.0.kind {
            Kind::Panicked(report) => Some(report),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(task) = self.0.task {
            write!(f, "task {task}: ")?;
        }
        if let Some(thread) = &self.0.thread {
            write!(f, "thread {thread}: ")?;
        }
        match &self.0.kind {
            Kind::Panicked(report) => report.fmt(f),
            #[cfg(target_os = "linux")]
            Kind::Died(death) => write!(f, "{death} while running it"),
            #[cfg(target_os = "linux")]
            Kind::NeverBegan { death, why: None } => write!(f, "{death} before it began"),
            #[cfg(target_os = "linux")]
            Kind::NeverBegan { death, why: Some(why) } => {
                write!(f, "{death} before it began: {why}")
            }
            #[cfg(target_os = "linux")]
            Kind::Protocol { pid, what } => write!(
                f,
                "worker process {pid} broke the rules of its lane ({what}) and was ended; something \
                 in that process writes where it must not"
            ),
            #[cfg(target_os = "linux")]
            Kind::Broken(reason) => write!(f, "the process pool is broken: {reason}"),
            #[cfg(target_os = "linux")]
            Kind::NotReady(not_ready) => not_ready.fmt(f),
            Kind::ArgumentNotEncoded { type_name, source } => {
                write!(f, "its argument, a {type_name}, cannot be encoded: {source}")
            }
            Kind::ArgumentNotDecoded { type_name, why } => {
                write!(f, "its argument, a {type_name}, cannot be decoded in the worker: {why}")
            }
            Kind::ResultNotEncoded { type_name, why } => {
                write!(f, "its result, a {type_name}, cannot be encoded: {why}")
            }
            Kind::ResultNotDecoded { type_name, why } => {
                write!(f, "its result, a {type_name}, cannot be decoded: {why}")
            }
            Kind::NotSent(why) => write!(f, "its argument cannot be sent: {why}"),
            Kind::System { doing, source } => write!(f, "cannot {doing}: {source}"),
            Kind::Invalid(what) => f.write_str(what),
            Kind::Cancelled => f.write_str("it was cancelled before it began"),
            Kind::TimedOut => {
                f.write_str("it has not ended in time; it goes on, and can still be waited for")
            }
            Kind::Shutdown => f.write_str("cannot submit tasks after the executor was shut down"),
            Kind::Taken => f.write_str("its result has already been taken"),
            Kind::InOwnCallback => f.write_str(
                "a done-callback cannot take the result of its own future; it is given the outcome",
            ),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `fn main() -> Result<(), horsepower::Error>` prints this: it has to be readable.
        write!(f, "Error({self})")
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.kind {
            Kind::ArgumentNotEncoded { source, .. } => Some(&**source),
            Kind::System { source, .. } => Some(source),
            #[cfg(target_os = "linux")]
            Kind::NotReady(source) => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_pointer() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn texts_say_what_happened_and_to_which_task() {
        let text = |kind| Error::of_task(kind, "my::task").to_string();
        let report = |location| PanicReport { message: "oh".into(), location, backtrace: None };
        assert_eq!(
            text(Kind::Panicked(report(Some("a.rs:1:2".into())))),
            "task my::task: it panicked at a.rs:1:2: oh"
        );
        assert_eq!(text(Kind::Panicked(report(None))), "task my::task: it panicked: oh");
        assert_eq!(text(Kind::Cancelled), "task my::task: it was cancelled before it began");
        assert_eq!(
            text(Kind::ResultNotDecoded { type_name: "u8".into(), why: "x".into() }),
            "task my::task: its result, a u8, cannot be decoded: x"
        );
        assert_eq!(
            Error::new(Kind::Invalid("workers must be at least 1".into())).to_string(),
            "workers must be at least 1"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_death_can_be_asked_about() {
        let death = Death { pid: 7, cause: Cause::Signal(11) };
        let error = Error::of_task(Kind::Died(death), "t");
        assert!(error.is_worker_death() && !error.is_panic());
        assert_eq!(
            (error.signal(), error.exit_code(), error.worker_pid()),
            (Some(11), None, Some(7))
        );
        assert_eq!(
            error.to_string(),
            "task t: worker process 7 was ended by SIGSEGV (invalid memory access) while running it"
        );
    }
}
