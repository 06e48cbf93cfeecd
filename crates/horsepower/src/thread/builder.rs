//! [`ThreadBuilder`]: settings of a thread that is to be made.

use super::daemon::is_daemon;
use super::shared::{Function, OnPanic, Shared};
use super::{StopToken, Thread};
use crate::error::Error;
use crate::names::Names;
use std::fmt;

static NAMES: Names = Names::new("Thread");

/// Settings of a [`Thread`] that is to be made.
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
    /// What the thread is called. Default, and for an empty name: `Thread-N`, where `N` counts the
    /// threads of this process that were given none, from 1; `Thread-N (function)` if it runs a
    /// named function. A name with a NUL byte is an error at the [start](Thread::start).
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

    /// Whether nobody waits for the thread when its handle is dropped; then it goes on alone, at
    /// most until the program ends. Default: as the [`Thread`] that makes it, and else false.
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

    /// The size of its stack in bytes, at least. Default: that of the standard library, 2 MiB or
    /// what `RUST_MIN_STACK` says.
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

    /// What is called with a panic of its function, on the thread and before its end, instead of the
    /// report on standard error. The error says where and why, and [which](Error::thread_name) thread. A
    /// panic in the callback is reported on standard error and changes nothing.
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

    /// Makes the thread; it is not started.
    ///
    /// ```
    /// let thread = horsepower::Thread::builder().name("later").build(|_| 1);
    /// assert_eq!(format!("{thread:?}"), "Thread(later, not started)");
    /// ```
    #[must_use = "it runs once it is started"]
    pub fn build<F, T>(self, closure: F) -> Thread<T>
    where
        F: FnOnce(&StopToken) -> T + Send + 'static,
        T: Send + 'static,
    {
        self.make::<F, T>(Box::new(closure))
    }

    /// Makes the thread for a function and its argument; it is not started.
    ///
    /// ```
    /// let thread = horsepower::Thread::builder().build_with(|n: u32, _| n * 2, 21);
    /// thread.run()?;
    /// assert_eq!(*thread.get()?, 42);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    #[must_use = "it runs once it is started"]
    pub fn build_with<F, A, T>(self, function: F, argument: A) -> Thread<T>
    where
        F: FnOnce(A, &StopToken) -> T + Send + 'static,
        A: Send + 'static,
        T: Send + 'static,
    {
        self.make::<F, T>(Box::new(move |stop| function(argument, stop)))
    }

    /// Makes the thread and starts it.
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

    /// Makes the thread for a function and its argument, and starts it.
    ///
    /// # Errors
    /// Those of [`Thread::start`].
    ///
    /// ```
    /// let thread = horsepower::Thread::builder().spawn_with(|n: u32, _| n * 2, 21)?;
    /// assert_eq!(*thread.get()?, 42);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn spawn_with<F, A, T>(self, function: F, argument: A) -> Result<Thread<T>, Error>
    where
        F: FnOnce(A, &StopToken) -> T + Send + 'static,
        A: Send + 'static,
        T: Send + 'static,
    {
        let thread = self.build_with(function, argument);
        thread.start()?;
        Ok(thread)
    }

    /// The thread, with the name of the function type `F`.
    fn make<F, T>(self, function: Function<T>) -> Thread<T> {
        let name = if self.name.is_empty() { NAMES.next::<F>() } else { self.name };
        let daemon = self.daemon.unwrap_or_else(is_daemon);
        Thread::of(Shared::new(name, daemon, self.stack_size, function, self.on_panic))
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
