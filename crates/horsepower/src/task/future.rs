//! [`TaskFuture`]: the answer of a task, which may still be pending.

use crate::error::{Error, Kind, Name};
use crate::task::TaskOutput;
use crate::task::promise::{Outcome, Promise};
use crate::task::watch::Watch;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The answer of a task that was submitted to an [`Executor`](crate::Executor): its result, or the
/// [`Error`] that says why there is none.
///
/// Every future is answered exactly once, whatever happens to the task or its worker. Dropping the
/// future does not affect the task; [`cancel`](Self::cancel) does. A future can also be awaited, on
/// any runtime.
///
/// ```
/// use horsepower::{Executor, ThreadPoolExecutor};
///
/// let pool = ThreadPoolExecutor::new()?;
/// let future = pool.submit(|(base, exponent)| u64::pow(base, exponent), (2, 10));
/// assert_eq!(future.result()?, 1024);
/// # Ok::<(), horsepower::Error>(())
/// ```
#[must_use = "a task's error is seen only if its future is read"]
pub struct TaskFuture<T> {
    promise: Arc<Promise<T>>,
    /// The outcome, once `get` has moved it here.
    kept: OnceLock<Outcome<T>>,
}

impl<T> TaskFuture<T> {
    pub(crate) fn new(promise: Arc<Promise<T>>) -> TaskFuture<T> {
        TaskFuture { promise, kept: OnceLock::new() }
    }

    /// The future of a task that was refused.
    pub(crate) fn failed(name: impl Into<Name>, kind: Kind) -> TaskFuture<T> {
        let promise = Promise::new(name, None);
        promise.fail(kind);
        TaskFuture::new(Arc::new(promise))
    }

    /// Waits for the task to finish and returns its result.
    ///
    /// A thread that waits for a task of a process pool collects replies itself, so this is also
    /// the fastest way to get one.
    ///
    /// # Errors
    /// Why there is no result: the task panicked, its worker died, it was cancelled, …
    pub fn result(mut self) -> Result<T, Error> {
        self.take_by(None)
    }

    /// Like [`result`](Self::result), but waits `timeout` at most; zero does not wait.
    ///
    /// # Errors
    /// Those of [`result`](Self::result), and an error with [`is_timeout`](Error::is_timeout) if
    /// the task does not finish in time. The task continues and can be waited for again. Once this
    /// has returned the result, later calls return an error that says so.
    ///
    /// ```
    /// use horsepower::{Executor, ThreadPoolExecutor};
    /// use std::{thread::sleep, time::Duration};
    ///
    /// let pool = ThreadPoolExecutor::new()?;
    /// let mut future = pool.submit(|millis| sleep(Duration::from_millis(millis)), 20);
    /// assert!(future.result_timeout(Duration::ZERO).unwrap_err().is_timeout());
    /// future.result_timeout(Duration::from_secs(60))?;
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn result_timeout(&mut self, timeout: Duration) -> Result<T, Error> {
        self.take_by(deadline(timeout))
    }

    /// Waits until the task has finished, or until `deadline`.
    #[cfg(target_os = "linux")]
    pub(crate) fn wait_by(&self, deadline: Option<Instant>) -> Result<(), Error> {
        self.promise.wait(deadline)
    }

    /// The error of a wait that timed out.
    #[cfg(target_os = "linux")]
    pub(crate) fn timed_out(&self) -> Error {
        self.promise.error(Kind::TimedOut)
    }

    pub(crate) fn result_by(&mut self, deadline: Instant) -> Result<T, Error> {
        self.take_by(Some(deadline))
    }

    fn take_by(&mut self, deadline: Option<Instant>) -> Outcome<T> {
        if let Some(kept) = self.kept.take() {
            self.promise.gave_away();
            return kept;
        }
        self.promise.wait(deadline)?;
        self.promise.take()
    }

    /// Waits for the task to finish and borrows its result. It can be called repeatedly, and by all
    /// threads that share this future.
    ///
    /// # Errors
    /// Those of [`result`](Self::result).
    pub fn get(&self) -> Result<&T, Error> {
        self.get_by(None)
    }

    /// Like [`get`](Self::get), but waits `timeout` at most; zero does not wait.
    ///
    /// # Errors
    /// Those of [`get`](Self::get), and an error with [`is_timeout`](Error::is_timeout) if the task
    /// does not finish in time. The task continues and can be waited for again.
    pub fn get_timeout(&self, timeout: Duration) -> Result<&T, Error> {
        self.get_by(deadline(timeout))
    }

