//! How long one runner keeps the items of a task of many items to itself.
//!
//! Both pools use it: a worker process ([`crate::worker`]) and a thread of the thread pool.

use std::time::Duration;

/// How long a worker goes on with the items of one task before it hands the rest back.
///
/// Items that turn out slow are so shared among all workers. It is long beside the cost of a round trip
/// and short for a person.
pub const PATIENCE: Duration = Duration::from_millis(5);
