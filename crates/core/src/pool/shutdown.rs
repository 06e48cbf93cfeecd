//! The end of a pool, and changes of its size.

use super::books::Books;
use super::events::Event;
use super::member::Member;
use super::settled::Settled;
use super::{Pool, Shared, Tell};
use crate::lane::ring::Seen;
use crate::task::Failure;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How a pool is to be shut down.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shutdown {
    /// What has not begun is cancelled.
    pub cancel_queued: bool,
    /// What runs is ended, with its worker.
    pub kill_running: bool,
    /// How long to wait for the end of everything; `None`: for ever.
    pub patience: Option<Duration>,
}

impl Pool {
    /// Accepts no more tasks, waits until all have ended and their receivers were told, and ends the
    /// workers and the supervisor. Does not wait in one of the pool's own callbacks, which could
    /// only wait for itself; the pool then ends by itself. True: nothing of the pool is left.
    pub fn shutdown(&self, how: Shutdown) -> bool {
        let deadline = how.patience.map(|patience| Instant::now().checked_add(patience));
        self.shared.close(how);
        if self.shared.in_callback() {
            return false;
        }
        let late = |deadline: Option<Instant>| deadline.is_some_and(|at| Instant::now() >= at);
        let mut books = self.shared.lock();
        while self.shared.unresolved.load(Ordering::SeqCst) > 0 || !books.supervisor_ended {
            let idle = &self.shared.idle;
            let Some(Some(at)) = deadline else {
                books = idle.wait(books).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            if late(Some(at)) {
                return false;
            }
            let left = at.saturating_duration_since(Instant::now());
            books = idle.wait_timeout(books, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(books);
        let handle = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(handle) = handle {
            // The supervisor catches its own panics; there is nothing to learn here.
            let _ = handle.join();
        }
        self.shared.decoders.join();
        self.shared.callers.join();
        true
    }

    /// Changes how many workers there may be. More are started when tasks need them; of fewer, those
    /// that have yet to become ready go first, then those that have nothing to do, and the others when
    /// their tasks have ended.
    pub fn resize(&self, workers: usize) {
        let mut books = self.shared.lock();
        books.workers = workers;
        books.retire_surplus();
        self.shared.settle(books, Settled::default(), Tell::Supervisor);
        self.shared.poke();
    }
}

impl Shared {
    /// Accepts no more tasks, and sees to those that are there as `how` says.
    fn close(&self, how: Shutdown) {
        let mut books = self.lock();
        books.close();
        self.closing.store(true, Ordering::SeqCst);
        let mut settled = Settled::default();
        if how.cancel_queued {
            books.cancelling = true;
            // Of tasks of many items that have begun, no further item.
            books.members().for_each(|(_, member)| member.stop_all());
            let mut tasks = books.take_delayed(&mut settled);
            for (_, member) in books.members_mut() {
                tasks.extend(member.take_back(usize::MAX));
            }
            while let Some(task) = books.next_in_queue(&mut settled) {
                tasks.push(task);
            }
            tasks.into_iter().for_each(|task| settled.fail(task, Failure::Cancelled));
        }
        if how.kill_running {
            // What has ended is no longer at the head of its lane.
            books.collect_all(&mut settled);
            let running: Vec<_> = books.members().map(|(i, m)| (i, m.head, m.pid)).collect();
            for (index, head, pid) in running {
                books.doom(index, head, Failure::Killed { pid }, Duration::ZERO);
            }
        }
        self.settle(books, settled, Tell::Here);
        self.poke();
    }

    /// Ends the worker that runs the task with this tag, and the task with it. False: it does not run
    /// in a worker just now.
    pub fn kill(&self, tag: &crate::task::TaskState) -> bool {
        let mut books = self.lock();
        let mut settled = Settled::default();
        books.collect_all(&mut settled);
        let place = tag.place();
        let mut killed = false;
        if let super::place::Place::Lane(index, position) = place
            && let Some(member) = books.members[index].as_ref()
            && member.lane.ring().look(position) == Seen::Running
        {
            let pid = member.pid;
            let task = member.task(position).map(|entry| entry.task.entry.name());
            killed = books.doom(index, position, Failure::Killed { pid }, Duration::ZERO);
            if let Some(task) = task.filter(|_| killed) {
                books.events.push(Event::Killed { pid, task });
            }
        }
        self.settle(books, settled, Tell::Supervisor);
        killed
    }
}

impl Books {
    /// Has the workers go that are more than there may be.
    pub(super) fn retire_surplus(&mut self) {
        let wanted = |member: &Member| !member.leaving && member.condemned.is_none();
        let mut present: Vec<_> = self
            .members()
            .filter(|(_, member)| wanted(member))
            .map(|(index, member)| (member.serves(), member.load(), index))
            .collect();
        present.sort_unstable();
        let surplus = present.len().saturating_sub(self.workers);
        for &(_, _, index) in &present[..surplus] {
            if let Some(member) = self.members[index].as_mut() {
                let tasks = member.take_back(usize::MAX);
                member.retire();
                self.queue_again(tasks);
            }
        }
    }
}
