//! Who is told of the end of a task, and what they are told.
//!
//! The futures of the `horsepower` crate implement [`Receiver`]; whoever runs tasks calls it, outside of
//! any lock. This is where a task's way leads back up: the layer below calls the layer above.

use crate::callback_threads::FollowUp;
use crate::death::Death;
use crate::lane::payload::Encoded;
use crate::task::state::TaskState;
use crate::wire::panic::PanicReport;
use std::sync::Arc;
use std::time::Duration;

/// Who is told how a task ended: a future. Called outside of every lock, on whichever thread noticed the
/// end; once for each item.
pub trait Receiver: Send + Sync + std::fmt::Debug {
    /// The state of the task, for whoever runs it.
    fn tag(&self) -> &TaskState;
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
    /// The pool is broken; why.
    Broken(Arc<str>),
    /// The task was cancelled when the pool was shut down, or its remaining items were cancelled while it ran.
    Cancelled,
    /// The pool had been shut down before the task was submitted.
    Shutdown,
}
