//! What a worker that has died leaves in its lane.
//!
//! Results that are complete count, the task that was running died with it, and tasks that had not begun go
//! to another worker: the state words say exactly which is which.

use super::books::Books;
use super::collect::{Found, find, settle_found};
use super::member::InLane;
use super::place::Place;
use super::settled::{End, How, Settled};
use super::task::Task;
use crate::death::Death;
use crate::lane::ring::Seen;
use crate::task::Failure;
use crate::wire::capture::Capture;
use smallvec::SmallVec;

impl Books {
    /// A worker has died: results that are complete count, the task that was running died with it,
    /// and tasks that had not begun go to another worker.
    pub(super) fn bury(&mut self, index: usize, death: &Death, settled: &mut Settled) {
        self.collect(index, settled);
        let Some(mut member) = self.members[index].take() else {
            return;
        };
        let mut rest = Vec::new();
        while {
            member.skip_to_task();
            member.head != member.tail
        } {
            let position = member.head;
            let seen = member.lane.ring().look(position);
            let doom = member.doom.as_ref().filter(|doom| doom.0 == position);
            let doom = doom.map(|doom| doom.1.clone());
            let found = match seen {
                Seen::Running => find(&mut member, index, position, true),
                Seen::Done if doom.is_some() => find(&mut member, index, position, true),
                _ => Ok(Found { items: 0, nanos: 0, reply: None }),
            };
            let Some(InLane { mut task, capture, .. }) = member.remove(position) else {
                break;
            };
            match (seen, found) {
                // Also if it has just ended after all: it was too late.
                (Seen::Running | Seen::Done, _) if doom.is_some() && !task.is_framed() => {
                    let failure = doom.unwrap_or(Failure::Cancelled);
                    self.fail_or_retry(task, failure, capture, settled);
                }
                (Seen::Ready, _) if member.alone => {
                    let why = member.condemned.clone();
                    settled.fail(task, Failure::NeverBegan { death: death.clone(), why });
                }
                (Seen::Ready, _) => rest.push(task),
                (Seen::Done, Ok(found)) if doom.is_some() => {
                    rest.extend(settle_found(task, found, member.pid, capture, settled));
                }
                (Seen::Running, Ok(found)) => {
                    let pid = member.pid;
                    let failure = doom.unwrap_or_else(|| Failure::Died(death.clone()));
                    if !task.is_framed() && found.items == 0 {
                        self.fail_or_retry(task, failure, capture, settled);
                        continue;
                    }
                    let Some(left) = settle_found(task, found, pid, capture, settled) else {
                        continue;
                    };
                    task = left;
                    let victim = task.items().start;
                    task.advance(1);
                    let over = task.remaining() == 0;
                    if over {
                        task.state().set_place(Place::Ended);
                    }
                    settled.ends.push(End {
                        receiver: task.receiver.clone(),
                        items: victim..victim + 1,
                        nanos: 0,
                        how: How::Failed(failure),
                        capture: None,
                        over: false,
                        whole: None,
                    });
                    if over { settled.finish(task) } else { rest.push(task) }
                }
                (_, found) => {
                    let what = found.err().unwrap_or_else(|| format!("{seen:?} in its lane"));
                    settled.fail(task, Failure::Protocol { pid: member.pid, what });
                }
            }
        }
        self.requeue(rest, settled);
        if member.attended {
            member.lane.ring().bell().wake();
        }
    }

    /// The task has failed with its worker: it is tried again, or ends.
    fn fail_or_retry(
        &mut self,
        mut task: Task,
        failure: Failure,
        capture: Option<Capture>,
        settled: &mut Settled,
    ) {
        let wanted = !self.cancelling && !matches!(failure, Failure::Killed { .. });
        match task.retry().filter(|_| wanted) {
            Some(pause) => self.delay(task, pause),
            None => settled.fail_printed(task, failure, capture),
        }
    }

    /// Puts tasks back to the front of the queue, in their order. The rest of a task of many items is
    /// split among the workers that have nothing to do.
    pub(super) fn requeue(&mut self, tasks: impl IntoIterator<Item = Task>, settled: &mut Settled) {
        let tasks: SmallVec<[Task; 1]> = tasks.into_iter().collect();
        for mut task in tasks.into_iter().rev() {
            if task.state().is_stopped() {
                settled.fail(task, Failure::Cancelled);
                continue;
            }
            let others = if task.has_begun() { self.spare_workers() as u32 } else { 0 };
            let share = task.remaining().div_ceil(others + 1).max(1);
            while task.remaining() > share {
                let part = task.split_off(share);
                part.state().set_place(Place::Scattered);
                settled.parts += 1;
                self.queue.push_front(part);
            }
            // One that has begun cannot be taken back whole any more.
            let begun = task.has_begun();
            task.state().set_place(if begun { Place::Scattered } else { Place::Queue });
            self.queue.push_front(task);
        }
    }
}