    fn get_by(&self, deadline: Option<Instant>) -> Result<&T, Error> {
        let outcome = match self.kept.get() {
            Some(outcome) => outcome,
            None => {
                self.promise.wait(deadline)?;
                self.kept.get_or_init(|| self.promise.take_to_keep())
            }
        };
        outcome.as_ref().map_err(Clone::clone)
    }

    /// Waits for the task to finish and returns its error if it failed.
    #[doc(alias = "exception")]
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        // Without a deadline the wait cannot time out.
        self.promise.wait_for_error(None).unwrap_or_else(Some)
    }

    /// Like [`error`](Self::error), but waits `timeout` at most.
    ///
    /// # Errors
    /// An error with [`is_timeout`](Error::is_timeout) if the task does not finish in time.
    pub fn error_timeout(&self, timeout: Duration) -> Result<Option<Error>, Error> {
        self.promise.wait_for_error(deadline(timeout))
    }

    /// Cancels the task if it has not started. It then never runs, and its error has
    /// [`is_cancelled`](Error::is_cancelled). Returns true if the task is cancelled, by this call
    /// or an earlier one; false if it has started or finished, in which case nothing changes.
    pub fn cancel(&self) -> bool {
        self.promise.cancel()
    }

    /// Cancels the task if it has not started; if it runs in a worker process, kills that process,
    /// which the pool replaces. The error of the task has [`is_cancelled`](Error::is_cancelled).
    /// Returns false if the task has finished, or runs in this process, where nothing can stop it;
    /// in that case nothing changes.
    ///
    /// ```
    /// use horsepower::{Executor, ProcessPoolExecutor};
    /// use std::{thread::sleep, time::Duration};
    ///
    /// horsepower::init();
    /// let pool = ProcessPoolExecutor::with_workers(1)?;
    /// let future = pool.submit(|seconds| sleep(Duration::from_secs(seconds)), 3600);
    /// assert!(future.kill());
    /// assert!(future.result().unwrap_err().is_cancelled());
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn kill(&self) -> bool {
        self.promise.kill()
    }

    /// The name of the task: the one set in its options, or the path of its function.
    #[must_use]
    pub fn name(&self) -> &str {
        self.promise.task.as_str()
    }

    /// What the task printed, once it has finished, if
    /// [`capture_output`](crate::TaskOptions::capture_output) was set. It is there even if the task
    /// failed, or if its worker died or was killed. After a retry it is the output of the last
    /// attempt.
    ///
    /// ```
    /// use horsepower::{Executor, ProcessPoolExecutor};
    ///
    /// horsepower::init();
    /// let pool = ProcessPoolExecutor::with_workers(1)?;
    /// let future = pool.task(|name: String| println!("Hello {name}"), "you".to_owned()).capture_output().submit();
    /// future.get()?;
    /// assert_eq!(future.output().unwrap().stdout, b"Hello you\n");
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    #[must_use]
    pub fn output(&self) -> Option<&TaskOutput> {
        self.promise.output()
    }

    /// The address of the promise, which is the same for the same task.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.promise).addr()
    }

    pub(crate) fn run_if_queued(&self) -> bool {
        self.promise.run_if_queued()
    }

    pub(crate) fn watch(&self, watch: &Arc<Watch>, number: usize) {
        self.promise.watch(watch, number);
    }

    pub(crate) fn unwatch(&self, watch: &Arc<Watch>) {
        self.promise.unwatch(watch);
    }

    /// The error of the task, if it has failed.
    pub(crate) fn error_now(&self) -> Option<Error> {
        self.promise.error_now()
    }

    /// If the task has finished, waits until everybody who watches it has been notified. That takes
    /// a moment at most: `patience` ends the wait if the notifying thread is busy with something
    /// else.
    pub(crate) fn ended_by(&self, patience: Instant) -> bool {
        if !self.promise.is_over() && self.is_done() && Instant::now() < patience {
            // A finished task needs no more help.
            let _ = self.promise.sleep(Some(patience));
        }
        self.promise.has_ended()
    }

    /// True if the task has finished: it returned, failed, or was cancelled.
    #[must_use]
    #[doc(alias = "done")]
    pub fn is_done(&self) -> bool {
        self.promise.is_done()
    }

    /// True if the task has started and not finished.
    #[must_use]
    #[doc(alias = "running")]
    pub fn is_running(&self) -> bool {
        self.promise.is_running()
    }

    /// True if the task was cancelled.
    #[must_use]
    #[doc(alias = "cancelled")]
    pub fn is_cancelled(&self) -> bool {
        self.promise.is_cancelled()
    }

    /// Calls `callback` with the outcome when the task finishes; at once, on this thread, if it has
    /// already finished. Callbacks are called in the order in which they were added, before waiters
    /// get the result. If one panics, the panic is printed on standard error and has no other
    /// effect.
    ///
    /// A process pool calls the callbacks of its tasks on separate threads, in the order in which
    /// the tasks finish. A slow callback delays only the result of its own future: no deadline, no
    /// other task, no waiting thread. Other callbacks wait for it a moment at most, then another
    /// thread calls them. So a callback may wait for anything. On threads and in line, a callback
    /// is called where its task ran and delays the next task there; whoever cancels a task calls
    /// its callbacks.
    ///
    /// In a callback of its own future, [`error`](Self::error) returns at once; the result is
    /// borrowed by the callback, and the future does not give it out meanwhile. If the result was
    /// taken before the callback was added, the callback gets an error that says so.
    ///
    /// ```
    /// use horsepower::{Executor, InlineExecutor};
    ///
    /// let future = InlineExecutor::new().submit(|n: i32| n + 1, 1);
    /// future.add_done_callback(|outcome| assert_eq!(outcome.as_ref().unwrap(), &2));
    /// ```
    pub fn add_done_callback(&self, callback: impl FnOnce(&Result<T, Error>) + Send + 'static) {
        if let Some(callback) = self.promise.add_callback(Box::new(callback)) {
            // Another thread may be about to set it.
            self.promise.call(callback, self.kept.wait());
        }
    }
}

