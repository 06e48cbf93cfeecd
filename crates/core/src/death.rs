//! How a process ended, and the words for it.

use std::fmt;
use std::sync::Arc;

/// The death of a worker process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// Its process id.
    pub pid: u32,
    /// How it ended.
    pub cause: Cause,
    /// What it said last, if it could say why it ends: a panic that cannot be caught, or a stack overflow.
    pub last_words: Option<Arc<str>>,
}

impl Death {
    /// A death of which no more is known.
    #[must_use]
    pub fn new(pid: u32, cause: Cause) -> Death {
        Death { pid, cause, last_words: None }
    }

    /// True if the process has overflowed its stack.
    #[must_use]
    pub fn is_stack_overflow(&self) -> bool {
        self.last_words.as_deref() == Some(STACK_OVERFLOW)
    }
}

/// What a worker says when it overflows its stack.
pub(crate) const STACK_OVERFLOW: &str = "it overflowed its stack";

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It exited with this code.
    Exit(i32),
    /// This signal killed it.
    Signal(i32),
    /// Unknown: other code collected its exit status (`waitpid(-1)`, or SIGCHLD is ignored).
    Unknown,
}

/// Names and meanings of signals on Linux, x86-64 and aarch64 (signal(7)).
const SIGNALS: [(i32, &str, &str); 20] = [
    (1, "SIGHUP", "hang-up"),
    (2, "SIGINT", "interrupt"),
    (3, "SIGQUIT", "quit"),
    (4, "SIGILL", "illegal instruction"),
    (5, "SIGTRAP", "trap"),
    (6, "SIGABRT", "abort"),
    (7, "SIGBUS", "bus error"),
    (8, "SIGFPE", "arithmetic error"),
    (9, "SIGKILL", "sent explicitly, or by the kernel when memory runs out"),
    (10, "SIGUSR1", "user signal 1"),
    (11, "SIGSEGV", "invalid memory access"),
    (12, "SIGUSR2", "user signal 2"),
    (13, "SIGPIPE", "broken pipe"),
    (14, "SIGALRM", "alarm"),
    (15, "SIGTERM", "terminate"),
    (24, "SIGXCPU", "CPU time limit"),
    (25, "SIGXFSZ", "file size limit"),
    (29, "SIGIO", "input or output possible"),
    (30, "SIGPWR", "power failure"),
    (31, "SIGSYS", "forbidden system call"),
];

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Cause::Exit(code) => write!(f, "exited with code {code}"),
            Cause::Signal(number) => match SIGNALS.iter().find(|signal| signal.0 == number) {
                Some((_, name, meaning)) => write!(f, "was killed by {name} ({meaning})"),
                None => write!(f, "was killed by signal {number}"),
            },
            Cause::Unknown => f.write_str("exited; other code collected its exit status"),
        }
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker process {} {}", self.pid, self.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deaths_are_told_in_words() {
        let death = |cause| Death::new(42, cause).to_string();
        assert_eq!(death(Cause::Exit(3)), "worker process 42 exited with code 3");
        assert_eq!(
            death(Cause::Signal(11)),
            "worker process 42 was killed by SIGSEGV (invalid memory access)"
        );
        assert_eq!(death(Cause::Signal(40)), "worker process 42 was killed by signal 40");
    }
}
