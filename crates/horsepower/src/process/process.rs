//! [`Process`]: one function in its own process.

use super::builder::ProcessBuilder;
use crate::error::{AGAIN, Error, Kind, NOT_STARTED, Name};
use crate::executor::no_pool;
use crate::executor::wire::call_of;
use crate::names::Names;
use crate::task::TaskFuture;
use crate::task::promise::Promise;
use crate::value::Value;
use horsepower_core::assert_zero_sized;
use horsepower_core::death::Cause;
use horsepower_core::entry_point::EntryPoint;
use horsepower_core::launch::Launch;
use horsepower_core::payload::Payload;
use horsepower_core::pool::{ChildProcess, Task, dedicated_pool};
use std::fmt;
use std::io::{PipeReader, PipeWriter};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// One function that runs in its own process, and its result.
///
/// The function is plain, its argument and result travel by serde, and whatever happens to the
/// process is only an error here.
///
/// # The end
///
/// | what ends the process | [`exit_code`](Self::exit_code) | [`join`](Self::join) |
/// |---|---|---|
/// | the function returns | 0 | its result, which may be a `Result` of its own |
/// | the function panics | 101; the panic is on its standard error | [`is_panic`](Error::is_panic) |
/// | it exits, aborts, crashes | the code; minus the signal | [`is_worker_death`](Error::is_worker_death) |
/// | [`terminate`](Self::terminate), [`kill`](Self::kill) | -15, -9 | [`is_worker_death`](Error::is_worker_death) |
///
/// No zombie and no orphan is left, whatever happens on this side:
///
/// - A process that has exited is reaped at once, joined or not.
/// - Dropping a `Process` waits until it has exited, also while a panic unwinds; a
///   [daemon](ProcessBuilder::daemon) is killed instead.
/// - When this process ends in any other way, the kernel kills it. That covers `exit`, a signal,
///   and a `Process` that was leaked or is stored in a static.
/// - Processes that the function has started end with it, however it ends. One that is to outlive it
///   needs a session of its own (`setsid`).
///
/// ```
/// use horsepower::Process;
///
/// fn deliver(parcels: Vec<String>) -> usize {
///     parcels.len()
/// }
///
/// fn main() -> Result<(), horsepower::Error> {
///     horsepower::init(); // the process stops here and calls the function
///     let process = Process::spawn(deliver, vec!["book".to_owned(), "lamp".to_owned()])?;
///     assert_ne!(process.pid(), Some(std::process::id()));
///     assert_eq!(process.get()?, &2);
///     assert_eq!(process.exit_code(), Some(0));
///     Ok(())
/// }
/// ```
pub struct Process<T> {
    name: Arc<str>,
    daemon: bool,
    plan: Mutex<Option<Plan>>,
    started: OnceLock<Started<T>>,
    streams: Mutex<Streams>,
}

static NAMES: Names = Names::new("Process");

/// What is needed to start it, kept until the start succeeds.
struct Plan {
    task: Result<(EntryPoint, Arc<Payload>), Error>,
    settings: ProcessBuilder,
}

/// The argument, shared with the pool: a failed start must not lose it.
struct SharedArgument(Arc<Payload>);

impl AsRef<[u8]> for SharedArgument {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes()
    }
}

struct Started<T> {
    child: Arc<ChildProcess>,
    future: TaskFuture<T>,
}

/// This process's ends of the pipes.
#[derive(Default)]
struct Streams {
    stdin: Option<OwnedFd>,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
}

impl<T: Value> Process<T> {
    /// Creates a process that calls `function` with `argument` once it is [started](Self::start).
    pub fn new<F, A>(function: F, argument: A) -> Process<T>
    where
        F: Fn(A) -> T + Send + Sync + 'static,
        A: Value,
    {
        ProcessBuilder::new().build(function, argument)
    }

    /// Starts a process that calls `function` with `argument`.
    ///
    /// # Errors
    /// Those of [`start`](Self::start).
    pub fn spawn<F, A>(function: F, argument: A) -> Result<Process<T>, Error>
    where
        F: Fn(A) -> T + Send + Sync + 'static,
        A: Value,
    {
        ProcessBuilder::new().spawn(function, argument)
    }

    pub(super) fn made<F, A>(settings: ProcessBuilder, function: F, argument: A) -> Process<T>
    where
        F: Fn(A) -> T + Send + Sync + 'static,
        A: Value,
    {
        const { assert_zero_sized::<F>() }
        let name: Arc<str> = settings.name.clone().unwrap_or_else(|| NAMES.next::<F>()).into();
        let daemon = settings.daemon;
        let task = match call_of::<F, A, T>(function, argument) {
            Ok((entry, payload)) => Ok((entry, Arc::new(payload))),
            Err(kind) => Err(Error::of_task(kind, Name::Process(name.clone()))),
        };
        let plan = Plan { task, settings };
        Process {
            name,
            daemon,
            plan: Mutex::new(Some(plan)),
            started: OnceLock::new(),
            streams: Mutex::default(),
        }
    }

