//! What can go wrong, and the sentence that says so.

use horsepower_core::panic::PanicReport;
#[cfg(target_os = "linux")]
use horsepower_core::{death::Death, init::NotReady};
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

/// What went wrong.
#[derive(Debug)]
pub(crate) enum Kind {
    Panicked(PanicReport),
    #[cfg(target_os = "linux")]
    Died(Death),
    #[cfg(target_os = "linux")]
    NeverStarted {
        death: Death,
        why: Option<String>,
    },
    Protocol {
        pid: u32,
        what: String,
    },
    Damaged(String),
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
    /// While waiting for several futures.
    Unfinished {
        unfinished: usize,
        all: usize,
    },
    Invalid(String),
    Cancelled,
    TimedOut,
    /// From a `map` with a total deadline.
    MapTimedOut {
        limit: Duration,
    },
    /// From waiting for the next item of a `map`.
    NoResultYet,
    Shutdown,
    ShutdownTimedOut,
    /// The backend dropped the task without answering.
    Lost,
    Taken,
    InOwnCallback,
    /// This process is a copy of the one that has what was asked for.
    Copied,
}

impl Kind {
    /// The cause. The sentence does not repeat it.
    pub(crate) fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Kind::ArgumentNotEncoded { source, .. } => Some(&**source),
            Kind::System { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Panicked(report) => report.fmt(f),
            #[cfg(target_os = "linux")]
            Kind::Died(death) => {
                write!(f, "{death} while running it")?;
                death.last_words.iter().try_for_each(|words| write!(f, ": {words}"))
            }
            #[cfg(target_os = "linux")]
            Kind::NeverStarted { death, why: None } => write!(f, "{death} before running it"),
            #[cfg(target_os = "linux")]
            Kind::NeverStarted { death, why: Some(why) } => {
                write!(f, "{death} before running it: {why}")
            }
            Kind::Protocol { pid, what } => write!(
                f,
                "worker process {pid} corrupted its shared memory ({what}), probably a stray write; it \
                 was killed"
            ),
            Kind::Damaged(what) => write!(f, "the answer arrived damaged: {what}"),
            Kind::Broken(reason) => write!(f, "the pool is broken: {reason}"),
            #[cfg(target_os = "linux")]
            Kind::NotReady(not_ready) => not_ready.fmt(f),
            Kind::ArgumentNotEncoded { type_name, .. } => {
                write!(f, "cannot encode the argument of type {type_name}")
            }
            Kind::ArgumentNotDecoded { type_name, why } => {
                write!(f, "cannot decode the argument of type {type_name} in the worker: {why}")
            }
            Kind::ResultNotEncoded { type_name, why } => {
                write!(f, "cannot encode the result of type {type_name}: {why}")
            }
            Kind::ResultNotDecoded { type_name, why } => {
                write!(f, "cannot decode the result of type {type_name}: {why}")
            }
            Kind::NotSent(why) => write!(f, "cannot send the task to a worker: {why}"),
            Kind::System { doing, .. } => write!(f, "cannot {doing}"),
            Kind::Deadline { pid, limit } => {
                write!(
                    f,
                    "deadline of {limit:?} exceeded; worker process {pid} was killed"
                )
            }
            Kind::QueueDeadline { limit } => {
                write!(f, "queue deadline of {limit:?} exceeded; the task never started")
            }
            Kind::Memory { pid, limit, used } => {
                let (mut uses, mut may) = (Bytes(*used).to_string(), Bytes(*limit).to_string());
                if uses == may {
                    // The difference is too small to show: print exact numbers.
                    (uses, may) = (format!("{used} bytes"), format!("{limit} bytes"));
                }
                write!(
                    f,
                    "memory limit of {may} exceeded: worker process {pid} used {uses} and was killed"
                )
            }
            Kind::Unfinished { unfinished, all } => {
                write!(
                    f,
                    "timed out with {unfinished} of {all} futures pending; wait again, or cancel them"
                )
            }
            Kind::Killed { pid } => write!(f, "it was killed together with worker process {pid}"),
            Kind::Invalid(what) => f.write_str(what),
            Kind::Cancelled => f.write_str("it was cancelled before it started"),
            Kind::TimedOut => {
                f.write_str("timed out waiting; it is still pending or running")
            }
            Kind::MapTimedOut { limit } => write!(
                f,
                "the map exceeded its total deadline of {limit:?}; items that had not started were \
                 cancelled, running ones continue"
            ),
            Kind::NoResultYet => {
                f.write_str("timed out waiting for the next result; ask again to wait longer")
            }
            Kind::ShutdownTimedOut => f.write_str(
                "timed out waiting for the executor to shut down; wait again, or end its tasks with \
                 `cancel_queued` and `kill_running`",
            ),
            Kind::Shutdown => f.write_str("it was submitted after the executor was shut down"),
            Kind::Lost => f.write_str("the executor dropped the task without an answer"),
            Kind::Taken => f.write_str(
                "its result has already been taken; use `get` to borrow it repeatedly",
            ),
            Kind::InOwnCallback => f.write_str(
                "a done-callback cannot take the result of its own future; use the outcome that it receives",
            ),
            Kind::Copied => f.write_str(
                "this process is a copy, made by `fork`, of the one that has the workers and threads; make \
                 a new executor in it",
            ),
        }
    }
}

