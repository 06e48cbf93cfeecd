//! The tasks in the lane of one worker: the parent's own notes about what it has put there.
//!
//! Owned by [`WorkerHandle`](super::handle::WorkerHandle), filled by `put`, emptied by `collect`. How far
//! the worker has come with a task is in the state word in the lane, not here.

use super::segments::Segment;
use crate::lane::state::{SLOTS, index};
use crate::pool::task::Task;
use crate::task::TaskState;
use crate::wire::capture::Capture;
use std::time::Instant;

/// A task in the lane.
#[derive(Debug)]
pub(crate) struct InLane {
    pub(crate) task: Task,
    pub(crate) segment: Option<Segment>,
    pub(crate) capture: Option<Capture>,
    /// When it was put here.
    pub(crate) since: Instant,
    /// When the supervisor is to check whether it is past its deadline; `None` while it waits behind another
    /// task, and if it has none.
    pub(crate) check_at: Option<Instant>,
    /// It was seen to run.
    pub(crate) ran: bool,
    /// Counted in [`Window::watched`].
    watched: bool,
}

impl InLane {
    /// A task that was put into the lane at `since`.
    pub(crate) fn new(
        task: Task,
        segment: Option<Segment>,
        capture: Option<Capture>,
        since: Instant,
    ) -> InLane {
        let watched = task.state().is_watched();
        InLane { task, segment, capture, since, check_at: None, ran: false, watched }
    }
}

/// The positions of the lane from the first task that was not collected to the first that is free.
#[derive(Debug)]
pub(crate) struct Window {
    /// The first position whose task was not collected. Never at a hole, so that `tail` is never more than
    /// one lap ahead of it.
    head: u32,
    /// The first position that was not filled.
    tail: u32,
    tasks: Box<[Option<InLane>]>,
    in_flight: usize,
    watched: usize,
    /// Large tasks on their way into the lane.
    staged: usize,
    /// The number of the last capture that the worker was sent files for.
    pub(crate) captures: u32,
}

impl Window {
    pub(crate) fn new() -> Window {
        let tasks = (0..SLOTS).map(|_| None).collect();
        Window { head: 0, tail: 0, tasks, in_flight: 0, watched: 0, staged: 0, captures: 0 }
    }

    /// The position of the first task that was not collected, if there is one.
    pub(crate) fn first(&self) -> Option<u32> {
        (self.head != self.tail).then_some(self.head)
    }

    /// The position of the next task, or of the first one if there is one.
    pub(crate) fn head(&self) -> u32 {
        self.head
    }

    /// The position that the next task gets.
    pub(crate) fn tail(&self) -> u32 {
        self.tail
    }

    /// Tasks in the lane.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Tasks in the lane or on the way into it.
    pub(crate) fn load(&self) -> usize {
        self.in_flight + self.staged
    }

    /// True if the lane can take one more task.
    pub(crate) fn has_room(&self) -> bool {
        self.tasks[index(self.tail)].is_none() && self.load() < SLOTS as usize
    }

    /// True if the end of a task in the lane must be noticed although no thread helps.
    pub(crate) fn is_watched(&self) -> bool {
        self.watched > 0
    }

    /// A large task is on its way into the lane.
    pub(crate) fn stage(&mut self) {
        self.staged += 1;
    }

    /// A large task has arrived in the lane, or goes elsewhere.
    pub(crate) fn unstage(&mut self) {
        self.staged -= 1;
    }

    pub(crate) fn get(&self, position: u32) -> Option<&InLane> {
        self.tasks[index(position)].as_ref()
    }

    pub(crate) fn get_mut(&mut self, position: u32) -> Option<&mut InLane> {
        self.tasks[index(position)].as_mut()
    }

