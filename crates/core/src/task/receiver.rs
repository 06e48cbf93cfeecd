//! Who is told of the end of a task, and what they are told.
//!
//! The futures of the `horsepower` crate implement [`Receiver`]; whoever runs tasks calls it, outside of
//! any lock. This is where a task's way leads back up: the layer below calls the layer above.

use crate::callback_threads::FollowUp;
use crate::death::Death;
use crate::lane::payload::Encoded;
#[cfg(target_os = "linux")]
use crate::lane::record::{Status, next_record};
use crate::task::state::TaskState;
use crate::wire::panic::PanicReport;
use std::sync::Arc;
use std::time::Duration;

/// Who is told how a task ended: a future. Called outside of every lock, on whichever thread noticed the
/// end; once for each item.
pub trait Receiver: Send + Sync + std::fmt::Debug {
    /// The state of the task, for whoever runs it.
    fn task_state(&self) -> &TaskState;
    /// The task is about to begin. False: it was cancelled, and must not. Only for whoever runs the task
    /// without being asked by its future to cancel it.
    fn begin(&self) -> bool {
        true
    }
    /// What the task has printed, if that was to be captured: standard output and standard error. Called
    /// before `receive`, once for each time that the task was begun.
    fn printed(&self, output: Vec<u8>, errors: Vec<u8>) {
        let _ = (output, errors);
    }
    /// How many nanoseconds the worker took for the next `items` answers.
    fn spent(&self, items: u32, nanos: u64) {
        let _ = (items, nanos);
    }
    /// The answer for one item of the task.
    fn receive(&self, item: u32, answer: Answer<'_>) -> FollowUp;
    /// Calls the callbacks, if `receive` has left them. Runs on a thread on which they may take their
    /// time.
    fn call_back(&self) {}
}

/// How one item of a task ended.
#[derive(Debug)]
pub enum Answer<'a> {
    /// The function returned; its encoded result.
    Returned(Encoded<'a>),
    /// It did not.
    Failed(Failure),
}

/// Why a task has no result.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The function panicked.
    Panicked(PanicReport),
    /// The argument could not be decoded in the worker; why.
    NotDecoded(String),
    /// The result could not be encoded; why.
    NotEncoded(String),
    /// The argument could not be sent; why.
    NotSent(String),
    /// The worker died while the function ran.
    Died(Death),
    /// The function ran past its deadline, and the worker was killed.
    Deadline {
        /// The worker's process id.
        pid: u32,
        /// How long it may run.
        limit: Duration,
    },
    /// The task has not begun before its queue deadline.
    QueueDeadline {
        /// How long it was allowed to wait.
        limit: Duration,
    },
    /// The worker exceeded its memory limit while the function ran, and was killed.
    Memory {
        /// The worker's process id.
        pid: u32,
        /// How many bytes it may use.
        limit: u64,
        /// How many bytes it was seen to use.
        used: u64,
    },
    /// The user killed the task, and the worker with it.
    Killed {
        /// The worker's process id.
        pid: u32,
    },
    /// The process that was started for this one task ended before the task began.
    NeverBegan {
        /// How it ended.
        death: Death,
        /// What is known of the reason.
        why: Option<String>,
    },
    /// The worker corrupted its lane, and was killed; what was seen.
    Protocol {
        /// The worker's process id.
        pid: u32,
        /// What was seen.
        what: String,
    },
    /// What came back is not an answer; what it is instead.
    Damaged(String),
    /// No worker could be started, because the system had not enough of something; of what.
    NoWorker(String),
    /// The pool is broken; why.
    Broken(Arc<str>),
    /// The task was cancelled when the pool was shut down, or its remaining items were cancelled while it ran.
    Cancelled,
    /// Whoever had the task let go of it without an answer.
    Lost,
    /// This process is a copy, made by a fork, of the one that has the pool.
    Copied,
    /// The pool had been shut down before the task was submitted.
    Shutdown,
}

#[cfg(target_os = "linux")]
impl<'a> Answer<'a> {
    /// What is in a record that [`EntryPoint::call`](crate::entry_point::EntryPoint::call) has made.
    /// `None`: it is damaged.
    #[must_use]
    pub fn from_record(record: &'a [u8]) -> Option<Answer<'a>> {
        let mut end = 0;
        let (status, body) = next_record(Encoded::own(record), &mut end)?;
        if end != record.len() {
            return None;
        }
        match status {
            Status::Returned => Some(Answer::Returned(body)),
            status => Failure::from_record(status, body).map(Answer::Failed),
        }
    }
}

impl Failure {
    /// Why a worker was ended for its task, in a few words.
    #[cfg(target_os = "linux")]
    pub(crate) fn cause(&self) -> String {
        match self {
            Failure::Deadline { limit, .. } => format!("deadline of {limit:?}"),
            Failure::Memory { limit, used, .. } => {
                format!("memory limit of {limit} bytes, {used} used")
            }
            _ => "its task was killed".to_owned(),
        }
    }
}

#[cfg(target_os = "linux")]
impl Failure {
    /// What is in a record with a status other than [`Status::Returned`]. `None`: it is damaged, or longer
    /// than any worker in its right mind writes.
    pub(crate) fn from_record(status: Status, body: Encoded<'_>) -> Option<Failure> {
        if body.len() > PanicReport::MOST_LEN {
            return None;
        }
        let failure = body.with(|bytes| {
            let text = || String::from_utf8_lossy(bytes).into_owned();
            match status {
                Status::NotDecoded => Some(Failure::NotDecoded(text())),
                Status::NotEncoded => Some(Failure::NotEncoded(text())),
                Status::Panicked => PanicReport::decode(bytes).map(Failure::Panicked),
                Status::NotTaken => Some(Failure::NotSent(text())),
                Status::Returned => unreachable!("the caller has sorted these out"),
            }
        });
        failure.flatten()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::lane::record::header;
    use proptest::prelude::*;

    #[test]
    fn an_answer_is_one_whole_record() {
        let record = |status, body: &[u8]| [&header(status, body.len()), body].concat();
        let returned = record(Status::Returned, b"abc");
        let Some(Answer::Returned(bytes)) = Answer::from_record(&returned) else { panic!("abc") };
        assert_eq!(bytes.with(<[u8]>::to_vec).unwrap(), b"abc");
        assert!(Answer::from_record(&returned[..10]).is_none(), "too short");
        assert!(Answer::from_record(&[&returned[..], b"d"].concat()).is_none(), "too long");
        let not_encoded = record(Status::NotEncoded, b"why");
        let failed = Answer::from_record(&not_encoded);
        let text = |failure: &Failure| matches!(failure, Failure::NotEncoded(why) if why == "why");
        assert!(matches!(&failed, Some(Answer::Failed(failure)) if text(failure)));
        assert!(
            Answer::from_record(&record(Status::Panicked, b"x")).is_none(),
            "no report of a panic"
        );
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Answer::from_record(&bytes);
        }
    }
}
