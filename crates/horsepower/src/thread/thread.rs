//! [`Thread`]: the handle of one function on one thread of its own.

use super::shared::Shared;
use super::{StopToken, ThreadBuilder, ThreadState};
use crate::error::Error;
use crate::task::promise::Outcome;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{JoinHandle, ThreadId};
use std::time::Duration;

/// One function on one thread of its own.
///
/// The function is given a [`StopToken`]; what it returns is lent by [`join`](Self::join). A panic
/// in it arrives there as an error, and is said once on standard error: `thread NAME panicked at
/// PLACE: message`. The program goes on.
///
/// # Leaving the scope
/// Dropping the handle waits for the end of the thread, also while unwinding. It does not request a
/// stop: a function that never ends by itself has to be [asked](Self::stop) first. It does not wait
/// - for a [daemon](ThreadBuilder::daemon), which goes on alone, at most until the program ends;
/// - on the thread itself, which cannot wait for its own end.
///
/// A handle that is never dropped waits for nothing: one that is leaked or in a `static`, or when the
/// program ends by [`std::process::exit`].
///
/// ```
/// use horsepower::Thread;
///
/// let thread = Thread::new(|_| 6 * 7); // nothing runs yet
/// thread.start()?;
/// assert_eq!(*thread.get()?, 42);
/// # Ok::<(), horsepower::Error>(())
/// ```
pub struct Thread<T> {
    shared: Arc<Shared<T>>,
    /// The system's thread, until somebody has waited for its very end.
    system: Mutex<Option<JoinHandle<()>>>,
    /// The outcome, once a `join` has taken it.
    kept: OnceLock<Outcome<T>>,
}

impl<T: Send + 'static> Thread<T> {
    /// A thread for this closure, not started. Its name is `Thread-N`, or `Thread-N (function)` for
    /// a named function.
    ///
    /// ```
    /// use horsepower::{StopToken, Thread};
    ///
    /// fn worker(_: &StopToken) {}
    ///
    /// let thread = Thread::new(worker);
    /// assert_eq!(format!("{thread:?}"), "Thread(Thread-1 (worker), not started)");
    /// ```
    #[must_use = "it runs once it is started"]
    pub fn new<F>(closure: F) -> Thread<T>
    where
        F: FnOnce(&StopToken) -> T + Send + 'static,
    {
        ThreadBuilder::default().build(closure)
    }

    /// A thread for this function and its argument, not started. Several arguments are a tuple.
    ///
    /// ```
    /// use horsepower::{StopToken, Thread};
    ///
    /// fn power((base, exponent): (u64, u32), _: &StopToken) -> u64 {
    ///     base.pow(exponent)
    /// }
    ///
    /// let thread = Thread::new_with(power, (2, 10));
    /// thread.start()?;
    /// assert_eq!(*thread.get()?, 1024);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    #[must_use = "it runs once it is started"]
    pub fn new_with<F, A>(function: F, argument: A) -> Thread<T>
    where
        F: FnOnce(A, &StopToken) -> T + Send + 'static,
        A: Send + 'static,
    {
        ThreadBuilder::default().build_with(function, argument)
    }

    /// [`new`](Self::new) and [`start`](Self::start).
    ///
    /// # Errors
    /// Those of [`start`](Self::start).
    ///
    /// ```
    /// use horsepower::Thread;
    ///
    /// let words = vec!["threads", "share", "memory"];
    /// let thread = Thread::spawn(move |_| words.concat().len())?;
    /// assert_eq!(*thread.get()?, 18);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn spawn<F>(closure: F) -> Result<Thread<T>, Error>
    where
        F: FnOnce(&StopToken) -> T + Send + 'static,
    {
        ThreadBuilder::default().spawn(closure)
    }

    /// [`new_with`](Self::new_with) and [`start`](Self::start).
    ///
    /// # Errors
    /// Those of [`start`](Self::start).
    ///
    /// ```
    /// use horsepower::Thread;
    ///
    /// let thread = Thread::spawn_with(|n: u32, _| n + 1, 1)?;
    /// assert_eq!(thread.result()?, 2);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn spawn_with<F, A>(function: F, argument: A) -> Result<Thread<T>, Error>
    where
        F: FnOnce(A, &StopToken) -> T + Send + 'static,
        A: Send + 'static,
    {
        ThreadBuilder::default().spawn_with(function, argument)
    }

    /// Starts the thread; when this returns, the thread has begun.
    ///
    /// # Errors
    /// One with [`is_invalid`](Error::is_invalid) if it was started or [run](Self::run) before, or
    /// if its name has a NUL byte in it. If the system gives no thread, its error is the
    /// [`source`](std::error::Error::source). After either the thread is as it was; in the last case
    /// one may try again.
    ///
    /// ```
    /// let thread = horsepower::Thread::new(|_| ());
    /// thread.start()?;
    /// assert!(thread.start().unwrap_err().is_invalid());
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn start(&self) -> Result<(), Error> {
        let system = self.shared.start()?;
        *self.system.lock().unwrap_or_else(PoisonError::into_inner) = Some(system);
        Ok(())
    }
}

