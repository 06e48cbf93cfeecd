//! [`Error`]: the type and its predicates.

use super::{Kind, Name};
#[cfg(target_os = "linux")]
use horsepower_core::death::{Cause, Death};
use horsepower_core::panic::PanicReport;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// Why there is no result, or no executor. The type is opaque: test it with its predicates, or
/// print it to read what happened, to which task, and what to do. A cause is its
/// [`source`](std::error::Error::source); `{}` does not repeat it, `{:#}` and `{:?}` append it.
/// Cloning is cheap.
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

#[derive(Clone)]
struct Inner {
    kind: Arc<Kind>,
    subject: Option<Subject>,
    /// The task is known to have started in an earlier attempt.
    begun: bool,
    /// The position in the input, if it is the error of an item of a map.
    item: Option<usize>,
}

/// What it happened to.
#[derive(Clone)]
enum Subject {
    /// A task or a process.
    Future(Name),
    /// A [`Thread`](crate::Thread), by name.
    Thread(Arc<str>),
}

/// The error of starting a thread or process twice.
pub(crate) const AGAIN: &str =
    "it has already been started and runs only once; create another one to run its function again";
/// The error of asking a thread or process that was not started for its end.
pub(crate) const NOT_STARTED: &str =
    "it has not been started, so there is nothing to wait for; call `start` first";

impl Error {
    pub(crate) fn new(kind: Kind) -> Error {
        Error::of(kind, None, false)
    }

    /// An error of a task or process in its first attempt.
    pub(crate) fn of_task(kind: Kind, task: impl Into<Name>) -> Error {
        Error::of_future(kind, task.into(), false)
    }

    /// An error of a task or process that is known to have started, or not (`begun`).
    pub(crate) fn of_future(kind: Kind, name: Name, begun: bool) -> Error {
        Error::of(kind, Some(Subject::Future(name)), begun)
    }

    pub(crate) fn of_thread(kind: Kind, thread: &Arc<str>) -> Error {
        Error::of(kind, Some(Subject::Thread(thread.clone())), false)
    }

    fn of(kind: Kind, subject: Option<Subject>, begun: bool) -> Error {
        Error(Arc::new(Inner { kind: Arc::new(kind), subject, begun, item: None }))
    }

    /// The same, of this item of a map.
    pub(crate) fn of_item(&self, item: usize) -> Error {
        Error(Arc::new(Inner { item: Some(item), ..Inner::clone(&self.0) }))
    }

    /// An error with [`is_invalid`](Self::is_invalid): a setting or a call that makes no sense, and why. This
    /// and the next ones are for those who write a [`Backend`](crate::backend::Backend); what a task ends
    /// with is a [`Failure`](crate::backend::Failure).
    #[must_use]
    pub fn invalid(why: impl Into<String>) -> Error {
        Error::new(Kind::Invalid(why.into()))
    }

    /// An error with [`is_system`](Self::is_system): the system has refused what was needed. `doing` is
    /// what was tried, as in "start a thread".
    #[must_use]
    pub fn system(doing: &'static str, source: std::io::Error) -> Error {
        Error::new(Kind::System { doing, source })
    }

    /// The error of a shutdown that did not come to its end in time; it has
    /// [`is_timeout`](Self::is_timeout).
    #[must_use]
    pub fn shutdown_timed_out() -> Error {
        Error::new(Kind::ShutdownTimedOut)
    }

