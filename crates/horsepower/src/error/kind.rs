//! What can happen to a task, and how it is told.

use horsepower_core::panic::PanicReport;
#[cfg(target_os = "linux")]
use horsepower_core::{death::Death, init::NotReady};
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

/// What happened.
#[derive(Debug)]
pub(crate) enum Kind {
    Panicked(PanicReport),
    #[cfg(target_os = "linux")]
    Died(Death),
    #[cfg(target_os = "linux")]
    NeverBegan {
        death: Death,
        why: Option<String>,
    },
    Protocol {
        pid: u32,
        what: String,
    },
    Broken(Arc<str>),
    #[cfg(target_os = "linux")]
    NotReady(NotReady),
    ArgumentNotEncoded {
        type_name: &'static str,
        source: Box<dyn StdError + Send + Sync>,
    },
    ArgumentNotDecoded {
        type_name: String,
        why: String,
    },
    ResultNotEncoded {
        type_name: String,
        why: String,
    },
    ResultNotDecoded {
        type_name: String,
        why: String,
    },
    NotSent(String),
    System {
        doing: &'static str,
        source: io::Error,
    },
    Deadline {
        pid: u32,
        limit: Duration,
    },
    QueueDeadline {
        limit: Duration,
    },
    Memory {
        pid: u32,
        limit: u64,
        used: u64,
    },
    Killed {
        pid: u32,
    },
    /// Of several futures that were waited for.
    Unfinished {
        unfinished: usize,
        all: usize,
    },
    Invalid(String),
    Cancelled,
    TimedOut,
    Shutdown,
    ShutdownTimedOut,
    Taken,
    InOwnCallback,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Panicked(report) => report.fmt(f),
            #[cfg(target_os = "linux")]
            Kind::Died(death) => write!(f, "{death} while running it"),
            #[cfg(target_os = "linux")]
            Kind::NeverBegan { death, why: None } => write!(f, "{death} before it began"),
            #[cfg(target_os = "linux")]
            Kind::NeverBegan { death, why: Some(why) } => {
                write!(f, "{death} before it began: {why}")
            }
            Kind::Protocol { pid, what } => write!(
                f,
                "worker process {pid} broke the rules of its lane ({what}) and was ended; something \
                 in that process writes where it must not"
            ),
            Kind::Broken(reason) => write!(f, "the pool is broken: {reason}"),
            #[cfg(target_os = "linux")]
            Kind::NotReady(not_ready) => not_ready.fmt(f),
            Kind::ArgumentNotEncoded { type_name, source } => {
                write!(f, "its argument, a {type_name}, cannot be encoded: {source}")
            }
            Kind::ArgumentNotDecoded { type_name, why } => {
                write!(f, "its argument, a {type_name}, cannot be decoded in the worker: {why}")
            }
            Kind::ResultNotEncoded { type_name, why } => {
                write!(f, "its result, a {type_name}, cannot be encoded: {why}")
            }
            Kind::ResultNotDecoded { type_name, why } => {
                write!(f, "its result, a {type_name}, cannot be decoded: {why}")
            }
            Kind::NotSent(why) => write!(f, "its argument cannot be sent: {why}"),
            Kind::System { doing, source } => write!(f, "cannot {doing}: {source}"),
            Kind::Deadline { pid, limit } => {
                write!(
                    f,
                    "it ran longer than its deadline of {limit:?}; worker process {pid} was ended"
                )
            }
            Kind::QueueDeadline { limit } => {
                write!(f, "it had not begun {limit:?} after it was submitted, and will not")
            }
            Kind::Memory { pid, limit, used } => write!(
                f,
                "worker process {pid} used {} of memory, more than its limit of {}, and was ended",
                Bytes(*used),
                Bytes(*limit)
            ),
            Kind::Unfinished { unfinished, all } => {
                write!(f, "{unfinished} (of {all}) futures unfinished")
            }
            Kind::Killed { pid } => write!(f, "it was killed, with worker process {pid}"),
            Kind::Invalid(what) => f.write_str(what),
            Kind::Cancelled => f.write_str("it was cancelled before it began"),
            Kind::TimedOut => {
                f.write_str("it has not ended in time; it goes on, and can still be waited for")
            }
            Kind::ShutdownTimedOut => {
                f.write_str("the executor has not come to its end in time; it goes on")
            }
            Kind::Shutdown => f.write_str("cannot submit tasks after the executor was shut down"),
            Kind::Taken => f.write_str("its result has already been taken"),
            Kind::InOwnCallback => f.write_str(
                "a done-callback cannot take the result of its own future; it is given the outcome",
            ),
        }
    }
}

/// A number of bytes, for people.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
        match UNITS.iter().find(|unit| self.0 >= unit.1) {
            Some((name, unit)) => write!(f, "{:.1} {name}", self.0 as f64 / *unit as f64),
            None => write!(f, "{} bytes", self.0),
        }
    }
}