impl Thread<()> {
    /// Settings for a thread. It may return anything: `Thread::builder()` says nothing of that.
    ///
    /// ```
    /// use horsepower::Thread;
    ///
    /// let thread = Thread::builder().name("answer").spawn(|_| 42)?;
    /// assert_eq!((thread.name(), *thread.get()?), ("answer", 42));
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn builder() -> ThreadBuilder {
        ThreadBuilder::default()
    }
}

impl<T> Thread<T> {
    pub(super) fn of(shared: Shared<T>) -> Thread<T> {
        Thread { shared: Arc::new(shared), system: Mutex::default(), kept: OnceLock::new() }
    }

    /// Runs the function on the *calling* thread, and returns when it has ended. No thread is made:
    /// for that there is [`start`](Self::start). [`get`](Self::get) returns the result.
    ///
    /// # Errors
    /// One with [`is_invalid`](Error::is_invalid) if it was run or [started](Self::start) before.
    /// The function's panic: it is the caller's to deal with, so it is not reported on standard
    /// error, and the builder's [`on_panic`](ThreadBuilder::on_panic) is not called.
    ///
    /// ```
    /// use horsepower::Thread;
    /// use std::thread::current;
    ///
    /// let here = current().id();
    /// let thread = Thread::new(move |_| current().id() == here);
    /// thread.run()?;
    /// assert!(*thread.get()?);
    ///
    /// let thread = Thread::new(move |_| current().id() == here);
    /// thread.start()?; // this one has a thread of its own
    /// assert!(!*thread.get()?);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn run(&self) -> Result<(), Error> {
        self.shared.run_here()
    }

    /// How far it is.
    ///
    /// ```
    /// use horsepower::{Thread, thread::ThreadState};
    ///
    /// assert_eq!(Thread::new(|_| ()).state(), ThreadState::NotStarted);
    /// ```
    #[must_use]
    pub fn state(&self) -> ThreadState {
        self.shared.state()
    }

    /// True while its function runs.
    ///
    /// ```
    /// let thread = horsepower::Thread::spawn(|stop| stop.sleep(std::time::Duration::MAX))?;
    /// assert!(thread.is_alive());
    /// thread.stop();
    /// thread.join()?;
    /// assert!(!thread.is_alive());
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.state() == ThreadState::Running
    }

    /// Its name, whole. [`std::thread::Thread::name`] tells it to the function; the system keeps of it
    /// what it has room for: on Linux 15 bytes.
    ///
    /// ```
    /// let thread = horsepower::Thread::spawn(|_| std::thread::current().name().map(str::to_owned))?;
    /// assert_eq!(thread.get()?.as_deref(), Some(thread.name()));
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The thread that its function runs on, or ran on; `None` before.
    ///
    /// ```
    /// let thread = horsepower::Thread::new(|_| std::thread::current().id());
    /// assert_eq!(thread.ident(), None);
    /// thread.start()?;
    /// assert_eq!(Some(*thread.get()?), thread.ident());
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    #[must_use]
    pub fn ident(&self) -> Option<ThreadId> {
        self.shared.ident()
    }

    /// The system's number of the thread that its function runs on, or ran on: what `ps -L`, `top -H`
    /// and debuggers show. After its end the system may give it to another. `None` before the start,
    /// and on systems other than Linux.
    ///
    /// ```
    /// use horsepower::Thread;
    ///
    /// let (here, there) = (Thread::new(|_| ()), Thread::new(|_| ()));
    /// here.run()?; // on the main thread, whose number is that of the process
    /// there.start()?;
    /// # #[cfg(target_os = "linux")] {
    /// assert_eq!(here.native_id(), Some(std::process::id()));
    /// assert_ne!(there.native_id(), Some(std::process::id()));
    /// # }
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    #[must_use]
    pub fn native_id(&self) -> Option<u32> {
        self.shared.native_id()
    }

    /// True if nobody waits for it when its handle is dropped. Set by
    /// [`ThreadBuilder::daemon`]; it cannot be changed later.
    ///
    /// ```
    /// use horsepower::Thread;
    ///
    /// assert!(!Thread::new(|_| ()).is_daemon());
    /// assert!(Thread::builder().daemon(true).build(|_| ()).is_daemon());
    /// ```
    #[must_use]
    pub fn is_daemon(&self) -> bool {
        self.shared.daemon
    }

    /// The token that its function is given. A clone of it lets others request the stop.
    ///
    /// ```
    /// use horsepower::Thread;
    /// use std::time::Duration;
    ///
    /// let worker = Thread::spawn(|stop| stop.sleep(Duration::MAX))?;
    /// let token = worker.stop_token().clone();
    /// let other = Thread::spawn(move |_| token.request_stop())?;
    /// assert!(!*worker.get()?);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    #[must_use]
    pub fn stop_token(&self) -> &StopToken {
        &self.shared.stop
    }

    /// Requests its stop: see [`StopToken::request_stop`]. It returns at once; [`join`](Self::join)
    /// waits for the end.
    ///
    /// ```
    /// let thread = horsepower::Thread::spawn(|stop| {
    ///     while !stop.stop_requested() {
    ///         std::thread::yield_now();
    ///     }
    /// })?;
    /// thread.stop();
    /// thread.join()?;
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn stop(&self) {
        self.shared.stop.request_stop();
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// The function's panic, with [`is_panic`](Error::is_panic), message and place. One with
    /// [`is_invalid`](Error::is_invalid) if it has not been started, or on the thread itself, which
    /// cannot wait for its own end.
    ///
    /// ```
    /// let thread = horsepower::Thread::spawn(|_| println!("on a thread"))?;
    /// thread.join()?;
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn join(&self) -> Result<(), Error> {
        self.get().map(drop)
    }

    /// Like [`join`](Self::join), but waits no longer than `timeout`; zero only looks. It waits for the
    /// function, not for what the thread releases after it.
    ///
    /// # Errors
    /// Those of [`join`](Self::join); and one with [`is_timeout`](Error::is_timeout) if the thread has
    /// not ended in time: it goes on, and one may wait again.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let thread = horsepower::Thread::spawn(|stop| stop.sleep(Duration::MAX))?;
    /// assert!(thread.join_timeout(Duration::from_millis(1)).unwrap_err().is_timeout());
    /// thread.stop();
    /// thread.join_timeout(Duration::from_secs(60))?;
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn join_timeout(&self, timeout: Duration) -> Result<(), Error> {
        self.get_timeout(timeout).map(drop)
    }

    /// Waits for its end, and borrows the result.
    ///
    /// # Errors
    /// Those of [`join`](Self::join).
    ///
    /// ```
    /// let thread = horsepower::Thread::spawn(|_| String::from("done"))?;
    /// assert_eq!(thread.get()?, "done");
    /// assert_eq!(thread.get()?, "done");
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn get(&self) -> Result<&T, Error> {
        self.shared.wait(None)?;
        self.join_system();
        self.lend()
    }

    /// Like [`get`](Self::get), but waits no longer than `timeout`; zero only looks.
    ///
    /// # Errors
    /// Those of [`join_timeout`](Self::join_timeout).
    pub fn get_timeout(&self, timeout: Duration) -> Result<&T, Error> {
        self.shared.wait(Some(timeout))?;
        self.lend()
    }

    /// Waits for its end, and returns the result.
    ///
    /// # Errors
    /// Those of [`join`](Self::join).
    ///
    /// ```
    /// let thread = horsepower::Thread::spawn(|_| vec![1, 2, 3])?;
    /// let numbers: Vec<i32> = thread.result()?;
    /// assert_eq!(numbers.len(), 3);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn result(mut self) -> Result<T, Error> {
        self.shared.wait(None)?;
        self.take()
    }

    /// Like [`result`](Self::result), but waits no longer than `timeout`; zero only looks. Once it has
    /// returned the result, later calls return an error that says so.
    ///
    /// # Errors
    /// Those of [`join_timeout`](Self::join_timeout); one with [`is_invalid`](Error::is_invalid) if the
    /// result was taken before.
    pub fn result_timeout(&mut self, timeout: Duration) -> Result<T, Error> {
        self.shared.wait(Some(timeout))?;
        self.take()
    }

    fn take(&mut self) -> Result<T, Error> {
        self.kept.take().unwrap_or_else(|| self.shared.take_outcome())
    }

    fn lend(&self) -> Result<&T, Error> {
        self.kept.get_or_init(|| self.shared.take_outcome()).as_ref().map_err(Error::clone)
    }

    /// Waits for the very end of the system's thread, which comes after that of the function: the
    /// destructors of its thread-locals run in between.
    fn join_system(&self) {
        if self.shared.is_own_thread() {
            return;
        }
        let mut system = self.system.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(system) = system.take() {
            // Nothing in it panics that is not caught.
            let _ = system.join();
        }
    }
}

impl<T> fmt::Debug for Thread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thread({}, {})", self.name(), self.state())
    }
}

impl<T> Drop for Thread<T> {
    fn drop(&mut self) {
        if !self.shared.daemon {
            self.join_system();
        }
    }
}
