//! Where a future's task is: in this process, or with a pool of worker processes, which can be asked
//! about it.

use std::time::Instant;

#[cfg(target_os = "linux")]
pub(crate) use horsepower_core::pool::Helped;
#[cfg(target_os = "linux")]
use horsepower_core::pool::{Shared, TaskState};
#[cfg(target_os = "linux")]
use std::sync::Arc;

/// What came of an offer to help.
#[cfg(not(target_os = "linux"))]
pub(crate) enum Helped {
    #[allow(dead_code)]
    LookAgain,
    NotNeeded,
}

#[derive(Debug)]
pub(crate) enum Origin {
    /// In this process: begun by a thread, ended by it.
    Here,
    /// With a process pool.
    #[cfg(target_os = "linux")]
    Pool { pool: Arc<Shared>, tag: Whose },
}

/// The tag by which the pool knows the task.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(crate) enum Whose {
    /// The future's own.
    Own(TaskState),
    /// That of several items which were put together, of which the future is one view.
    Shared(Arc<TaskState>),
}

#[cfg(target_os = "linux")]
impl Origin {
    pub(crate) fn pool(pool: &Arc<Shared>) -> Origin {
        Origin::Pool { pool: pool.clone(), tag: Whose::Own(TaskState::default()) }
    }

    pub(crate) fn tag(&self) -> &TaskState {
        match self {
            Origin::Pool { tag: Whose::Own(tag), .. } => tag,
            Origin::Pool { tag: Whose::Shared(tag), .. } => tag,
            Origin::Here => unreachable!("only tasks of a pool are asked for their tags"),
        }
    }

    pub(crate) fn is_here(&self) -> bool {
        matches!(self, Origin::Here)
    }

    /// Takes the task back if it has not begun, and then tells of that.
    pub(crate) fn cancel(&self, tell: impl FnOnce()) -> bool {
        match self {
            Origin::Here => false,
            Origin::Pool { pool, .. } => pool.cancel(self.tag(), tell),
        }
    }

    /// Ends the worker that runs the task. False: none does.
    pub(crate) fn kill(&self) -> bool {
        match self {
            Origin::Here => false,
            Origin::Pool { pool, .. } => pool.kill(self.tag()),
        }
    }

    pub(crate) fn running(&self) -> bool {
        match self {
            Origin::Here => false,
            Origin::Pool { pool, .. } => pool.running(self.tag()),
        }
    }

    /// True if the task has begun there before, and has failed.
    pub(crate) fn has_begun(&self) -> bool {
        match self {
            Origin::Here => false,
            Origin::Pool { .. } => self.tag().has_begun(),
        }
    }

    pub(crate) fn watch(&self) {
        if let Origin::Pool { pool, .. } = self {
            pool.watch(self.tag());
        }
    }

    /// True if this thread is there to call callbacks of such tasks.
    pub(crate) fn is_caller(&self) -> bool {
        match self {
            Origin::Here => false,
            Origin::Pool { pool, .. } => pool.is_caller(),
        }
    }

    /// The task has been given a callback.
    pub(crate) fn expect_callbacks(&self) {
        if let Origin::Pool { pool, .. } = self {
            pool.expect_callbacks();
        }
    }

    /// True if the task has ended, though its future may not know yet.
    pub(crate) fn ended(&self) -> bool {
        match self {
            Origin::Here => false,
            Origin::Pool { pool, .. } => pool.ended(self.tag()),
        }
    }

    pub(crate) fn help(&self, deadline: Option<Instant>) -> Helped {
        match self {
            Origin::Here => Helped::NotNeeded,
            Origin::Pool { pool, .. } => pool.help(self.tag(), deadline),
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Origin {
    pub(crate) fn is_here(&self) -> bool {
        true
    }

    pub(crate) fn cancel(&self, _tell: impl FnOnce()) -> bool {
        false
    }

    pub(crate) fn kill(&self) -> bool {
        false
    }

    pub(crate) fn running(&self) -> bool {
        false
    }

    pub(crate) fn has_begun(&self) -> bool {
        false
    }

    pub(crate) fn is_caller(&self) -> bool {
        false
    }

    pub(crate) fn expect_callbacks(&self) {}

    pub(crate) fn watch(&self) {}

    pub(crate) fn ended(&self) -> bool {
        false
    }

    pub(crate) fn help(&self, _deadline: Option<Instant>) -> Helped {
        Helped::NotNeeded
    }
}
