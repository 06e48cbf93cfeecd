//! [`Call`]: a task in the form for backends that run tasks in this process.

use crate::error::Kind;
use crate::task::local::LocalTask;
use horsepower_core::task::TaskPolicy;
use std::fmt;

/// A task to run in this process: one call, or many of a `map`. Dropping it fails the task.
///
/// It borrows from the submitter. A backend either [runs](Self::run) it at once, or
/// [detaches](Self::detach) it to run it later.
#[must_use = "a call that is dropped fails its task"]
pub struct Call<'a> {
    task: Option<&'a mut dyn LocalTask>,
    policy: Option<&'a TaskPolicy>,
}

impl<'a> Call<'a> {
    pub(super) fn new(task: &'a mut dyn LocalTask, policy: Option<&'a TaskPolicy>) -> Call<'a> {
        Call { task: Some(task), policy }
    }

    /// The options that the backend has to honour, if any. A backend only gets options that it
    /// [supports](super::Backend::can).
    #[must_use]
    pub fn policy(&self) -> Option<&TaskPolicy> {
        self.policy
    }

    /// The task, for the executors of this crate.
    pub(super) fn into_task(self) -> &'a mut dyn LocalTask {
        self.into_parts().0
    }

    /// The task and its policy, for the executors of this crate.
    pub(super) fn into_parts(mut self) -> (&'a mut dyn LocalTask, Option<&'a TaskPolicy>) {
        match self.task.take() {
            Some(task) => (task, self.policy),
            None => unreachable!("only `into_parts` and `drop` take it"),
        }
    }

    /// Makes the call, or all calls, on this thread, and answers. The backend is responsible for
    /// retries.
    pub fn run(self) {
        run(self.into_task());
    }

    /// Detaches the task from the submitter, to keep it or send it to another thread.
    pub fn detach(self) -> DetachedCall {
        DetachedCall(Some(self.into_task().detach()))
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            lose(task);
        }
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.task.as_ref().map(|task| task.promise().name().as_str());
        write!(f, "Call({})", name.unwrap_or_default())
    }
}

/// An owned [`Call`]: it can be kept and sent to another thread. Dropping it fails the task.
#[must_use = "a call that is dropped fails its task"]
pub struct DetachedCall(Option<Box<dyn LocalTask>>);

impl DetachedCall {
    /// True if there is nothing to do because the task was cancelled.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.as_ref().is_none_or(|task| task.promise().is_over())
    }

    /// How many calls this is: more than one if it belongs to a `map`.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.0.as_ref().map_or(0, |task| task.remaining())
    }

    /// Makes the call, or all calls, on this thread, and answers.
    pub fn run(mut self) {
        if let Some(mut task) = self.0.take() {
            run(&mut *task);
            task.release(&|| ());
        }
    }

    /// Refuses the task, because the backend was shut down.
    pub fn refuse(mut self) {
        if let Some(mut task) = self.0.take() {
            refuse(&mut *task, Kind::Shutdown);
        }
    }
}

impl Drop for DetachedCall {
    fn drop(&mut self) {
        if let Some(mut task) = self.0.take() {
            lose(&mut *task);
        }
    }
}

impl fmt::Debug for DetachedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.as_ref().map(|task| task.promise().name().as_str());
        write!(f, "DetachedCall({})", name.unwrap_or_default())
    }
}

/// Makes all calls of the task and answers, unless it was cancelled.
fn run(task: &mut dyn LocalTask) {
    if !task.promise().begin() {
        return;
    }
    task.call(None);
    if task.remaining() > 0 {
        // It was cancelled while it ran.
        task.refuse(Kind::Cancelled);
    }
    let _ = horsepower_core::panic::catch(|| task.drop_function());
    task.publish(None);
}

fn refuse(task: &mut dyn LocalTask, kind: Kind) {
    task.refuse(kind);
    task.publish(None);
}

fn lose(task: &mut dyn LocalTask) {
    // It may be dropped while the thread panics; a panic of user code must not add a second one.
    let _ = horsepower_core::panic::catch(|| refuse(task, Kind::Lost));
}
