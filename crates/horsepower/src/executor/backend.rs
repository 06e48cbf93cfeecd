//! [`Backend`]: the trait that a place to run implements. The typed interface is written on top of it.
//!
//! The typed front (`front`, `map_builder`) calls it. The executors of this crate implement it, and so
//! do executors of other crates.

#[cfg(target_os = "linux")]
use super::Message;
use super::{Call, Control, QueueLimit, ShutdownOptions};
use crate::error::Error;
use horsepower_core::stats::Stats;
use std::ops::Deref;
use std::sync::Arc;

/// A place where tasks run: all that a new executor has to implement.
///
/// A type that implements `Backend` is an [`Executor`](crate::Executor), with `submit`, `task`, `map` and
/// the rest. References, `Arc`s and `Box`es of it are executors too, and
/// [`AnyExecutor`](crate::AnyExecutor) can hold it. The trait is object-safe: `&dyn Backend` is an
/// executor.
///
/// A backend must answer every task that it is given. A [`Message`](super::Message) or [`Call`] that is
/// dropped without an answer fails its future with an error that says so, so no future waits forever.
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
    message = "`{Self}` is not an executor",
    note = "executors implement `horsepower::backend::Backend`; references, `Arc`s and `Box`es of \
            executors are executors too"
)]
pub trait Backend: Send + Sync {
    /// The form in which it takes tasks, and the object that takes them.
    fn carrier(&self) -> Carrier<'_>;

    /// How many tasks can run at the same time: [`Executor::workers`](crate::Executor::workers).
    fn parallelism(&self) -> usize;

    /// What it has done and is doing: [`Executor::stats`](crate::Executor::stats).
    fn snapshot(&self) -> Stats;

    /// Stops accepting tasks, and shuts down as `how` says:
    /// [`Executor::shutdown_with`](crate::Executor::shutdown_with).
    ///
    /// # Errors
    /// Those of that method.
    fn stop(&self, how: ShutdownOptions) -> Result<(), Error>;

    /// True if tasks may use this option. A task with an option that its executor does not support does
    /// not run; its error says so. Default: no option is supported.
    fn can(&self, what: Capability) -> bool {
        let _ = what;
        false
    }

    /// The limit on queued and running tasks, if there is one. `submit` then waits for room. Default:
    /// none.
    fn queue(&self) -> Option<&QueueLimit> {
        None
    }

    /// True on a thread that runs a task or a callback of this executor. There, `submit` does not wait for
    /// room in the queue, because it could wait for itself. Default: never.
    fn is_inside(&self) -> bool {
        false
    }

    /// The object that futures call to cancel, kill and watch their tasks. Default: none. Then a future
    /// can be cancelled until its task starts; a backend that takes messages reports that with
    /// [`Reply::begin`](super::Reply::begin).
    fn control(&self) -> Option<Arc<dyn Control>> {
        None
    }
}

/// The form in which a backend takes tasks.
pub enum Carrier<'a> {
    /// As calls in this process. Nothing is encoded.
    Calls(&'a dyn CallRunner),
    /// As bytes: the name of a function of this program, and its encoded argument.
    #[cfg(target_os = "linux")]
    Messages(&'a dyn MessageRunner),
}

/// A backend that runs tasks in this process.
pub trait CallRunner: Send + Sync {
    /// Runs the task, now or later.
    fn start(&self, call: Call<'_>);
}

/// A backend that sends tasks to other processes.
#[cfg(target_os = "linux")]
pub trait MessageRunner: Send + Sync {
    /// Sends the task. It must not block, and must not run user code.
    fn start(&self, message: Message);
}

/// An option of a task that not every executor supports.
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

/// A pointer to a backend is a backend: a reference, a `Box`, an `Arc`.
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