/// A future of a task, owned or borrowed, alone or as the second element of a pair: what
/// [`wait`](crate::wait()) and [`as_completed`](crate::as_completed()) take.
///
/// ```
/// use horsepower::{Executor, ThreadPoolExecutor, as_completed};
///
/// let pool = ThreadPoolExecutor::with_workers(2)?;
/// let words = ["as", "they", "come"];
/// let lengths = words.map(|word| (word, pool.submit(|word: String| word.len(), word.to_owned())));
/// for (word, length) in as_completed(lengths) {
///     assert_eq!(length.result()?, word.len());
/// }
/// # Ok::<(), horsepower::Error>(())
/// ```
pub trait AsTaskFuture: sealed::Sealed {
    /// What the task returns.
    type Output;

    /// The future.
    fn task_future(&self) -> &TaskFuture<Self::Output>;
}

impl<T> AsTaskFuture for TaskFuture<T> {
    type Output = T;

    fn task_future(&self) -> &TaskFuture<T> {
        self
    }
}

mod sealed {
    pub trait Sealed {}
    impl<T> Sealed for super::TaskFuture<T> {}
}

/// A future paired with a key that identifies it.
impl<K, F: AsTaskFuture> AsTaskFuture for (K, F) {
    type Output = F::Output;

    fn task_future(&self) -> &TaskFuture<F::Output> {
        self.1.task_future()
    }
}

impl<K, F: AsTaskFuture> sealed::Sealed for (K, F) {}

/// References and smart pointers to a future.
macro_rules! as_task_future_by {
    ($($pointer:ty),*) => {$(
        impl<F: AsTaskFuture> sealed::Sealed for $pointer {}

        impl<F: AsTaskFuture> AsTaskFuture for $pointer {
            type Output = F::Output;

            fn task_future(&self) -> &TaskFuture<F::Output> {
                (**self).task_future()
            }
        }
    )*};
}

as_task_future_by!(&F, &mut F, Box<F>, Arc<F>, std::rc::Rc<F>);

/// The instant `timeout` from now; `None` if the clock cannot represent it, which means forever.
fn deadline(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}

impl<T> Future for TaskFuture<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.kept.take() {
            Some(outcome) => {
                self.promise.gave_away();
                Poll::Ready(outcome)
            }
            None => self.promise.poll(context),
        }
    }
}

impl<T> Unpin for TaskFuture<T> {}

impl<T> fmt::Debug for TaskFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.kept.get() {
            Some(Ok(_)) => "returned",
            Some(Err(_)) => "failed",
            None => {
                return write!(f, "TaskFuture({}: {})", self.promise.task, self.promise.state());
            }
        };
        write!(f, "TaskFuture({}: {state})", self.promise.task)
    }
}

impl<T> Drop for TaskFuture<T> {
    fn drop(&mut self) {
        self.promise.abandon();
    }
}
