//! One task, from the submitter's view.
//!
//! | file | what it owns |
//! |---|---|
//! | `options` | [`TaskOptions`]: deadlines, retries and other options of a task |
//! | `builder` | [`TaskBuilder`]: a task with its options, before it is submitted |
//! | `future` | [`TaskFuture`]: the answer, which may still be pending |
//! | `promise` | the executor's half of a future: where the answer is put (step ⑦) |
//! | `future_side` | the future's side of the promise: waiting, taking, cancelling |
//! | `local` | a task that runs in this process, whatever its types |
//! | `queued` | a task that waits for another one of its own thread pool runs it |
//! | `replay` | a call that can be repeated although it consumes its argument |
//! | `watch` | notifies one waiter of whichever of several tasks finishes |
//! | `wait`, `as_completed` | waiting for several futures |

mod as_completed;
mod builder;
mod future;
mod future_side;
pub(crate) mod local;
mod options;
pub(crate) mod promise;
pub(crate) mod queued;
pub(crate) mod replay;
mod wait;
pub(crate) mod watch;

pub use as_completed::{
    AsCompleted, AsCompletedTimeout, Completions, as_completed, as_completed_timeout, completions,
};
pub use builder::TaskBuilder;
pub use future::{AsTaskFuture, TaskFuture};
pub use options::{QueueFull, TaskOptions, TaskOutput};
pub use wait::{Until, Waited, wait, wait_async};
