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
    /// Of a `map`.
    MapTimedOut {
        limit: Duration,
    },
    /// Of the next item of a `map`.
    NoResultYet,
    Shutdown,
    ShutdownTimedOut,
    /// The backend let go of it without an answer.
    Lost,
    Taken,
    InOwnCallback,
}

impl Kind {
    /// The cause, which the sentence does not repeat.
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
            Kind::ArgumentNotEncoded { type_name, .. } => {
                write!(f, "its argument, a {type_name}, cannot be encoded")
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
            Kind::NotSent(why) => write!(f, "it cannot be sent to a worker: {why}"),
            Kind::System { doing, .. } => write!(f, "cannot {doing}"),
            Kind::Deadline { pid, limit } => {
                write!(
                    f,
                    "it ran longer than its deadline of {limit:?}; worker process {pid} was ended"
                )
            }
            Kind::QueueDeadline { limit } => {
                write!(f, "it had not begun {limit:?} after it was submitted, and will not")
            }
            Kind::Memory { pid, limit, used } => {
                let (mut uses, mut may) = (Bytes(*used).to_string(), Bytes(*limit).to_string());
                if uses == may {
                    // It is a little more.
                    (uses, may) = (format!("{used} bytes"), format!("{limit} bytes"));
                }
                write!(
                    f,
                    "worker process {pid} used {uses} of memory, more than its limit of {may}, and was ended"
                )
            }
            Kind::Unfinished { unfinished, all } => {
                write!(
                    f,
                    "{unfinished} (of {all}) futures unfinished when the time was over; their tasks \
                     go on, and can still be waited for"
                )
            }
            Kind::Killed { pid } => write!(f, "it was killed, with worker process {pid}"),
            Kind::Invalid(what) => f.write_str(what),
            Kind::Cancelled => f.write_str("it was cancelled before it began"),
            Kind::TimedOut => {
                f.write_str("it has not ended in time; it goes on, and can still be waited for")
            }
            Kind::MapTimedOut { limit } => write!(
                f,
                "the map has not ended within {limit:?}; what had not begun was cancelled, and what runs \
                 goes on"
            ),
            Kind::NoResultYet => {
                f.write_str("the next result has not come in time; it can still be waited for")
            }
            Kind::ShutdownTimedOut => f.write_str(
                "the executor has not come to its end in time; it goes on: wait again, or end its tasks \
                 with `cancel_queued` and `kill_running`",
            ),
            Kind::Shutdown => f.write_str("it was submitted after the executor was shut down"),
            Kind::Lost => f.write_str("the executor dropped the task without an answer"),
            Kind::Taken => f.write_str(
                "its result has already been taken; `get` lends it, as often as it is asked for",
            ),
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::error::Error;
    use horsepower_core::death::Cause;
    use std::collections::HashSet;

    /// Every kind, one of each at least, and the whole sentence that is said of a task `my::task`; or, of
    /// what happens to no task, the sentence alone.
    fn sentences() -> Vec<(Kind, &'static str)> {
        let report = |location: Option<&str>| {
            let location = location.map(str::to_owned);
            Kind::Panicked(PanicReport { message: "oh".into(), location, backtrace: None })
        };
        let death = |cause| Death { pid: 7, cause };
        let (named, why) = (|| "my::Type".to_owned(), || "it is odd".to_owned());
        vec![
            (report(Some("a.rs:1:2")), "task my::task: it panicked at a.rs:1:2: oh"),
            (report(None), "task my::task: it panicked: oh"),
            (
                Kind::Died(death(Cause::Signal(11))),
                "task my::task: worker process 7 was ended by SIGSEGV (invalid memory access) while \
                 running it",
            ),
            (
                Kind::Died(death(Cause::Signal(9))),
                "task my::task: worker process 7 was ended by SIGKILL (killed; the kernel does this too \
                 when memory runs out) while running it",
            ),
            (
                Kind::Died(death(Cause::Exit(3))),
                "task my::task: worker process 7 exited with code 3 while running it",
            ),
            (
                Kind::NeverBegan { death: death(Cause::Exit(3)), why: None },
                "task my::task: worker process 7 exited with code 3 before it began",
            ),
            (
                Kind::NeverBegan { death: death(Cause::Signal(9)), why: Some(why()) },
                "task my::task: worker process 7 was ended by SIGKILL (killed; the kernel does this too \
                 when memory runs out) before it began: it is odd",
            ),
            (
                Kind::Protocol { pid: 7, what: "slot 3 has the state 9".into() },
                "task my::task: worker process 7 broke the rules of its lane (slot 3 has the state 9) and \
                 was ended; something in that process writes where it must not",
            ),
            (
                Kind::Broken("no worker could be started".into()),
                "task my::task: the pool is broken: no worker could be started",
            ),
            (
                Kind::ArgumentNotEncoded { type_name: "my::Type", source: why().into() },
                "task my::task: its argument, a my::Type, cannot be encoded",
            ),
            (
                Kind::ArgumentNotDecoded { type_name: named(), why: why() },
                "task my::task: its argument, a my::Type, cannot be decoded in the worker: it is odd",
            ),
            (
                Kind::ResultNotEncoded { type_name: named(), why: why() },
                "task my::task: its result, a my::Type, cannot be encoded: it is odd",
            ),
            (
                Kind::ResultNotDecoded { type_name: named(), why: why() },
                "task my::task: its result, a my::Type, cannot be decoded: it is odd",
            ),
            (
                Kind::NotSent("no shared memory for an argument of 9 bytes".into()),
                "task my::task: it cannot be sent to a worker: no shared memory for an argument of 9 \
                 bytes",
            ),
            (
                Kind::System { doing: "start a thread", source: io::ErrorKind::OutOfMemory.into() },
                "task my::task: cannot start a thread",
            ),
            (
                Kind::Deadline { pid: 7, limit: Duration::from_millis(20) },
                "task my::task: it ran longer than its deadline of 20ms; worker process 7 was ended",
            ),
            (
                Kind::QueueDeadline { limit: Duration::from_secs(3) },
                "task my::task: it had not begun 3s after it was submitted, and will not",
            ),
            (
                Kind::Memory { pid: 7, limit: 100 << 20, used: 3 << 29 },
                "task my::task: worker process 7 used 1.5 GiB of memory, more than its limit of 100.0 \
                 MiB, and was ended",
            ),
            (
                Kind::Memory { pid: 7, limit: 64 << 20, used: (64 << 20) + 4096 },
                "task my::task: worker process 7 used 67112960 bytes of memory, more than its limit of \
                 67108864 bytes, and was ended",
            ),
            (Kind::Killed { pid: 7 }, "task my::task: it was killed, with worker process 7"),
            (Kind::Cancelled, "task my::task: it was cancelled before it began"),
            (
                Kind::TimedOut,
                "task my::task: it has not ended in time; it goes on, and can still be waited for",
            ),
            (Kind::Lost, "task my::task: the executor dropped the task without an answer"),
            (Kind::Shutdown, "task my::task: it was submitted after the executor was shut down"),
            (
                Kind::Taken,
                "task my::task: its result has already been taken; `get` lends it, as often as it is \
                 asked for",
            ),
            (
                Kind::InOwnCallback,
                "task my::task: a done-callback cannot take the result of its own future; it is given \
                 the outcome",
            ),
            (
                Kind::Invalid("workers must be greater than 0".into()),
                "workers must be greater than 0",
            ),
            (
                Kind::Unfinished { unfinished: 2, all: 4 },
                "2 (of 4) futures unfinished when the time was over; their tasks go on, and can still be \
                 waited for",
            ),
            (
                Kind::MapTimedOut { limit: Duration::from_secs(3) },
                "the map has not ended within 3s; what had not begun was cancelled, and what runs goes on",
            ),
            (Kind::NoResultYet, "the next result has not come in time; it can still be waited for"),
            (
                Kind::ShutdownTimedOut,
                "the executor has not come to its end in time; it goes on: wait again, or end its tasks \
                 with `cancel_queued` and `kill_running`",
            ),
            (
                Kind::NotReady(NotReady),
                "this program has not called `horsepower::init()`, so it cannot start worker processes.\n\
                 Add it as the first line of `main` (in a test: as the first line of the #[test] \
                 function):\n\n    fn main() {\n        horsepower::init();\n        …\n    }\n",
            ),
        ]
    }

    /// Its name. Who adds a kind comes by here, and adds its sentence above.
    fn name(kind: &Kind) -> &'static str {
        match kind {
            Kind::Panicked(_) => "Panicked",
            Kind::Died(_) => "Died",
            Kind::NeverBegan { .. } => "NeverBegan",
            Kind::Protocol { .. } => "Protocol",
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
        }
    }

    const KINDS: usize = 27;

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
