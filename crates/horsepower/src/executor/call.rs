//! [`Call`]: a task as a backend gets it that runs tasks in this process.

use crate::error::Kind;
use crate::task::local::LocalTask;
use horsepower_core::task::TaskPolicy;
use std::fmt;

/// A task that is to run in this process: one call, or many of a `map`. Dropping it fails the task.
///
/// It is borrowed from the one who submits it. A backend either [runs](Self::run) it at once, or
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

    /// What the task asks for beyond being run; `None`: nothing. A backend is only given what it
    /// [can](super::Backend::can) do.
    #[must_use]
    pub fn policy(&self) -> Option<&TaskPolicy> {
        self.policy
    }

    /// The task, for the executors of this crate.
    pub(super) fn into_task(mut self) -> &'a mut dyn LocalTask {
        match self.task.take() {
            Some(task) => task,
            None => unreachable!("only this and `drop` take it"),
        }
    }

    /// Makes the call, or all calls, on this thread, and answers. Retries are up to the backend.
    pub fn run(self) {
        run(self.into_task());
    }

    /// The same task, to be kept or sent to another thread.
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

/// A [`Call`] of its own: it can be kept and sent to another thread. Dropping it fails the task.
#[must_use = "a call that is dropped fails its task"]
pub struct DetachedCall(Option<Box<dyn LocalTask>>);

impl DetachedCall {
    /// True if nothing is left to do: the task was cancelled.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.as_ref().is_none_or(|task| task.promise().is_over())
    }

    /// How many calls it is: more than one if it comes from a `map`.
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

    /// Fails the task: it is refused, because the backend was shut down.
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

/// Makes all calls of the task, and answers; unless it was cancelled.
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
    // It may be dropped while a thread panics; what the user's code does then is its own affair.
    let _ = horsepower_core::panic::catch(|| refuse(task, Kind::Lost));
}