    /// The tasks in the lane.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &InLane> {
        self.tasks.iter().flatten()
    }

    /// Notes the task that was put at the [`tail`](Window::tail), where there is [room](Window::has_room).
    pub(crate) fn push(&mut self, entry: InLane) {
        let position = self.tail;
        self.tail = position.wrapping_add(1);
        self.in_flight += 1;
        self.watched += usize::from(entry.watched);
        self.tasks[index(position)] = Some(entry);
    }

    /// Takes out the task at `position`.
    pub(crate) fn remove(&mut self, position: u32) -> Option<InLane> {
        let entry = self.tasks[index(position)].take()?;
        self.in_flight -= 1;
        self.watched -= usize::from(entry.watched);
        while self.head != self.tail && self.tasks[index(self.head)].is_none() {
            self.head = self.head.wrapping_add(1);
        }
        Some(entry)
    }

    /// Counts the task at `position` as watched.
    pub(crate) fn watch_at(&mut self, position: u32) {
        if let Some(entry) = self.tasks[index(position)].as_mut() {
            self.watched += usize::from(!std::mem::replace(&mut entry.watched, true));
        }
    }

    /// Counts all parts of the task with this state as watched.
    pub(crate) fn watch(&mut self, state: &TaskState) {
        for entry in self.tasks.iter_mut().flatten() {
            if std::ptr::eq(entry.task.state(), state) {
                self.watched += usize::from(!std::mem::replace(&mut entry.watched, true));
            }
        }
    }

    /// The slots that hold parts of the task with this state.
    pub(crate) fn slots_of<'a>(&'a self, state: &'a TaskState) -> impl Iterator<Item = u32> + 'a {
        let holds = |slot: &Option<InLane>| {
            slot.as_ref().is_some_and(|entry| std::ptr::eq(entry.task.state(), state))
        };
        (0..SLOTS).filter(move |&slot| holds(&self.tasks[slot as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::task::samples::{framed, single};

    fn entry(task: Task) -> InLane {
        InLane::new(task, None, None, Instant::now())
    }

    fn fill(window: &mut Window, tasks: u32) {
        (0..tasks).for_each(|_| window.push(entry(single(b""))));
    }

    #[test]
    fn positions_go_round_and_the_head_is_never_a_hole() {
        let mut window = Window::new();
        for lap in 0..3 {
            assert_eq!((window.first(), window.load()), (None, 0));
            fill(&mut window, 5);
            let head = window.head();
            assert_eq!((window.first(), window.tail()), (Some(head), head + 5));
            assert!(window.remove(head + 1).is_some() && window.remove(head + 1).is_none());
            assert_eq!(window.first(), Some(head), "{lap}");
            assert!(window.remove(head).is_some());
            assert_eq!(window.first(), Some(head + 2), "past the hole");
            assert!(window.remove(head + 4).is_some());
            assert_eq!((window.in_flight(), window.iter().count()), (2, 2));
            window.remove(head + 2);
            window.remove(head + 3);
            assert_eq!(window.head(), window.tail());
        }
    }

    #[test]
    fn a_lane_has_room_until_its_slots_are_taken() {
        let mut window = Window::new();
        fill(&mut window, SLOTS - 1);
        assert!(window.has_room());
        window.stage();
        assert!(!window.has_room(), "the last slot is for the task on its way");
        window.unstage();
        fill(&mut window, 1);
        assert!(!window.has_room());
        // One that is taken out of the middle leaves a hole, which the next lap cannot use yet.
        window.remove(1);
        assert!(!window.has_room() && window.load() < SLOTS as usize);
        window.remove(0);
        assert!(window.has_room());
    }

    #[test]
    fn each_watched_task_is_counted_once() {
        let mut window = Window::new();
        fill(&mut window, 1);
        let mut task = framed(4);
        let part = task.split_off(2);
        let receiver = task.receiver.clone();
        window.push(entry(task));
        window.push(entry(part));
        window.push(entry(single(b"").watched()));
        assert_eq!(window.watched, 1, "it was watched before it came");
        assert_eq!(window.slots_of(receiver.task_state()).collect::<Vec<_>>(), [1, 2]);
        window.watch(receiver.task_state());
        window.watch(receiver.task_state());
        window.watch_at(1);
        window.watch_at(3);
        assert_eq!(window.watched, 3);
        window.watch_at(0);
        (0..4).for_each(|position| drop(window.remove(position)));
        assert!(!window.is_watched());
    }
}
