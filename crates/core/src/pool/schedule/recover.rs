//! What a worker that has died leaves in its lane.
//!
//! Called by the supervisor once the process was reaped. Results that are complete count, the task that was
//! running died with the worker, and tasks that had not begun go to another worker: the state words say
//! exactly which is which.

use super::collect::{Found, answer, find};
use super::schedule::Schedule;
use crate::death::Death;
use crate::lane::ring::Seen;
use crate::pool::child::handle::Kind;
use crate::pool::child::helper::Helper;
use crate::pool::child::window::InLane;
use crate::pool::delivery::outbox::Outbox;
use crate::pool::place::Place;
use crate::pool::task::Task;
use crate::task::Failure;

impl Schedule {
    /// Removes a worker that has died, and finds out what became of each task in its lane.
    pub(crate) fn recover(&mut self, index: usize, death: &Death, outbox: &mut Outbox) {
        self.collect(index, outbox);
        let Some(mut worker) = self.roster.remove(index) else {
            return;
        };
        let pid = worker.pid();
        let served = worker.stage().is_ready();
        let mut rest: Vec<Task> = Vec::new();
        while let Some(position) = worker.window.first() {
            let mut seen = worker.lane.ring().look(position);
            if seen == Seen::Ready && worker.has_begun(position) {
                // It has gone mad, and has changed the word.
                seen = Seen::Running;
            }
            // The task for which the worker was ended, if this is it, and what is said of that.
            let ended = worker.stage().ended_task().filter(|ended| ended.position == position);
            let ended = ended.map(|ended| ended.failure.clone());
            let found = match seen {
                Seen::Running => find(&mut worker, index, position, true),
                Seen::Done if ended.is_some() => find(&mut worker, index, position, true),
                _ => Ok(Found::NOTHING),
            };
            let Some(InLane { mut task, capture, .. }) = worker.remove(position) else {
                break;
            };
            match (seen, found) {
                // Also if the task has just ended after all: it was too late.
                (Seen::Running | Seen::Done, _) if ended.is_some() && !task.is_framed() => {
                    let failure = ended.unwrap_or(Failure::Cancelled);
                    self.retry_or_fail(task, failure, capture, outbox);
                }
                (Seen::Ready, _) if worker.kind == Kind::Dedicated => {
                    let why = worker.stage().why().map(str::to_owned);
                    outbox.fail(task, Failure::NeverBegan { death: death.clone(), why });
                }
                (Seen::Ready, _) if served && rest.is_empty() && !task.survives_loss() => {
                    outbox.fail(task, Failure::Died(death.clone()));
                }
                (Seen::Ready, _) => rest.push(task),
                (Seen::Done, Ok(found)) if ended.is_some() => {
                    rest.extend(answer(task, found, pid, capture, outbox));
                }
                (Seen::Running, Ok(found)) => {
                    let failure = ended.unwrap_or_else(|| Failure::Died(death.clone()));
                    if !task.is_framed() && found.items == 0 {
                        self.retry_or_fail(task, failure, capture, outbox);
                        continue;
                    }
                    let Some(left) = answer(task, found, pid, capture, outbox) else {
                        continue;
                    };
                    task = left;
                    // The first item without a result is the one that died.
                    let victim = task.items().start;
                    task.advance(1);
                    let over = task.remaining() == 0;
                    if over {
                        task.state().set_place(Place::Ended);
                    }
                    outbox.fail_item(&task, victim, failure);
                    if over { outbox.finish(task) } else { rest.push(task) }
                }
                (_, found) => {
                    let what = found.err().unwrap_or_else(|| format!("{seen:?} in its lane"));
                    outbox.fail(task, Failure::Protocol { pid, what });
                }
            }
        }
        self.requeue(rest, outbox);
        if worker.helper != Helper::None {
            worker.lane.ring().bell().wake();
        }
    }
}