    /// Starts the process.
    ///
    /// # Errors
    /// [`is_not_initialized`](Error::is_not_initialized) if the program has not called
    /// [`init`](crate::init()); [`is_invalid`](Error::is_invalid) if it was started before, or has
    /// settings with which no process can start; [`is_encoding`](Error::is_encoding) if the
    /// argument cannot be encoded, [`is_not_sent`](Error::is_not_sent) if it cannot be sent;
    /// [`is_system`](Error::is_system) if the system refuses. In the last case it can be started
    /// again.
    pub fn start(&self) -> Result<(), Error> {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let Plan { task, settings } = plan.as_ref().ok_or_else(|| self.invalid(AGAIN))?;
        let (entry, argument) = task.as_ref().map_err(Clone::clone)?;
        let pool = dedicated_pool().map_err(|error| no_pool(error, "start a process"))?;
        let system = |source| self.error(Kind::System { doing: "start a process", source });
        let (launch, streams) = self.launch(settings).map_err(system)?;
        launch.check().map_err(|why| self.invalid(&format!("cannot start it: {why}")))?;
        let name = Name::Process(self.name.clone());
        let promise = Arc::new(Promise::<T>::new(name, Some(pool.shared().clone())));
        let argument = Payload::bulk(Box::new(SharedArgument(argument.clone())));
        let task = Task::single(*entry, argument, promise.clone());
        let child = pool.shared().start_dedicated(launch, task).map_err(system)?;
        *plan = None;
        *self.streams.lock().unwrap_or_else(PoisonError::into_inner) = streams;
        // Only the thread that took the plan sets it.
        let _ = self.started.set(Started { child, future: TaskFuture::new(promise) });
        Ok(())
    }
}

impl<T> Process<T> {
    fn launch(&self, settings: &ProcessBuilder) -> std::io::Result<(Launch, Streams)> {
        let mut launch = settings.launch.clone();
        let mut streams = Streams::default();
        launch.name = self.name.to_string();
        (launch.stdin, streams.stdin) = settings.stdin.open(true)?;
        (launch.stdout, streams.stdout) = settings.stdout.open(false)?;
        (launch.stderr, streams.stderr) = settings.stderr.open(false)?;
        Ok((launch, streams))
    }

    /// Waits until the process has exited.
    ///
    /// # Errors
    /// Why there is no result: the function panicked, the process died, … (see [above](Self#the-end));
    /// [`is_invalid`](Error::is_invalid) if it was not started.
    pub fn join(&self) -> Result<(), Error> {
        self.get().map(drop)
    }

    /// Like [`join`](Self::join), but waits `timeout` at most; zero does not wait.
    ///
    /// # Errors
    /// Those of [`join`](Self::join), and an error with [`is_timeout`](Error::is_timeout) if the
    /// process does not exit in time. It continues and can be waited for again.
    pub fn join_timeout(&self, timeout: Duration) -> Result<(), Error> {
        self.get_timeout(timeout).map(drop)
    }

    /// Waits until the process has exited, and borrows the function's result.
    ///
    /// # Errors
    /// Those of [`join`](Self::join).
    pub fn get(&self) -> Result<&T, Error> {
        self.wait_by(None)?.get()
    }

    /// Like [`get`](Self::get), but waits `timeout` at most; zero does not wait.
    ///
    /// # Errors
    /// Those of [`join_timeout`](Self::join_timeout).
    pub fn get_timeout(&self, timeout: Duration) -> Result<&T, Error> {
        self.wait_by(Instant::now().checked_add(timeout))?.get()
    }

    /// Waits until the process has exited, and returns the function's result.
    ///
    /// # Errors
    /// Those of [`join`](Self::join).
    pub fn result(mut self) -> Result<T, Error> {
        self.join()?;
        match self.started.take() {
            Some(started) => started.future.result(),
            None => Err(self.invalid(NOT_STARTED)),
        }
    }

    /// Like [`result`](Self::result), but waits `timeout` at most; zero does not wait. Once it has
    /// returned the result, later calls return an error that says so.
    ///
    /// # Errors
    /// Those of [`join_timeout`](Self::join_timeout); one with [`is_invalid`](Error::is_invalid) if the
    /// result was taken before.
    pub fn result_timeout(&mut self, timeout: Duration) -> Result<T, Error> {
        self.wait_by(Instant::now().checked_add(timeout))?;
        match self.started.get_mut() {
            Some(started) => started.future.result_timeout(Duration::ZERO),
            None => Err(self.invalid(NOT_STARTED)),
        }
    }

