//! [`ThreadBuilder`]: the settings of a thread.

use super::daemon::is_daemon;
use super::shared::{Function, OnPanic, Shared};
use super::stack_size;
use super::{StopToken, Thread};
use crate::error::Error;
use crate::names::Names;
use std::fmt;

static NAMES: Names = Names::new("Thread");

/// Settings for a new [`Thread`].
///
/// ```
/// use horsepower::Thread;
/// use std::sync::mpsc::channel;
///
/// let (say, said) = channel();
/// let thread = Thread::builder()
///     .name("risky")
///     .stack_size(4 << 20)
///     .on_panic(move |error| drop(say.send(error.to_string())))
///     .spawn(|_| panic!("oh"))?;
/// let error: horsepower::Error = thread.join().unwrap_err();
/// assert!(error.is_panic());
/// assert_eq!(said.recv().unwrap(), error.to_string());
/// # Ok::<(), horsepower::Error>(())
/// ```
#[derive(Default)]
#[must_use = "`build` makes the thread, `spawn` starts it too"]
pub struct ThreadBuilder {
    name: String,
    daemon: Option<bool>,
    stack_size: Option<usize>,
    on_panic: Option<OnPanic>,
}

impl ThreadBuilder {
    /// The name of the thread. Default, also for an empty name: `Thread-N`, where `N` counts the
    /// unnamed threads of this process from 1, or `Thread-N (function)` if it runs a named
    /// function. A name with a NUL byte makes [`start`](Thread::start) fail.
    ///
    /// ```
    /// use horsepower::Thread;
    ///
    /// assert_eq!(Thread::builder().name("counter").build(|_| ()).name(), "counter");
    /// assert_eq!(Thread::builder().name("").build(|_| ()).name(), "Thread-1");
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// If true, dropping the handle does not wait for the thread, which then continues on its own,
    /// at most until the program ends. Default: that of the [`Thread`] that creates it, otherwise
    /// false.
    ///
    /// ```
    /// use horsepower::Thread;
    ///
    /// let outer = Thread::builder().daemon(true).spawn(|_| Thread::new(|_| ()).is_daemon())?;
    /// assert!(*outer.get()?);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn daemon(mut self, daemon: bool) -> Self {
        self.daemon = Some(daemon);
        self
    }

    /// The minimum size of its stack in bytes of address space; memory is used only as far as the stack is.
    /// Default: that of the main thread on most systems, 8 MiB; or what the variable `RUST_MIN_STACK` says, if
    /// that is more.
    ///
    /// ```
    /// use horsepower::Thread;
    /// use std::hint::black_box;
    ///
    /// let deep = Thread::builder().stack_size(64 << 20).spawn(|_| black_box([1_u8; 16 << 20])[0])?;
    /// assert_eq!(*deep.get()?, 1);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// Called with a panic of its function, on that thread and before it finishes, instead of the
    /// report on standard error. The error has the location, the message, and the
    /// [name](Error::thread_name) of the thread. A panic in the callback is reported on standard
    /// error and has no other effect.
    ///
    /// ```
    /// use horsepower::Thread;
    /// use std::sync::{Arc, Mutex};
    ///
    /// let seen = Arc::new(Mutex::new(String::new()));
    /// let note = seen.clone();
    /// let thread = Thread::builder()
    ///     .name("risky")
    ///     .on_panic(move |error| {
    ///         let (thread, message) = (error.thread_name(), error.panic_message());
    ///         *note.lock().unwrap() = format!("{}: {}", thread.unwrap(), message.unwrap());
    ///     })
    ///     .spawn(|_| panic!("oh"))?;
    /// assert!(thread.result().is_err_and(|error: horsepower::Error| error.is_panic()));
    /// assert_eq!(*seen.lock().unwrap(), "risky: oh");
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn on_panic(mut self, callback: impl FnOnce(&Error) + Send + 'static) -> Self {
        self.on_panic = Some(Box::new(callback));
        self
    }

    /// Creates the thread without starting it.
    ///
    /// ```
    /// let thread = horsepower::Thread::builder().name("later").build(|_| 1);
    /// assert_eq!(format!("{thread:?}"), "Thread(later, not started)");
    /// ```
    #[must_use = "the thread runs only once it is started"]
    pub fn build<F, T>(self, closure: F) -> Thread<T>
    where
        F: FnOnce(&StopToken) -> T + Send + 'static,
        T: Send + 'static,
    {
        self.make::<F, T>(Box::new(closure))
    }

    /// Creates the thread for a function and its argument, without starting it.
    ///
    /// ```
    /// let thread = horsepower::Thread::builder().build_call(|n: u32, _| n * 2, 21);
    /// thread.run()?;
    /// assert_eq!(*thread.get()?, 42);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    #[must_use = "the thread runs only once it is started"]
    pub fn build_call<F, A, T>(self, function: F, argument: A) -> Thread<T>
    where
        F: FnOnce(A, &StopToken) -> T + Send + 'static,
        A: Send + 'static,
        T: Send + 'static,
    {
        self.make::<F, T>(Box::new(move |stop| function(argument, stop)))
    }

    /// Creates the thread and starts it.
    ///
    /// # Errors
    /// Those of [`Thread::start`].
    ///
    /// ```
    /// let thread = horsepower::Thread::builder().spawn(|_| "at once")?;
    /// assert_eq!(*thread.get()?, "at once");
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn spawn<F, T>(self, closure: F) -> Result<Thread<T>, Error>
    where
        F: FnOnce(&StopToken) -> T + Send + 'static,
        T: Send + 'static,
    {
        let thread = self.build(closure);
        thread.start()?;
        Ok(thread)
    }

    /// Creates the thread for a function and its argument, and starts it.
    ///
    /// # Errors
    /// Those of [`Thread::start`].
    ///
    /// ```
    /// let thread = horsepower::Thread::builder().spawn_call(|n: u32, _| n * 2, 21)?;
    /// assert_eq!(*thread.get()?, 42);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn spawn_call<F, A, T>(self, function: F, argument: A) -> Result<Thread<T>, Error>
    where
        F: FnOnce(A, &StopToken) -> T + Send + 'static,
        A: Send + 'static,
        T: Send + 'static,
    {
        let thread = self.build_call(function, argument);
        thread.start()?;
        Ok(thread)
    }

    /// Creates the thread, named after the function type `F` by default.
    fn make<F, T>(self, function: Function<T>) -> Thread<T> {
        let name = if self.name.is_empty() { NAMES.next::<F>() } else { self.name };
        let daemon = self.daemon.unwrap_or_else(is_daemon);
        Thread::of(Shared::new(
            name,
            daemon,
            self.stack_size.unwrap_or_else(stack_size),
            function,
            self.on_panic,
        ))
    }
}

impl fmt::Debug for ThreadBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadBuilder")
            .field("name", &self.name)
            .field("daemon", &self.daemon)
            .field("stack_size", &self.stack_size)
            .finish_non_exhaustive()
    }
}