    /// The task panicked. [`panic_message`](Self::panic_message),
    /// [`panic_location`](Self::panic_location) and [`panic_backtrace`](Self::panic_backtrace) have
    /// the details.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(*self.0.kind, Kind::Panicked(_))
    }

    /// The task was cancelled before it started, or killed while it ran.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(*self.0.kind, Kind::Cancelled | Kind::Killed { .. })
    }

    /// The task exceeded its [deadline](crate::TaskOptions::deadline) and its worker was killed, or
    /// it exceeded its [queue deadline](crate::TaskOptions::queue_deadline) and never started.
    #[must_use]
    pub fn is_deadline(&self) -> bool {
        matches!(*self.0.kind, Kind::Deadline { .. } | Kind::QueueDeadline { .. })
    }

    /// The worker process exceeded its memory limit while it ran the task, and was killed.
    #[must_use]
    pub fn is_memory_limit(&self) -> bool {
        matches!(*self.0.kind, Kind::Memory { .. })
    }

    /// A wait timed out before the task finished. The task continues.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(
            *self.0.kind,
            Kind::TimedOut
                | Kind::MapTimedOut { .. }
                | Kind::NoResultYet
                | Kind::Unfinished { .. }
                | Kind::ShutdownTimedOut
        )
    }

    /// The worker process died while it ran the task, or a [`Process`](crate::Process) died before
    /// it ran its function. [`signal`](Self::signal) or [`exit_code`](Self::exit_code) says how,
    /// [`worker_pid`](Self::worker_pid) which process it was.
    #[must_use]
    pub fn is_worker_death(&self) -> bool {
        #[cfg(target_os = "linux")]
        return self.death().is_some();
        #[cfg(not(target_os = "linux"))]
        return false;
    }

    /// The worker process died because the task overflowed its stack.
    #[must_use]
    pub fn is_stack_overflow(&self) -> bool {
        #[cfg(target_os = "linux")]
        return self.death().is_some_and(Death::is_stack_overflow);
        #[cfg(not(target_os = "linux"))]
        return false;
    }

    /// The position in the input, from 0, if this is the error of an item of a
    /// [`map`](crate::Executor::map).
    ///
    /// ```
    /// use horsepower::{Executor, ThreadPoolExecutor};
    ///
    /// let pool = ThreadPoolExecutor::new()?;
    /// let halves: Result<Vec<_>, _> = pool.map(|n: u64| 10 / n, [5, 2, 0]).collect();
    /// let error = halves.unwrap_err();
    /// assert_eq!(error.item(), Some(2));
    /// assert!(error.to_string().contains("item 2: "));
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    #[must_use]
    pub fn item(&self) -> Option<usize> {
        self.0.item
    }

    /// What came back from the worker makes no sense: the worker process corrupted the memory that it
    /// shares with its parent, and was killed, or a [`Backend`](crate::backend::Backend) received
    /// something that is no answer.
    #[must_use]
    pub fn is_protocol(&self) -> bool {
        matches!(*self.0.kind, Kind::Protocol { .. } | Kind::Damaged(_))
    }

    /// This process is a copy, made by `fork`, of the one that has the executor, the thread or the
    /// process: their threads are not here. Executors that are made in the copy work.
    #[must_use]
    pub fn is_forked(&self) -> bool {
        matches!(*self.0.kind, Kind::Copied)
    }

    /// The pool can no longer start workers.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        matches!(*self.0.kind, Kind::Broken(_))
    }

    /// The program tried to make a process pool but has not called [`init`](crate::init).
    #[must_use]
    pub fn is_not_initialized(&self) -> bool {
        #[cfg(target_os = "linux")]
        return matches!(*self.0.kind, Kind::NotReady(_));
        #[cfg(not(target_os = "linux"))]
        return false;
    }

    /// The task was submitted after the executor was shut down.
    #[must_use]
    pub fn is_shutdown(&self) -> bool {
        matches!(*self.0.kind, Kind::Shutdown)
    }

    /// The argument or the result could not be encoded or decoded.
    #[must_use]
    pub fn is_encoding(&self) -> bool {
        matches!(
            *self.0.kind,
            Kind::ArgumentNotEncoded { .. }
                | Kind::ArgumentNotDecoded { .. }
                | Kind::ResultNotEncoded { .. }
                | Kind::ResultNotDecoded { .. }
        )
    }

    /// The task could not be sent to a worker: there is not enough memory for its argument, or the
    /// location of the program's own code could not be determined.
    #[must_use]
    pub fn is_not_sent(&self) -> bool {
        matches!(*self.0.kind, Kind::NotSent(_))
    }

    /// A setting or a call that makes no sense, such as a pool without workers, or taking a result
    /// twice.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        matches!(*self.0.kind, Kind::Invalid(_) | Kind::Taken | Kind::InOwnCallback)
    }

    /// The operating system refused a resource: a thread, a process, a descriptor. The
    /// [`source`](std::error::Error::source) is a [`std::io::Error`] that says why.
    #[must_use]
    pub fn is_system(&self) -> bool {
        matches!(*self.0.kind, Kind::System { .. })
    }

    /// False only if it is certain that the task's function was not called; then even a task that
    /// is not idempotent can be submitted again. True if that is not certain, and for errors that
    /// belong to no task.
    ///
    /// ```
    /// use horsepower::{Executor, InlineExecutor};
    ///
    /// let executor = InlineExecutor::new();
    /// let divided = executor.submit(|n: i32| 10 / n, 0).result();
    /// assert!(divided.unwrap_err().may_have_begun());
    /// executor.shutdown();
    /// let refused = executor.submit(|n: i32| 10 / n, 5).result();
    /// assert!(!refused.unwrap_err().may_have_begun());
    /// ```
    #[must_use]
    pub fn may_have_begun(&self) -> bool {
        match *self.0.kind {
            _ if self.0.begun => true,
            Kind::ArgumentNotEncoded { .. }
            | Kind::ArgumentNotDecoded { .. }
            | Kind::NotSent(_)
            | Kind::QueueDeadline { .. }
            | Kind::Cancelled
            | Kind::Shutdown => false,
            #[cfg(target_os = "linux")]
            Kind::NeverStarted { .. } | Kind::NotReady(_) => false,
            _ => true,
        }
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

    /// The signal that killed the worker process.
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

    /// The process id of the worker that died, or was killed, with the task.
    #[must_use]
    pub fn worker_pid(&self) -> Option<u32> {
        match *self.0.kind {
            #[cfg(target_os = "linux")]
            Kind::Died(Death { pid, .. }) | Kind::NeverStarted { death: Death { pid, .. }, .. } => {
                Some(pid)
            }
            Kind::Protocol { pid, .. }
            | Kind::Deadline { pid, .. }
            | Kind::Memory { pid, .. }
            | Kind::Killed { pid } => Some(pid),
            _ => None,
        }
    }

    /// The name of the task: the one set in its options, or the path of its function as the
    /// compiler writes it.
    #[must_use]
    pub fn task_name(&self) -> Option<&str> {
        match &self.0.subject {
            #[cfg(target_os = "linux")]
            Some(Subject::Future(Name::Process(_))) => None,
            Some(Subject::Future(name)) => Some(name.as_str()),
            _ => None,
        }
    }

    /// The name of the [`Process`](crate::Process) that the error belongs to.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn process_name(&self) -> Option<&str> {
        match &self.0.subject {
            Some(Subject::Future(Name::Process(name))) => Some(name),
            _ => None,
        }
    }

    /// The name of the [`Thread`](crate::Thread) that the error belongs to.
    #[must_use]
    pub fn thread_name(&self) -> Option<&str> {
        match &self.0.subject {
            Some(Subject::Thread(name)) => Some(name),
            _ => None,
        }
    }

    #[cfg(target_os = "linux")]
    fn death(&self) -> Option<&Death> {
        match &*self.0.kind {
            Kind::Died(death) | Kind::NeverStarted { death, .. } => Some(death),
            _ => None,
        }
    }

    pub(crate) fn panic(&self) -> Option<&PanicReport> {
        match &*self.0.kind {
            Kind::Panicked(report) => Some(report),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.subject {
            #[cfg(target_os = "linux")]
            Some(Subject::Future(Name::Process(name))) => write!(f, "process {name}: ")?,
            Some(Subject::Future(name)) => write!(f, "task {name}: ")?,
            Some(Subject::Thread(name)) => write!(f, "thread {name}: ")?,
            None => {}
        }
        if let Some(item) = self.0.item {
            write!(f, "item {item}: ")?;
        }
        match *self.0.kind {
            Kind::Cancelled if self.0.begun => {
                f.write_str("it was cancelled before it was retried")?;
            }
            _ => self.0.kind.fmt(f)?,
        }
        match self.0.kind.source().filter(|_| f.alternate()) {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

/// The sentence and its cause. `fn main() -> Result<(), horsepower::Error>` prints this.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self:#})")
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.kind.source()
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
        assert_eq!(text(Kind::Cancelled), "task my::task: it was cancelled before it started");
        assert_eq!(
            text(Kind::ResultNotDecoded { type_name: "u8".into(), why: "x".into() }),
            "task my::task: cannot decode the result of type u8: x"
        );
        assert_eq!(
            Error::new(Kind::Invalid("workers must be at least 1".into())).to_string(),
            "workers must be at least 1"
        );
    }

    #[test]
    fn what_was_tried_before_has_begun() {
        let of = |begun| Error::of_future(Kind::Cancelled, "my::task".into(), begun);
        assert!(!of(false).may_have_begun() && of(true).may_have_begun());
        let text = "task my::task: it was cancelled before it was retried";
        assert_eq!(of(true).to_string(), text);
        assert!(of(true).is_cancelled());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_death_can_be_asked_about() {
        let death = Death::new(7, Cause::Signal(11));
        let error = Error::of_task(Kind::Died(death), "t");
        assert!(error.is_worker_death() && !error.is_panic());
        assert_eq!(
            (error.signal(), error.exit_code(), error.worker_pid()),
            (Some(11), None, Some(7))
        );
        assert_eq!(
            error.to_string(),
            "task t: worker process 7 was killed by SIGSEGV (invalid memory access) while running it"
        );
    }
}
