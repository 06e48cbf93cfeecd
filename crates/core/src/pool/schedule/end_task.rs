//! Ending a running task: its worker is ended with it.
//!
//! Called for deadlines, for memory limits and by users.

use super::schedule::Schedule;
use crate::lane::ring::Seen;
use crate::task::Failure;
use std::time::Duration;

impl Schedule {
    /// Ends the worker at `index` because of the task at `position`, which runs: after `grace`, or at once.
    /// No other task is hit. False: the task has ended by now, and nothing was done.
    pub(crate) fn end_task(
        &mut self,
        index: usize,
        position: u32,
        failure: Failure,
        grace: Duration,
    ) -> bool {
        let Some(worker) = self.roster.get_mut(index) else { return false };
        // From here on the worker can begin nothing else. Only if the task still runs after that, it is the
        // one that is hit.
        let tasks = worker.take_back(usize::MAX);
        let runs =
            worker.window.head() == position && worker.lane.ring().look(position) == Seen::Running;
        if runs {
            worker.end_task(position, failure, grace);
        }
        let kill_at = worker.stage().kill_at();
        self.queue.put_back(tasks);
        kill_at.into_iter().for_each(|at| self.timers.arm(at));
        runs
    }
}
