//! [`TaskFuture`]: the answer of a task, now or later.

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

/// The answer of a task that was given to an [`Executor`](crate::Executor): its result, or the
/// [`Error`] that says why there is none.
///
/// Every future is answered, exactly once, whatever happens to the task or its worker. Dropping the
/// future changes nothing for the task; [`cancel`](Self::cancel) does. It can also be awaited, on
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
#[must_use = "a task's error is seen only if its future is asked"]
pub struct TaskFuture<T> {
    promise: Arc<Promise<T>>,
    /// The outcome, once `get` has taken it.
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

    /// Waits for the task to end, and returns its result.
    ///
    /// A thread that waits for a task of a process pool collects replies itself, so this is also the
    /// fastest way to get one.
    ///
    /// # Errors
    /// Why there is no result: the task panicked, its worker died, it was cancelled, …
    pub fn result(mut self) -> Result<T, Error> {
        self.take_by(None)
    }

    /// Like [`result`](Self::result), but waits no longer than `timeout`; zero only looks.
    ///
    /// # Errors
    /// Those of [`result`](Self::result); and one with [`is_timeout`](Error::is_timeout) if the task
    /// has not ended in time: it goes on, and one may wait again. Once a result has been returned, a
    /// further call says that it was taken.
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

    /// Waits until the task has ended, no longer than until `deadline`.
    #[cfg(target_os = "linux")]
    pub(crate) fn wait_by(&self, deadline: Option<Instant>) -> Result<(), Error> {
        self.promise.wait(deadline)
    }

    /// What is said of a wait that was too short.
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

    /// Waits for the task to end, and lends its result: as often as wanted, to as many threads as
    /// share this future.
    ///
    /// # Errors
    /// Those of [`result`](Self::result).
    pub fn get(&self) -> Result<&T, Error> {
        self.get_by(None)
    }

    /// Like [`get`](Self::get), but waits no longer than `timeout`; zero only looks.
    ///
    /// # Errors
    /// Those of [`get`](Self::get); and one with [`is_timeout`](Error::is_timeout) if the task has not
    /// ended in time: it goes on, and one may wait again.
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

    /// Waits for the task to end, and returns the error if it failed.
    #[doc(alias = "exception")]
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        // Without a limit of time it cannot be late.
        self.promise.wait_for_error(None).unwrap_or_else(Some)
    }

    /// Like [`error`](Self::error), but waits no longer than `timeout`.
    ///
    /// # Errors
    /// One with [`is_timeout`](Error::is_timeout) if the task has not ended in time.
    pub fn error_timeout(&self, timeout: Duration) -> Result<Option<Error>, Error> {
        self.promise.wait_for_error(deadline(timeout))
    }

    /// Cancels the task if it has not begun; then it never runs, and the future ends with an error
    /// for which [`is_cancelled`](Error::is_cancelled) holds. True if the task is cancelled, by this
    /// call or an earlier one; false if it has begun or ended, which changes nothing.
    pub fn cancel(&self) -> bool {
        self.promise.cancel()
    }

    /// Cancels the task if it has not begun; if it runs in a worker process, ends that process, which is
    /// replaced. The future ends with an error for which [`is_cancelled`](Error::is_cancelled) holds.
    /// False: it has ended, or runs in this process, where nothing can end it; that changes nothing.
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

    /// What the task is called: the name that it was given, or the path of its function.
    #[must_use]
    pub fn name(&self) -> &str {
        self.promise.task.as_str()
    }

    /// What the task has printed, once it has ended, if that was asked for with
    /// [`capture_output`](crate::TaskOptions::capture_output); also if it failed, its worker died, or
    /// was ended. After a retry it is that of the last try.
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

    /// Where the promise is: the same for the same task.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.promise).addr()
    }

    pub(crate) fn watch(&self, watch: &Arc<Watch>, number: usize) {
        self.promise.watch(watch, number);
    }

    pub(crate) fn unwatch(&self, watch: &Arc<Watch>) {
        self.promise.unwatch(watch);
    }

    /// The error with which the task has ended, if it has.
    pub(crate) fn error_now(&self) -> Option<Error> {
        self.promise.error_now()
    }

    /// If the task has ended, waits until everybody who watches it has been told; not long, and not for a
    /// thread that is busy with something else.
    pub(crate) fn ended_by(&self, patience: Instant) -> bool {
        if !self.promise.is_over() && self.is_done() && Instant::now() < patience {
            // There is nothing to help with any more.
            let _ = self.promise.sleep(Some(patience));
        }
        self.promise.has_ended()
    }

    /// True if the task has ended, in whichever way.
    #[must_use]
    #[doc(alias = "done")]
    pub fn is_done(&self) -> bool {
        self.promise.is_done()
    }

    /// True if the task has begun and not ended.
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

    /// Calls `callback` with the outcome when the task has ended; at once, on this thread, if it has
    /// already. Callbacks are called in the order in which they were added, before waiters get the
    /// result. One that panics is reported on standard error and disturbs nothing.
    ///
    /// A process pool calls the callbacks of its tasks on a thread of their own, in the order of the ends. A
    /// slow one delays the result of its own future, and nothing else: no deadline, no other task, nobody
    /// who waits; and other callbacks for a moment only, then they are called beside it, on a thread more. So
    /// it may wait for whatever it likes. On threads and in line a callback is called where its task ran,
    /// which it keeps from the next task; and the one who cancels a task calls its callbacks. In a callback
    /// of its own future
    /// [`error`](Self::error) answers at once; the result is lent to the callback, and cannot be
    /// had otherwise meanwhile. Where the result was taken before the callback is added, it is called
    /// with an error that says so.
    ///
    /// ```
    /// use horsepower::{Executor, InlineExecutor};
    ///
    /// let future = InlineExecutor::new().submit(|n: i32| n + 1, 1);
    /// future.add_done_callback(|outcome| assert_eq!(outcome.as_ref().unwrap(), &2));
    /// ```
    pub fn add_done_callback(&self, callback: impl FnOnce(&Result<T, Error>) + Send + 'static) {
        if let Some(callback) = self.promise.add_callback(Box::new(callback)) {
            // Another thread may just be about to set it.
            self.promise.call(callback, self.kept.wait());
        }
    }
}

/// A future of a task, owned or lent, alone or as the second of a pair: what [`wait`](crate::wait()) and
/// [`as_completed`](crate::as_completed()) take.
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

/// With whatever belongs to it: so that one knows which it is.
impl<K, F: AsTaskFuture> AsTaskFuture for (K, F) {
    type Output = F::Output;

    fn task_future(&self) -> &TaskFuture<F::Output> {
        self.1.task_future()
    }
}

impl<K, F: AsTaskFuture> sealed::Sealed for (K, F) {}

/// By way of what points to one.
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

/// The instant that is `timeout` from now; none if that is beyond what the clock can say.
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
