//! [`Thread`]: the handle of one function on its own thread.

use super::shared::Shared;
use super::{StopToken, ThreadBuilder, ThreadState};
use crate::error::Error;
use crate::task::promise::Outcome;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{JoinHandle, ThreadId};
use std::time::Duration;

/// One function on its own thread.
///
/// The function receives a [`StopToken`]; [`get`](Self::get) borrows its result. A panic in it
/// becomes an error there, and is reported once on standard error: `thread NAME panicked at PLACE:
/// message`. The program continues.
///
/// # Leaving the scope
///
/// Dropping the handle waits until the thread has finished, also while unwinding. It does not
/// request a stop: a function that never returns on its own must be [asked to stop](Self::stop)
/// first. The drop does not wait
///
/// - for a [daemon](ThreadBuilder::daemon), which continues on its own, at most until the program
///   ends;
/// - on the thread itself, which cannot wait for itself.
///
/// A handle that is never dropped waits for nothing: a leaked one, one in a `static`, or any when
/// the program ends by [`std::process::exit`].
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
    /// The system's thread, until it has been joined.
    system: Mutex<Option<JoinHandle<()>>>,
    /// The outcome, once `get` has moved it here.
    kept: OnceLock<Outcome<T>>,
}

impl<T: Send + 'static> Thread<T> {
    /// Creates a thread for this closure without starting it. Its name is `Thread-N`, or `Thread-N
    /// (function)` for a named function.
    ///
    /// ```
    /// use horsepower::{StopToken, Thread};
    ///
    /// fn worker(_: &StopToken) {}
    ///
    /// let thread = Thread::new(worker);
    /// assert_eq!(format!("{thread:?}"), "Thread(Thread-1 (worker), not started)");
    /// ```
    #[must_use = "the thread runs only once it is started"]
    pub fn new<F>(closure: F) -> Thread<T>
    where
        F: FnOnce(&StopToken) -> T + Send + 'static,
    {
        ThreadBuilder::default().build(closure)
    }

    /// Creates a thread for this function and its argument without starting it. A tuple carries
    /// several arguments.
    ///
    /// ```
    /// use horsepower::{StopToken, Thread};
    ///
    /// fn power((base, exponent): (u64, u32), _: &StopToken) -> u64 {
    ///     base.pow(exponent)
    /// }
    ///
    /// let thread = Thread::new_call(power, (2, 10));
    /// thread.start()?;
    /// assert_eq!(*thread.get()?, 1024);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    #[must_use = "the thread runs only once it is started"]
    pub fn new_call<F, A>(function: F, argument: A) -> Thread<T>
    where
        F: FnOnce(A, &StopToken) -> T + Send + 'static,
        A: Send + 'static,
    {
        ThreadBuilder::default().build_call(function, argument)
    }

    /// Combines [`new`](Self::new) and [`start`](Self::start).
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

    /// Combines [`new_call`](Self::new_call) and [`start`](Self::start).
    ///
    /// # Errors
    /// Those of [`start`](Self::start).
    ///
    /// ```
    /// use horsepower::Thread;
    ///
    /// let thread = Thread::spawn_call(|n: u32, _| n + 1, 1)?;
    /// assert_eq!(thread.result()?, 2);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn spawn_call<F, A>(function: F, argument: A) -> Result<Thread<T>, Error>
    where
        F: FnOnce(A, &StopToken) -> T + Send + 'static,
        A: Send + 'static,
    {
        ThreadBuilder::default().spawn_call(function, argument)
    }

    /// Starts the thread, and returns once it is running.
    ///
    /// # Errors
    /// An error with [`is_invalid`](Error::is_invalid) if it was already started or
    /// [run](Self::run), or if its name contains a NUL byte. If the system cannot start a thread,
    /// its error is the [`source`](std::error::Error::source). An error leaves the thread as it
    /// was; in the last case it can be started again.
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
    /// Settings for a new thread. The type of its result does not matter here: write
    /// `Thread::builder()`.
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

    /// Runs the function on the *calling* thread, and returns when it has finished. No thread is
    /// created; [`start`](Self::start) does that. [`get`](Self::get) returns the result.
    ///
    /// # Errors
    /// An error with [`is_invalid`](Error::is_invalid) if it was already run or
    /// [started](Self::start). A panic of the function: the caller handles it, so it is not
    /// reported on standard error, and the builder's [`on_panic`](ThreadBuilder::on_panic) is not
    /// called.
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

    /// The state of the thread.
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

    /// True while its function is running.
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

    /// Its full name. The function gets it from [`std::thread::Thread::name`]; the system truncates
    /// it, on Linux to 15 bytes.
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

    /// The thread on which its function runs or ran; `None` before that.
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

    /// The system's number of the thread on which its function runs or ran, as shown by `ps -L`,
    /// `top -H` and debuggers. After the thread has finished, the system may reuse it. `None`
    /// before the start, and on systems other than Linux.
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

    /// True if dropping the handle does not wait for the thread. Set by [`ThreadBuilder::daemon`];
    /// it cannot be changed later.
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

    /// The token that its function receives. Clone it to let other threads request the stop.
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

    /// Requests a stop: see [`StopToken::request_stop`]. It returns at once; [`join`](Self::join)
    /// waits.
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

    /// Waits until the thread has finished.
    ///
    /// # Errors
    /// A panic of the function, with [`is_panic`](Error::is_panic), message and location. An error
    /// with [`is_invalid`](Error::is_invalid) if the thread has not been started, or if it is
    /// called on the thread itself, which cannot wait for itself.
    ///
    /// ```
    /// let thread = horsepower::Thread::spawn(|_| println!("on a thread"))?;
    /// thread.join()?;
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn join(&self) -> Result<(), Error> {
        self.get().map(drop)
    }

    /// Like [`join`](Self::join), but waits `timeout` at most; zero does not wait. It waits for the
    /// function, not for the destructors of thread-locals that run after it.
    ///
    /// # Errors
    /// Those of [`join`](Self::join), and an error with [`is_timeout`](Error::is_timeout) if the
    /// thread does not finish in time. It continues and can be waited for again.
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

    /// Waits until the thread has finished, and borrows the result.
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

    /// Like [`get`](Self::get), but waits `timeout` at most; zero does not wait.
    ///
    /// # Errors
    /// Those of [`join_timeout`](Self::join_timeout).
    pub fn get_timeout(&self, timeout: Duration) -> Result<&T, Error> {
        self.shared.wait(Some(timeout))?;
        self.lend()
    }

    /// Waits until the thread has finished, and returns the result.
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

    /// Like [`result`](Self::result), but waits `timeout` at most; zero does not wait. Once it has
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

    /// Waits until the system's thread has exited, which is later than the end of the function: the
    /// destructors of its thread-locals run in between.
    fn join_system(&self) {
        if self.shared.is_own_thread() {
            return;
        }
        let mut system = self.system.lock().unwrap_or_else(PoisonError::into_inner);
        if self.shared.is_copy() {
            // There is no such thread here.
            return std::mem::forget(system.take());
        }
        if let Some(system) = system.take() {
            // It catches every panic.
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
