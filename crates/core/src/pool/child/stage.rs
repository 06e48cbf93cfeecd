//! The stage of one worker: from its start to its death, and who wants it to go.
//!
//! Only this file changes a [`Stage`]. [`WorkerHandle`](super::handle::WorkerHandle) owns it, calls the
//! events below, and does to the process what they say. The pool's lock guards it.
//!
//! | stage         | the worker                                                                      |
//! |---------------|---------------------------------------------------------------------------------|
//! | `Starting`    | was started, and has not reported ready                                         |
//! | `Serving`     | has reported ready                                                              |
//! | `Disconnected`| can be sent nothing any more; it probably just died                             |
//! | `Retiring`    | was told to leave when its lane is empty, and counts as a worker until it is gone |
//! | `Leaving`     | was told to leave because there will be no more work                            |
//! | `Condemned`   | must be killed by the supervisor; its lane is not collected any more            |
//! | `Terminating` | got a SIGTERM because of its task, and gets a SIGKILL later                     |
//! | `Killed`      | got a SIGKILL                                                                   |
//!
//! Tasks are put into a lane while its worker is `Starting` or `Serving`, and in no other stage. A worker
//! is gone when the supervisor sees its death, whatever the stage.
//!
//! | event          | from                                         | to                                    |
//! |----------------|----------------------------------------------|---------------------------------------|
//! | `arrived`      | `Starting`, `Disconnected`, `Retiring`, not ready | the same, with no time limit     |
//! | `report_ready` | `Starting`                                   | `Serving`                             |
//! |                | any other that is not ready                  | the same, ready; if it is `Disconnected` or `Retiring`, with no time limit |
//! | `disconnect`   | `Starting`, `Serving`                        | `Disconnected`                        |
//! | `retire`       | `Starting`, `Serving`, `Disconnected`        | `Retiring`                            |
//! | `leave_by`     | `Retiring`, ready, with no time limit        | `Retiring`, with one                  |
//! | `release`      | `Starting`, `Serving`, `Disconnected`        | `Leaving`, with a time limit          |
//! |                | `Retiring` with no time limit                | `Retiring`, with one                  |
//! |                | `Condemned`, `Killed`, not retired before    | the same; it will not be replaced     |
//! |                | `Terminating`                                | the same, killed no later than that   |
//! | `condemn`      | `Starting`, `Serving`, `Disconnected`, `Retiring`, `Leaving` | `Condemned`           |
//! |                | `Killed`, for no reason                      | `Killed`, for this reason             |
//! | `end_task`     | all but `Terminating` and `Killed`           | `Terminating`, or `Killed` without a grace |
//! |                | `Terminating`, without a grace               | `Killed`, for this task               |
//! |                | `Killed`, for no task or by the user         | `Killed`, for this task               |
//! | `kill`         | all but `Killed`                             | `Killed`                              |
//!
//! Every other event is refused: it changes nothing and returns `false`.

use crate::task::Failure;
use std::time::Instant;

/// What a worker is doing, as far as the parent knows. See the module.
#[derive(Debug)]
pub(crate) enum Stage {
    /// It has until `by` to come to `init`; `None` once it has come there, or if it may take for ever.
    Starting {
        by: Option<Instant>,
    },
    Serving,
    Disconnected {
        ready: bool,
        by: Option<Instant>,
    },
    /// `by`: until when it may start, if it is not ready; else until when it may take to leave.
    Retiring {
        ready: bool,
        by: Option<Instant>,
    },
    Leaving {
        ready: bool,
        by: Option<Instant>,
    },
    Condemned {
        past: Past,
        why: String,
    },
    Terminating {
        past: Past,
        why: String,
        task: EndedTask,
        kill_at: Instant,
    },
    Killed {
        past: Past,
        why: Option<String>,
        task: Option<EndedTask>,
    },
}

/// What is still known of the stages before one in which a worker is to be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Past {
    /// It has reported ready.
    ready: bool,
    told: Told,
}

/// Whether a worker was told to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    /// It was told to leave and will be replaced.
    Retire,
    /// It was told to leave because there will be no more work.
    Leave,
}

/// The task for which a worker is killed: its position in the lane, and the failure that its receiver is
/// told.
#[derive(Clone, Debug)]
pub(crate) struct EndedTask {
    pub(crate) position: u32,
    pub(crate) failure: Failure,
}

/// The signal that an event asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    None,
    Terminate,
    Kill,
}

/// What is said of a worker that is killed for a task.
const FOR_ITS_TASK: &str = "its task is to end";

