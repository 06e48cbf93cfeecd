//! [`ProcessBuilder`]: the settings of a process.

use super::process::Process;
use super::stdio::Stdio;
use crate::error::Error;
use crate::launch::launch_settings;
use crate::value::Value;
use horsepower_core::launch::Launch;

/// Settings for a new [`Process`].
///
/// ```
/// use horsepower::Process;
/// use horsepower::process::Stdio;
/// use std::io::Read as _;
///
/// horsepower::init();
/// let mut process = Process::builder()
///     .name("greeter")
///     .env("WHOM", "world")
///     .stdout(Stdio::Piped)
///     .spawn(|greeting: String| println!("{greeting} {}", std::env::var("WHOM").unwrap()), "Hello".to_owned())?;
/// let mut text = String::new();
/// process.take_stdout().unwrap().read_to_string(&mut text).unwrap();
/// assert_eq!(text, "Hello world\n");
/// process.join()?;
/// # Ok::<(), horsepower::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "`spawn` or `build` makes the process"]
pub struct ProcessBuilder {
    pub(super) name: Option<String>,
    pub(super) daemon: bool,
    pub(super) launch: Launch,
    pub(super) stdin: Stdio,
    pub(super) stdout: Stdio,
    pub(super) stderr: Stdio,
}

impl ProcessBuilder {
    pub(super) fn new() -> ProcessBuilder {
        ProcessBuilder {
            name: None,
            daemon: false,
            launch: Launch::default(),
            stdin: Stdio::Null,
            stdout: Stdio::Inherit,
            stderr: Stdio::Inherit,
        }
    }

    /// The name of the process, here and in [`process::name`](super::name) of the process itself;
    /// at most 255 bytes. Default: `Process-N (function)`, where `N` counts them.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into()).filter(|name| !name.is_empty());
        self
    }

    /// If true, leaving the scope kills the process instead of waiting for it. Default: false.
    pub fn daemon(mut self, daemon: bool) -> Self {
        self.daemon = daemon;
        self
    }

    launch_settings!("the process");

    /// The source of its standard input. Default: [`Stdio::Null`], because two readers of one
    /// stream would each get only a part of it.
    pub fn stdin(mut self, stdin: Stdio) -> Self {
        self.stdin = stdin;
        self
    }

    /// The destination of its standard output. Default: [`Stdio::Inherit`].
    pub fn stdout(mut self, stdout: Stdio) -> Self {
        self.stdout = stdout;
        self
    }

    /// The destination of its standard error. Default: [`Stdio::Inherit`].
    pub fn stderr(mut self, stderr: Stdio) -> Self {
        self.stderr = stderr;
        self
    }

    /// Creates a process that calls `function` with `argument` once it is
    /// [started](Process::start).
    pub fn build<F, A, R>(self, function: F, argument: A) -> Process<R>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
    {
        Process::made(self, function, argument)
    }

    /// Starts a process that calls `function` with `argument`.
    ///
    /// # Errors
    /// Those of [`Process::start`].
    pub fn spawn<F, A, R>(self, function: F, argument: A) -> Result<Process<R>, Error>
    where
        F: Fn(A) -> R + Send + Sync + 'static,
        A: Value,
        R: Value,
    {
        let process = self.build(function, argument);
        process.start()?;
        Ok(process)
    }
}
