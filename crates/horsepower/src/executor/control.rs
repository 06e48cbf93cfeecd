//! [`Control`]: what futures can ask of the backend that has their tasks.

use horsepower_core::task::TaskState;
use std::fmt;
use std::time::Instant;

/// What a future can ask of the backend that has its task. A [`TaskState`], which is stored in the
/// future, identifies the task during its whole life.
///
/// Every method may be called at any time and on any thread, even before the task is started and
/// after it has finished.
pub trait Control: Send + Sync + fmt::Debug {
    /// Takes back a task that has not started, then calls `answer`, which fails its future and may
    /// call user code. Returns false if the task has started, has finished, or cannot be taken
    /// back. If a task of several items has started, none of its remaining items may start.
    fn cancel(&self, task: &TaskState, answer: &mut dyn FnMut()) -> bool;

    /// Kills the process that runs the task. Returns false if no process runs it, or if the backend
    /// cannot do that. Default: it cannot.
    fn kill(&self, task: &TaskState) -> bool {
        let _ = task;
        false
    }

    /// True if the task has started and not finished.
    fn is_running(&self, task: &TaskState) -> bool;

    /// True if the task has finished, although its future may not know yet. Default: the future is
    /// always completed first.
    fn has_ended(&self, task: &TaskState) -> bool {
        let _ = task;
        false
    }

    /// Asks the backend to notice the end of the task even if no thread [helps](Self::help).
    /// Default: ends are always noticed.
    fn watch(&self, task: &TaskState) {
        let _ = task;
    }

    /// The calling thread waits for the task and offers its help until `deadline`: it may receive
    /// answers, of this task and of others. Default: no help is needed.
    fn help(&self, task: &TaskState, deadline: Option<Instant>) -> Helped {
        let _ = (task, deadline);
        Helped::NotNeeded
    }

    /// A done-callback was added to a task: a backend with callback threads should have one running
    /// now.
    fn expect_callbacks(&self) {}

    /// True on a callback thread of this backend. When such a thread waits for another task of the
    /// backend, it calls the callbacks of that task itself.
    fn is_callback_thread(&self) -> bool {
        false
    }
}

/// The outcome of an offer to [help](Control::help).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Helped {
    /// Something happened, or the deadline passed: look at the task again.
    LookAgain,
    /// The future will be completed without this thread's help: sleep until then.
    NotNeeded,
}
