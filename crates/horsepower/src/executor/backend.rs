//! [`Backend`]: what a place to run has to implement; the typed interface stands on top of it.
//!
//! Called by the typed front (`front`, `map_builder`); implemented by the executors of this crate
//! and by those of others.

#[cfg(target_os = "linux")]
use super::Message;
use super::{Call, Control, QueueLimit, ShutdownOptions};
use crate::error::Error;
use horsepower_core::stats::Stats;
use std::ops::Deref;
use std::sync::Arc;

/// A place where tasks run: all that a new executor has to implement.
///
/// Whoever implements this has an [`Executor`](crate::Executor), with `submit`, `task`, `map` and the
/// rest, by itself; so have references, `Arc`s and `Box`es of it, and an
/// [`AnyExecutor`](crate::AnyExecutor) can hold it. The trait can be made into an object: `&dyn Backend`
/// is an executor too.
///
/// What a backend promises: every task that it is given is answered, whatever happens. It need not count
/// for that: a [`Message`](super::Message) or [`Call`] that is dropped without an answer fails its future
/// with an error that says so.
///
/// ```
/// use horsepower::backend::{Backend, Call, CallRunner, Carrier};
/// use horsepower::{Error, Executor, ShutdownOptions, Stats};
///
/// /// A thread for each task.
/// struct Threads;
///
/// impl CallRunner for Threads {
///     fn start(&self, call: Call<'_>) {
///         let call = call.detach();
///         std::thread::spawn(move || call.run());
///     }
/// }
///
/// impl Backend for Threads {
///     fn carrier(&self) -> Carrier<'_> {
///         Carrier::Calls(self)
///     }
///
///     fn parallelism(&self) -> usize {
///         16
///     }
///
///     fn snapshot(&self) -> Stats {
///         Stats::default()
///     }
///
///     fn stop(&self, _how: ShutdownOptions) -> Result<(), Error> {
///         Ok(())
///     }
/// }
///
/// let squares: Result<Vec<u64>, Error> = Threads.map(|n: u64| n * n, 1..=5).collect();
/// assert_eq!(squares?, [1, 4, 9, 16, 25]);
/// # Ok::<(), Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no place where tasks can run",
    note = "an executor implements `horsepower::backend::Backend`; references, `Arc`s and `Box`es of \
            executors are executors too"
)]
pub trait Backend: Send + Sync {
    /// In which form it takes tasks, and who takes them.
    fn carrier(&self) -> Carrier<'_>;

    /// How many tasks can run at the same time: [`Executor::workers`](crate::Executor::workers).
    fn parallelism(&self) -> usize;

    /// What it has done and is doing: [`Executor::stats`](crate::Executor::stats).
    fn snapshot(&self) -> Stats;

    /// Takes no more tasks, and ends as `how` says:
    /// [`Executor::shutdown_with`](crate::Executor::shutdown_with).
    ///
    /// # Errors
    /// Those of that method.
    fn stop(&self, how: ShutdownOptions) -> Result<(), Error>;

    /// True if tasks may ask for this. A task that asks for what its executor cannot do does not run;
    /// its error says so. Default: nothing.
    fn can(&self, what: Capability) -> bool {
        let _ = what;
        false
    }

    /// The limit on the tasks that it takes at a time, if it has one. Those who submit then wait
    /// for room. Default: none.
    fn queue(&self) -> Option<&QueueLimit> {
        None
    }

    /// True on a thread that runs a task or a callback of this executor: there, waiting for room in the
    /// queue could be waiting for itself, so nobody waits. Default: never.
    fn is_inside(&self) -> bool {
        false
    }

    /// Whom the futures of its tasks ask to cancel, to kill, and to help while they wait. Default:
    /// nobody. Then a task can be cancelled until it begins, and that is decided by its future.
    fn control(&self) -> Option<Arc<dyn Control>> {
        None
    }
}

/// In which form a backend takes tasks.
pub enum Carrier<'a> {
    /// As calls in this process. Nothing is encoded.
    Calls(&'a dyn CallRunner),
    /// As bytes: the name of a function of this program, and its encoded argument.
    #[cfg(target_os = "linux")]
    Messages(&'a dyn MessageRunner),
}

/// A backend that runs tasks in this process.
pub trait CallRunner: Send + Sync {
    /// Runs the task, now or later. Must not block longer than that takes.
    fn start(&self, call: Call<'_>);
}

/// A backend that sends tasks to other processes.
#[cfg(target_os = "linux")]
pub trait MessageRunner: Send + Sync {
    /// Has the task run. Must not block, nor call code of the user.
    fn start(&self, message: Message);
}

/// What a task may ask for that not every place to run can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// [`TaskOptions::deadline`](crate::TaskOptions::deadline): to end a task that runs.
    Deadline,
    /// [`TaskOptions::queue_deadline`](crate::TaskOptions::queue_deadline): to give up a task that
    /// waits.
    QueueDeadline,
    /// [`TaskOptions::retries`](crate::TaskOptions::retries): to run a task again.
    Retries,
    /// [`TaskOptions::capture_output`](crate::TaskOptions::capture_output): to keep what a task prints.
    CaptureOutput,
}

/// Whatever points to a backend is one: a reference, a `Box`, an `Arc`.
impl<P> Backend for P
where
    P: Deref + Send + Sync,
    P::Target: Backend,
{
    fn carrier(&self) -> Carrier<'_> {
        (**self).carrier()
    }

    fn parallelism(&self) -> usize {
        (**self).parallelism()
    }

    fn snapshot(&self) -> Stats {
        (**self).snapshot()
    }

    fn stop(&self, how: ShutdownOptions) -> Result<(), Error> {
        (**self).stop(how)
    }

    fn can(&self, what: Capability) -> bool {
        (**self).can(what)
    }

    fn queue(&self) -> Option<&QueueLimit> {
        (**self).queue()
    }

    fn is_inside(&self) -> bool {
        (**self).is_inside()
    }

    fn control(&self) -> Option<Arc<dyn Control>> {
        (**self).control()
    }
}