/// A number of bytes, printed with a unit.
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::error::Error;
    use horsepower_core::death::Cause;
    use std::collections::HashSet;

    /// At least one of each kind, and its whole sentence: for a task `my::task`, or alone where no
    /// task is involved.
    fn sentences() -> Vec<(Kind, &'static str)> {
        let report = |location: Option<&str>| {
            let location = location.map(str::to_owned);
            Kind::Panicked(PanicReport { message: "oh".into(), location, backtrace: None })
        };
        let death = |cause| Death::new(7, cause);
        let (named, why) = (|| "my::Type".to_owned(), || "it is odd".to_owned());
        vec![
            (report(Some("a.rs:1:2")), "task my::task: it panicked at a.rs:1:2: oh"),
            (report(None), "task my::task: it panicked: oh"),
            (
                Kind::Died(death(Cause::Signal(11))),
                "task my::task: worker process 7 was killed by SIGSEGV (invalid memory access) while \
                 running it",
            ),
            (
                Kind::Died(death(Cause::Signal(9))),
                "task my::task: worker process 7 was killed by SIGKILL (sent explicitly, or by the kernel \
                 when memory runs out) while running it",
            ),
            (
                Kind::Died(death(Cause::Exit(3))),
                "task my::task: worker process 7 exited with code 3 while running it",
            ),
            (
                Kind::NeverStarted { death: death(Cause::Exit(3)), why: None },
                "task my::task: worker process 7 exited with code 3 before running it",
            ),
            (
                Kind::NeverStarted { death: death(Cause::Signal(9)), why: Some(why()) },
                "task my::task: worker process 7 was killed by SIGKILL (sent explicitly, or by the kernel \
                 when memory runs out) before running it: it is odd",
            ),
            (
                Kind::Protocol { pid: 7, what: "slot 3 has the state 9".into() },
                "task my::task: worker process 7 corrupted its shared memory (slot 3 has the state 9), \
                 probably a stray write; it was killed",
            ),
            (
                Kind::Damaged("3 bytes that are no record".into()),
                "task my::task: the answer arrived damaged: 3 bytes that are no record",
            ),
            (
                Kind::Broken("no worker could be started".into()),
                "task my::task: the pool is broken: no worker could be started",
            ),
            (
                Kind::ArgumentNotEncoded { type_name: "my::Type", source: why().into() },
                "task my::task: cannot encode the argument of type my::Type",
            ),
            (
                Kind::ArgumentNotDecoded { type_name: named(), why: why() },
                "task my::task: cannot decode the argument of type my::Type in the worker: it is odd",
            ),
            (
                Kind::ResultNotEncoded { type_name: named(), why: why() },
                "task my::task: cannot encode the result of type my::Type: it is odd",
            ),
            (
                Kind::ResultNotDecoded { type_name: named(), why: why() },
                "task my::task: cannot decode the result of type my::Type: it is odd",
            ),
            (
                Kind::NotSent("no shared memory for an argument of 9 bytes".into()),
                "task my::task: cannot send the task to a worker: no shared memory for an argument of 9 \
                 bytes",
            ),
            (
                Kind::System { doing: "start a thread", source: io::ErrorKind::OutOfMemory.into() },
                "task my::task: cannot start a thread",
            ),
            (
                Kind::Deadline { pid: 7, limit: Duration::from_millis(20) },
                "task my::task: deadline of 20ms exceeded; worker process 7 was killed",
            ),
            (
                Kind::QueueDeadline { limit: Duration::from_secs(3) },
                "task my::task: queue deadline of 3s exceeded; the task never started",
            ),
            (
                Kind::Memory { pid: 7, limit: 100 << 20, used: 3 << 29 },
                "task my::task: memory limit of 100.0 MiB exceeded: worker process 7 used 1.5 GiB and was \
                 killed",
            ),
            (
                Kind::Memory { pid: 7, limit: 64 << 20, used: (64 << 20) + 4096 },
                "task my::task: memory limit of 67108864 bytes exceeded: worker process 7 used 67112960 \
                 bytes and was killed",
            ),
            (
                Kind::Killed { pid: 7 },
                "task my::task: it was killed together with worker process 7",
            ),
            (Kind::Cancelled, "task my::task: it was cancelled before it started"),
            (Kind::TimedOut, "task my::task: timed out waiting; it is still pending or running"),
            (Kind::Lost, "task my::task: the executor dropped the task without an answer"),
            (Kind::Shutdown, "task my::task: it was submitted after the executor was shut down"),
            (
                Kind::Taken,
                "task my::task: its result has already been taken; use `get` to borrow it repeatedly",
            ),
            (
                Kind::InOwnCallback,
                "task my::task: a done-callback cannot take the result of its own future; use the outcome \
                 that it receives",
            ),
            (
                Kind::Copied,
                "task my::task: this process is a copy, made by `fork`, of the one that has the workers and \
                 threads; make a new executor in it",
            ),
            (
                Kind::Invalid("workers must be greater than 0".into()),
                "workers must be greater than 0",
            ),
            (
                Kind::Unfinished { unfinished: 2, all: 4 },
                "timed out with 2 of 4 futures pending; wait again, or cancel them",
            ),
            (
                Kind::MapTimedOut { limit: Duration::from_secs(3) },
                "the map exceeded its total deadline of 3s; items that had not started were cancelled, \
                 running ones continue",
            ),
            (Kind::NoResultYet, "timed out waiting for the next result; ask again to wait longer"),
            (
                Kind::ShutdownTimedOut,
                "timed out waiting for the executor to shut down; wait again, or end its tasks with \
                 `cancel_queued` and `kill_running`",
            ),
            (
                Kind::NotReady(NotReady::NoInit),
                "this program has not called `horsepower::init()`, so it cannot start worker processes.\n\
                 Add it as the first line of `main` (in a test: as the first line of the #[test] \
                 function):\n\n    fn main() {\n        horsepower::init();\n        …\n    }\n",
            ),
        ]
    }

    /// The name of a kind. A new kind does not compile without a line here; add its sentence above
    /// too.
    fn name(kind: &Kind) -> &'static str {
        match kind {
            Kind::Panicked(_) => "Panicked",
            Kind::Died(_) => "Died",
            Kind::NeverStarted { .. } => "NeverStarted",
            Kind::Protocol { .. } => "Protocol",
            Kind::Damaged(_) => "Damaged",
            Kind::Broken(_) => "Broken",
            Kind::NotReady(_) => "NotReady",
            Kind::ArgumentNotEncoded { .. } => "ArgumentNotEncoded",
            Kind::ArgumentNotDecoded { .. } => "ArgumentNotDecoded",
            Kind::ResultNotEncoded { .. } => "ResultNotEncoded",
            Kind::ResultNotDecoded { .. } => "ResultNotDecoded",
            Kind::NotSent(_) => "NotSent",
            Kind::System { .. } => "System",
            Kind::Deadline { .. } => "Deadline",
            Kind::QueueDeadline { .. } => "QueueDeadline",
            Kind::Memory { .. } => "Memory",
            Kind::Killed { .. } => "Killed",
            Kind::Unfinished { .. } => "Unfinished",
            Kind::Invalid(_) => "Invalid",
            Kind::Cancelled => "Cancelled",
            Kind::TimedOut => "TimedOut",
            Kind::MapTimedOut { .. } => "MapTimedOut",
            Kind::NoResultYet => "NoResultYet",
            Kind::Shutdown => "Shutdown",
            Kind::ShutdownTimedOut => "ShutdownTimedOut",
            Kind::Lost => "Lost",
            Kind::Taken => "Taken",
            Kind::InOwnCallback => "InOwnCallback",
            Kind::Copied => "Copied",
        }
    }

    const KINDS: usize = 29;

    #[test]
    fn every_kind_says_what_happened_to_which_task_and_what_to_do() {
        let mut names = HashSet::new();
        for (kind, sentence) in sentences() {
            names.insert(name(&kind));
            let error = match sentence.strip_prefix("task my::task: ") {
                Some(_) => Error::of_task(kind, "my::task"),
                None => Error::new(kind),
            };
            assert_eq!(error.to_string(), sentence);
            let cause = error.source().map_or_else(String::new, |cause| format!(": {cause}"));
            assert_eq!(format!("{error:#}"), format!("{sentence}{cause}"));
            assert_eq!(format!("{error:?}"), format!("Error({sentence}{cause})"));
        }
        assert_eq!(names.len(), KINDS);
    }

    #[test]
    fn causes_are_the_sources_and_no_sentence_repeats_them() {
        for (kind, sentence) in sentences() {
            let has_source = ["ArgumentNotEncoded", "System"].contains(&name(&kind));
            let error = Error::of_task(kind, "my::task");
            assert_eq!(error.source().is_some(), has_source, "{sentence}");
            if let Some(cause) = error.source() {
                assert!(!sentence.contains(&cause.to_string()), "{sentence}");
            }
        }
    }

    #[test]
    fn bytes_are_told_in_units_that_people_read() {
        let text = |bytes| Bytes(bytes).to_string();
        assert_eq!(text(0), "0 bytes");
        assert_eq!(text(1023), "1023 bytes");
        assert_eq!(text(1536), "1.5 KiB");
        assert_eq!(text(5 << 30), "5.0 GiB");
    }
}
