//! [`Control`]: what a future asks of the backend that has its task.

use horsepower_core::task::TaskState;
use std::fmt;
use std::time::Instant;

/// What a future asks of the backend that has its task. Each task is known by its [`TaskState`], which
/// lies in the future itself and is the same from the start of the task to its end.
///
/// Every method may be called at any time and on any thread, before the task was started and after it has
/// ended too.
pub trait Control: Send + Sync + fmt::Debug {
    /// Takes back a task that has not begun, and then calls `answer`, which fails its future; it may
    /// call code of the user. False: the task has begun, or has ended, or cannot be taken back. Of a
    /// task of several items that has begun, none may begin any more.
    fn cancel(&self, task: &TaskState, answer: &mut dyn FnMut()) -> bool;

    /// Ends the process that runs the task, and the task with it. False: none does, or that cannot be
    /// done. Default: it cannot.
    fn kill(&self, task: &TaskState) -> bool {
        let _ = task;
        false
    }

    /// True if the task has begun and not ended.
    fn is_running(&self, task: &TaskState) -> bool;

    /// True if the task has ended, though its future may not have been told yet. Default: its future
    /// is always told first.
    fn has_ended(&self, task: &TaskState) -> bool {
        let _ = task;
        false
    }

    /// The end of the task is to be noticed although nobody waits for it: from now on somebody does
    /// without [helping](Self::help). Default: ends are always noticed.
    fn watch(&self, task: &TaskState) {
        let _ = task;
    }

    /// The calling thread waits for the task, and offers its help until `deadline`: it may receive
    /// answers, of this task and of others. Default: no help is needed.
    fn help(&self, task: &TaskState, deadline: Option<Instant>) -> Helped {
        let _ = (task, deadline);
        Helped::NotNeeded
    }

    /// A task has been given a done-callback: if there are threads for those, there should be one now.
    fn expect_callbacks(&self) {}

    /// True on a thread of this backend that is there to call done-callbacks. Such a thread, when it
    /// waits for another task of the backend, calls the callbacks of that task itself.
    fn is_callback_thread(&self) -> bool {
        false
    }
}

/// What came of an offer to [help](Control::help).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Helped {
    /// Something happened, or the time is over: look at the task again.
    LookAgain,
    /// The future will be told without this thread's help: sleep until then.
    NotNeeded,
}
