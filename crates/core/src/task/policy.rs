//! The options of a task that whoever runs it has to keep.
//!
//! Set when the task is submitted. Relies on nothing.

use std::time::Duration;

/// The options of a task that whoever runs it has to keep. The default has no special needs.
#[derive(Clone, Debug, Default)]
pub struct TaskPolicy {
    /// How long each call may run, from the moment it begins. After that its worker is killed.
    pub deadline: Option<Duration>,
    /// How long after the deadline a worker has from SIGTERM to SIGKILL. Zero: SIGKILL at once.
    pub grace: Duration,
    /// How long the task may wait until it begins.
    pub queue_deadline: Option<Duration>,
    /// How many times the task may be begun again after it has failed; only for a task of one call.
    pub retries: u32,
    /// How long to wait before the first retry; twice as long before each further one.
    pub backoff: Duration,
    /// Capture what the task prints and hand it over; only for a task of one call.
    pub capture: bool,
}
