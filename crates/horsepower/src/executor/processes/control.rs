//! Connects the futures of a process pool with the pool.

use crate::executor::{Control, Helped};
use horsepower_core::pool::{self, Shared};
use horsepower_core::task::TaskState;
use std::time::Instant;

impl Control for Shared {
    fn cancel(&self, task: &TaskState, answer: &mut dyn FnMut()) -> bool {
        Shared::cancel(self, task, answer)
    }

    fn kill(&self, task: &TaskState) -> bool {
        Shared::kill(self, task)
    }

    fn is_running(&self, task: &TaskState) -> bool {
        Shared::running(self, task)
    }

    fn has_ended(&self, task: &TaskState) -> bool {
        Shared::ended(self, task)
    }

    fn watch(&self, task: &TaskState) {
        Shared::watch(self, task);
    }

    fn help(&self, task: &TaskState, deadline: Option<Instant>) -> Helped {
        match Shared::help(self, task, deadline) {
            pool::Helped::LookAgain => Helped::LookAgain,
            pool::Helped::NotNeeded => Helped::NotNeeded,
        }
    }

    fn expect_callbacks(&self) {
        Shared::expect_callbacks(self);
    }

    fn is_callback_thread(&self) -> bool {
        self.is_callback_thread()
    }
}
