//! What the handle and the thread share: the state, the waiters, and the result.
//!
//! [`super::Thread`] starts it and waits; the thread itself runs [`Shared::live`]. No lock is held
//! while user code runs.

use super::StopToken;
use super::daemon::set_daemon;
use crate::error::{AGAIN, Error, Kind, NOT_STARTED};
use crate::task::promise::Outcome;
use horsepower_core::copies::Maker;
use horsepower_core::panic::{PanicReport, catch};
use std::fmt;
use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle, ThreadId, current};
use std::time::{Duration, Instant};

/// The state of a [`Thread`](crate::Thread).
///
/// ```
/// use horsepower::{Thread, thread::ThreadState};
///
/// let thread = Thread::new(|_| ());
/// assert_eq!(thread.state(), ThreadState::NotStarted);
/// thread.start()?;
/// thread.join()?;
/// assert_eq!(thread.state().to_string(), "finished");
/// # Ok::<(), horsepower::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ThreadState {
    /// Its function has not been called.
    NotStarted,
    /// Its function is running.
    Running,
    /// Its function has returned or panicked.
    Finished,
}

impl fmt::Display for ThreadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ThreadState::NotStarted => "not started",
            ThreadState::Running => "running",
            ThreadState::Finished => "finished",
        })
    }
}

/// The function that the thread runs.
pub(super) type Function<T> = Box<dyn FnOnce(&StopToken) -> T + Send>;

/// Called with a panic of the function.
pub(super) type OnPanic = Box<dyn FnOnce(&Error) + Send>;

pub(super) struct Shared<T> {
    pub(super) name: Arc<str>,
    pub(super) daemon: bool,
    pub(super) stack_size: usize,
    pub(super) stop: StopToken,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    stage: ThreadState,
    /// Present until it is called: `start` waits for that.
    function: Option<Function<T>>,
    on_panic: Option<OnPanic>,
    ident: Option<ThreadId>,
    native_id: Option<u32>,
    /// The process in which it was started.
    maker: Option<Maker>,
    /// Present from the end of the function until the handle takes it.
    outcome: Option<Outcome<T>>,
}