    /// Waits until the process has exited, or until `deadline`. Returns the future of its result.
    fn wait_by(&self, deadline: Option<Instant>) -> Result<&TaskFuture<T>, Error> {
        let Started { child, future } = self.started()?;
        // First wait for the result: a waiting thread collects it itself.
        future.wait_by(deadline)?;
        if child.wait(deadline).is_none() {
            return Err(future.timed_out());
        }
        Ok(future)
    }

    /// Asks the process to exit, with SIGTERM, which kills a process that does not handle it. Has
    /// no effect if it has exited.
    ///
    /// # Errors
    /// [`is_invalid`](Error::is_invalid) if it was not started.
    pub fn terminate(&self) -> Result<(), Error> {
        self.started()?.child.terminate();
        Ok(())
    }

    /// Kills the process, and what it has started in its process group, at once, with SIGKILL. Has
    /// no effect if it has exited.
    ///
    /// # Errors
    /// [`is_invalid`](Error::is_invalid) if it was not started.
    pub fn kill(&self) -> Result<(), Error> {
        self.started()?.child.kill();
        Ok(())
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// True if leaving the scope kills the process instead of waiting for it.
    #[must_use]
    pub fn is_daemon(&self) -> bool {
        self.daemon
    }

    /// The process id, once it is started. After the process has exited, the system may reuse it.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        Some(self.started.get()?.child.pid())
    }

    /// True if it has been started and has not exited.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.started.get().is_some_and(|started| started.child.end().is_none())
    }

    /// How the process ended; `None` while it lives. Also `None` if other code collected its
    /// status, which only happens in a program that waits for children that it does not know.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        match self.started.get()?.child.end()? {
            // The encoding of wait(2).
            Cause::Exit(code) => Some(ExitStatus::from_raw((code & 0xff) << 8)),
            Cause::Signal(signal) => Some(ExitStatus::from_raw(signal)),
            Cause::Unknown => None,
        }
    }

    /// [`exit_status`](Self::exit_status) as one number, as in Python: the exit code, or the
    /// negative number of the signal.
    #[must_use]
    pub fn exit_code(&self) -> Option<i32> {
        let status = self.exit_status()?;
        status.code().or(status.signal().map(|signal| -signal))
    }

    /// A descriptor that becomes readable, and stays so, when the process ends for any reason. Use
    /// it with `poll` and the like, together with other descriptors. It is a pidfd.
    ///
    /// # Errors
    /// [`is_invalid`](Error::is_invalid) if it was not started.
    pub fn sentinel(&self) -> Result<BorrowedFd<'_>, Error> {
        Ok(self.started()?.child.as_fd())
    }

    /// This side of its standard input, if that is [piped](super::Stdio::Piped) and has not been
    /// taken. Dropping it ends the input.
    pub fn take_stdin(&mut self) -> Option<PipeWriter> {
        self.streams().stdin.take().map(PipeWriter::from)
    }

    /// This side of its standard output, if that is [piped](super::Stdio::Piped) and has not been
    /// taken.
    pub fn take_stdout(&mut self) -> Option<PipeReader> {
        self.streams().stdout.take().map(PipeReader::from)
    }

    /// This side of its standard error, if that is [piped](super::Stdio::Piped) and has not been
    /// taken.
    pub fn take_stderr(&mut self) -> Option<PipeReader> {
        self.streams().stderr.take().map(PipeReader::from)
    }

    fn streams(&mut self) -> &mut Streams {
        self.streams.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    fn started(&self) -> Result<&Started<T>, Error> {
        match self.started.get() {
            None => Err(self.invalid(NOT_STARTED)),
            Some(started) if started.child.is_copy() => Err(self.error(Kind::Copied)),
            Some(started) => Ok(started),
        }
    }

    fn invalid(&self, what: &str) -> Error {
        self.error(Kind::Invalid(what.to_owned()))
    }

    fn error(&self, kind: Kind) -> Error {
        Error::of_task(kind, Name::Process(self.name.clone()))
    }
}

impl Process<()> {
    /// Settings for a new process.
    pub fn builder() -> ProcessBuilder {
        ProcessBuilder::new()
    }
}

impl<T> Drop for Process<T> {
    fn drop(&mut self) {
        // A pipe that nobody will read or write any more must not block the process.
        *self.streams() = Streams::default();
        let Some(Started { child, .. }) = self.started.get() else { return };
        if child.is_copy() {
            return;
        }
        if self.daemon {
            child.kill();
        }
        child.wait(None);
    }
}

impl<T> fmt::Debug for Process<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Process({}, ", self.name)?;
        match (self.pid(), self.exit_code()) {
            (None, _) => f.write_str("not started)"),
            (Some(pid), _) if self.is_alive() => write!(f, "running, pid {pid})"),
            (_, Some(code)) => write!(f, "finished, exit code {code})"),
            _ => f.write_str("finished)"),
        }
    }
}