impl Stage {
    /// The stage of a new worker, which has until `by` to come to `init`.
    pub(crate) fn starting(by: Option<Instant>) -> Stage {
        Stage::Starting { by }
    }

    /// The worker has come to `init`: however long its initializer takes, it does not fail to start.
    pub(crate) fn arrived(&mut self) -> bool {
        match self {
            Stage::Starting { by }
            | Stage::Disconnected { ready: false, by }
            | Stage::Retiring { ready: false, by } => by.take().is_some(),
            _ => false,
        }
    }

    /// The worker says that it serves. True: it had not said so before.
    pub(crate) fn report_ready(&mut self) -> bool {
        match self {
            Stage::Starting { .. } => {
                *self = Stage::Serving;
                true
            }
            Stage::Serving => false,
            Stage::Disconnected { ready, by } | Stage::Retiring { ready, by } => {
                if !*ready {
                    *by = None;
                }
                !std::mem::replace(ready, true)
            }
            Stage::Leaving { ready, .. } => !std::mem::replace(ready, true),
            Stage::Condemned { past, .. }
            | Stage::Terminating { past, .. }
            | Stage::Killed { past, .. } => !std::mem::replace(&mut past.ready, true),
        }
    }

    /// Nothing can be sent to the worker any more.
    pub(crate) fn disconnect(&mut self) -> bool {
        let (ready, by) = match *self {
            Stage::Starting { by } => (false, by),
            Stage::Serving => (true, None),
            _ => return false,
        };
        *self = Stage::Disconnected { ready, by };
        true
    }

    /// The worker is to be replaced: it is told to leave when its lane is empty.
    pub(crate) fn retire(&mut self) -> bool {
        let (ready, by) = match *self {
            Stage::Starting { by } => (false, by),
            Stage::Serving => (true, None),
            Stage::Disconnected { ready, by } => (ready, by),
            _ => return false,
        };
        *self = Stage::Retiring { ready, by };
        true
    }

    /// The lane of a worker that is to be replaced is empty: it has until `at` to be gone.
    pub(crate) fn leave_by(&mut self, at: Instant) -> bool {
        match self {
            Stage::Retiring { ready: true, by: by @ None } => {
                *by = Some(at);
                true
            }
            _ => false,
        }
    }

    /// There will be no more work: the worker has until `at` to be gone, and is not replaced.
    pub(crate) fn release(&mut self, at: Instant) -> bool {
        let (ready, by) = match self {
            Stage::Starting { by } => (false, *by),
            Stage::Serving => (true, None),
            Stage::Disconnected { ready, by } => (*ready, *by),
            Stage::Retiring { by: by @ None, .. } => {
                *by = Some(at);
                return true;
            }
            Stage::Retiring { .. } | Stage::Leaving { .. } => return false,
            Stage::Terminating { past, kill_at, .. } => {
                let sooner = at < *kill_at;
                *kill_at = at.min(*kill_at);
                return past.release() || sooner;
            }
            Stage::Condemned { past, .. } | Stage::Killed { past, .. } => return past.release(),
        };
        *self = Stage::Leaving { ready, by: by.or(Some(at)) };
        true
    }

    /// The worker must be killed, and why. The first reason stands.
    pub(crate) fn condemn(&mut self, reason: impl FnOnce() -> String) -> bool {
        match self {
            Stage::Condemned { .. } | Stage::Terminating { .. } => return false,
            Stage::Killed { why: Some(_), .. } => return false,
            Stage::Killed { why: why @ None, .. } => *why = Some(reason()),
            _ => *self = Stage::Condemned { past: self.past(), why: reason() },
        }
        true
    }

    /// The running task must end, and the worker with it: at `kill_at`, after a SIGTERM, or at once. Returns
    /// the signal to send, or `None` if the event was refused.
    pub(crate) fn end_task(&mut self, task: EndedTask, kill_at: Option<Instant>) -> Option<Signal> {
        match self {
            // What the user has killed is not tried again, whatever else is wrong with the worker.
            Stage::Killed { task: ended, why, .. } => {
                if ended.is_some() && !matches!(task.failure, Failure::Killed { .. }) {
                    return None;
                }
                why.get_or_insert_with(|| FOR_ITS_TASK.to_owned());
                *ended = Some(task);
                return Some(Signal::None);
            }
            Stage::Terminating { .. } if kill_at.is_some() => return None,
            _ => {}
        }
        let past = self.past();
        let why = self.why().unwrap_or(FOR_ITS_TASK).to_owned();
        match kill_at {
            Some(kill_at) => {
                *self = Stage::Terminating { past, why, task, kill_at };
                Some(Signal::Terminate)
            }
            None => {
                *self = Stage::Killed { past, why: Some(why), task: Some(task) };
                Some(Signal::Kill)
            }
        }
    }