impl<T> Shared<T> {
    pub(super) fn new(
        name: String,
        daemon: bool,
        stack_size: usize,
        function: Function<T>,
        on_panic: Option<OnPanic>,
    ) -> Shared<T> {
        let state = State {
            stage: ThreadState::NotStarted,
            function: Some(function),
            on_panic,
            ident: None,
            native_id: None,
            maker: None,
            outcome: None,
        };
        Shared {
            name: name.into(),
            daemon,
            stack_size,
            stop: StopToken::new(),
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing that can panic happens under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep<'a>(&self, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, kind: Kind) -> Error {
        Error::of_thread(kind, &self.name)
    }

    fn invalid(&self, what: &str) -> Error {
        self.error(Kind::Invalid(what.to_owned()))
    }

    pub(super) fn state(&self) -> ThreadState {
        self.lock().stage
    }

    pub(super) fn ident(&self) -> Option<ThreadId> {
        self.lock().ident
    }

    pub(super) fn native_id(&self) -> Option<u32> {
        self.lock().native_id
    }

    /// True in a copy, made by a fork, of the process in which it was started: the thread is not here.
    pub(super) fn is_copy(&self) -> bool {
        self.lock().is_copy()
    }

    /// True if the calling thread is running the function, or has run it.
    pub(super) fn is_own_thread(&self) -> bool {
        self.ident() == Some(current().id())
    }

    /// The function and its panic callback, for the thread that will call it.
    fn take_function(&self) -> Result<(Function<T>, Option<OnPanic>), Error> {
        let mut state = self.lock();
        let stage = state.stage;
        // While a thread is starting, the function is still here but belongs to that thread.
        let function = state.function.take_if(|_| stage == ThreadState::NotStarted);
        let function = function.ok_or_else(|| self.invalid(AGAIN))?;
        state.begin(current().id());
        state.native_id = native_id();
        Ok((function, state.on_panic.take()))
    }

    /// Calls the function on this thread. Its panic is returned as an error.
    pub(super) fn run_here(&self) -> Result<(), Error> {
        let (function, _on_panic) = self.take_function()?;
        let outcome = self.call(function);
        let error = outcome.as_ref().err().cloned();
        self.finish(outcome);
        error.map_or(Ok(()), Err)
    }

    fn call(&self, function: Function<T>) -> Outcome<T> {
        catch(|| function(&self.stop)).map_err(|report| self.error(Kind::Panicked(report)))
    }

    fn finish(&self, outcome: Outcome<T>) {
        let mut state = self.lock();
        state.stage = ThreadState::Finished;
        state.outcome = Some(outcome);
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until the function has finished.
    pub(super) fn wait(&self, timeout: Option<Duration>) -> Result<(), Error> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut state = self.lock();
        loop {
            match state.stage {
                ThreadState::Finished => return Ok(()),
                ThreadState::NotStarted => return Err(self.invalid(NOT_STARTED)),
                ThreadState::Running if state.ident == Some(current().id()) => {
                    return Err(self.invalid(OWN_END));
                }
                // A copy of the process, made by a fork, has no copy of the thread.
                ThreadState::Running if state.is_copy() => {
                    return Err(self.error(Kind::Copied));
                }
                ThreadState::Running => {}
            }
            let Some(deadline) = deadline else {
                state = self.sleep(state);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.error(Kind::TimedOut));
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes the outcome; called once, after the wait.
    pub(super) fn take_outcome(&self) -> Outcome<T> {
        self.lock().outcome.take().unwrap_or_else(|| Err(self.error(Kind::Taken)))
    }
}

const OWN_END: &str = "it cannot wait for itself";
const NUL: &str = "its name contains a NUL byte, which the system does not allow";

impl<T: Send + 'static> Shared<T> {
    /// Starts the thread, and waits until it is running.
    pub(super) fn start(self: &Arc<Self>) -> Result<JoinHandle<()>, Error> {
        if self.name.contains('\0') {
            return Err(self.invalid(NUL));
        }
        let builder = Builder::new().name(self.name.to_string()).stack_size(self.stack_size);
        let mut state = self.lock();
        if state.stage != ThreadState::NotStarted {
            return Err(self.invalid(AGAIN));
        }
        let shared = self.clone();
        // The new thread waits for the lock. If it cannot be started, nothing has changed.
        let handle = builder
            .spawn(move || live(shared))
            .map_err(|source| self.error(Kind::System { doing: "start a thread", source }))?;
        state.begin(handle.thread().id());
        while state.function.is_some() {
            state = self.sleep(state);
        }
        Ok(handle)
    }
}

impl<T> State<T> {
    fn begin(&mut self, ident: ThreadId) {
        self.stage = ThreadState::Running;
        self.ident = Some(ident);
        self.maker = Some(Maker::here());
    }

    /// True in a copy, made by a fork, of the process in which it was started.
    fn is_copy(&self) -> bool {
        self.maker.is_some_and(|maker| !maker.is_here())
    }
}

/// The body of the thread.
fn live<T>(shared: Arc<Shared<T>>) {
    set_daemon(shared.daemon);
    let mut state = shared.lock();
    state.native_id = native_id();
    let (function, on_panic) = (state.function.take(), state.on_panic.take());
    drop(state);
    shared.changed.notify_all();
    let Some(function) = function else { return };
    let outcome = shared.call(function);
    tell(&shared.name, outcome.as_ref().err(), on_panic);
    shared.finish(outcome);
    // This may be the last owner of the result, whose drop is user code too.
    let name = shared.name.clone();
    if let Err(panic) = catch(|| drop(shared)) {
        say(&panic, format_args!("thread {name}, dropping its result,"));
    }
}

/// Reports the panic of the function, if it panicked.
fn tell(name: &str, error: Option<&Error>, on_panic: Option<OnPanic>) {
    let told = catch(|| match (error, on_panic) {
        (None, _) => {}
        (Some(error), Some(callback)) => callback(error),
        (Some(error), None) => {
            if let Some(panic) = error.panic() {
                say(panic, format_args!("thread {name}"));
            }
        }
    });
    if let Err(panic) = told {
        say(&panic, format_args!("the panic callback of thread {name}"));
    }
}

/// Prints on standard error who panicked. If that is closed, there is nobody to tell.
fn say(panic: &PanicReport, who: fmt::Arguments<'_>) {
    let place = panic.location.as_deref().unwrap_or("an unknown place");
    let backtrace = panic.backtrace.as_deref().unwrap_or_default();
    let text = format!("{who} panicked at {place}: {}\n{backtrace}", panic.message);
    // One write, so that the texts of two threads do not mix.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

#[cfg(target_os = "linux")]
fn native_id() -> Option<u32> {
    Some(rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned())
}

#[cfg(not(target_os = "linux"))]
fn native_id() -> Option<u32> {
    None
}