    /// The worker gets a SIGKILL.
    pub(crate) fn kill(&mut self) -> bool {
        let past = self.past();
        let (why, task) = match self {
            Stage::Killed { .. } => return false,
            Stage::Condemned { why, .. } => (Some(std::mem::take(why)), None),
            Stage::Terminating { why, task, .. } => (Some(std::mem::take(why)), Some(task.clone())),
            _ => (None, None),
        };
        *self = Stage::Killed { past, why, task };
        true
    }

    fn past(&self) -> Past {
        let (ready, told) = match *self {
            Stage::Starting { .. } => (false, Told::Nothing),
            Stage::Serving => (true, Told::Nothing),
            Stage::Disconnected { ready, .. } => (ready, Told::Nothing),
            Stage::Retiring { ready, .. } => (ready, Told::Retire),
            Stage::Leaving { ready, .. } => (ready, Told::Leave),
            Stage::Condemned { past, .. }
            | Stage::Terminating { past, .. }
            | Stage::Killed { past, .. } => return past,
        };
        Past { ready, told }
    }

    /// True if it has reported ready, whatever has happened since.
    pub(crate) fn is_ready(&self) -> bool {
        self.past().ready
    }

    /// True if it was told to leave.
    pub(crate) fn was_told_to_leave(&self) -> bool {
        self.past().told != Told::Nothing
    }

    /// True if it was told to leave, to be replaced.
    pub(crate) fn is_retired(&self) -> bool {
        self.past().told == Told::Retire
    }

    /// True if it was told to leave because there will be no more work.
    pub(crate) fn is_released(&self) -> bool {
        self.past().told == Told::Leave
    }

    /// True if tasks may be put into its lane.
    pub(crate) fn takes_tasks(&self) -> bool {
        matches!(self, Stage::Starting { .. } | Stage::Serving)
    }

    /// True if it has not reported ready, and nobody has told it to leave.
    pub(crate) fn is_starting(&self) -> bool {
        self.past() == Past { ready: false, told: Told::Nothing }
    }

    /// True if it is to stay.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.was_told_to_leave() && self.why().is_none()
    }

    /// True if it counts as one of the workers that the pool has. One that is to be replaced does, until it
    /// is gone: there are never more than asked for.
    pub(crate) fn counts(&self) -> bool {
        !self.is_released() && self.why().is_none()
    }

    /// Why the pool ends it, if it does: from then on its lane is not collected.
    pub(crate) fn why(&self) -> Option<&str> {
        match self {
            Stage::Condemned { why, .. } | Stage::Terminating { why, .. } => Some(why),
            Stage::Killed { why, .. } => why.as_deref(),
            _ => None,
        }
    }

    /// The task for which the pool ends it, if it does so for one.
    pub(crate) fn ended_task(&self) -> Option<&EndedTask> {
        match self {
            Stage::Terminating { task, .. } => Some(task),
            Stage::Killed { task, .. } => task.as_ref(),
            _ => None,
        }
    }

    pub(crate) fn is_condemned(&self) -> bool {
        matches!(self, Stage::Condemned { .. })
    }

    /// When it is to be killed although its task still runs.
    pub(crate) fn kill_at(&self) -> Option<Instant> {
        match self {
            Stage::Terminating { kill_at, .. } => Some(*kill_at),
            _ => None,
        }
    }

    /// When the supervisor is to look whether it has come to `init`, or has left.
    pub(crate) fn due(&self) -> Option<Instant> {
        match *self {
            Stage::Starting { by }
            | Stage::Disconnected { by, .. }
            | Stage::Retiring { by, .. }
            | Stage::Leaving { by, .. } => by,
            _ => None,
        }
    }

    /// True if it should have come to `init`, or have left, by now.
    pub(crate) fn is_late(&self, now: Instant) -> bool {
        self.due().is_some_and(|by| by <= now)
    }
}

impl Past {
    /// It will not be replaced, unless it was to be replaced already.
    fn release(&mut self) -> bool {
        let changes = self.told == Told::Nothing;
        if changes {
            self.told = Told::Leave;
        }
        changes
    }
}

#[cfg(test)]
mod tests;
