//! [`Roster`]: the threads of a pool, and which of them wait for a job.
//!
//! These threads are our own and no library's because of three promises: there are as many as there are
//! tasks to run and no more, so tasks that follow one another, however fast, need one thread; numbers in
//! names are reused; threads end by themselves once no task can come any more. Changed under the lock of
//! [`super::pool`].

use std::thread::{JoinHandle, Thread};

/// See the module.
#[derive(Default)]
pub(super) struct Roster {
    /// The maximum number of threads.
    most: usize,
    /// The handles by the numbers in the threads' names.
    handles: Vec<Option<JoinHandle<()>>>,
    living: usize,
    /// Threads that wait for a job. The last one to come is called first, so that the others can leave when
    /// there is little to do.
    idle: Vec<(usize, Thread)>,
    /// How many threads are on their way to the queue: starting, called, or about to end their job.
    coming: usize,
}

impl Roster {
    pub(super) fn new(most: usize) -> Roster {
        Roster { most, ..Roster::default() }
    }

    /// The maximum number of threads.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    pub(super) fn set_most(&mut self, most: usize) {
        self.most = most;
    }

    /// The number of threads.
    pub(super) fn living(&self) -> usize {
        self.living
    }

    /// True if there are more threads than the maximum.
    pub(super) fn too_many(&self) -> bool {
        self.living > self.most
    }

    /// By how many threads the maximum is exceeded.
    pub(super) fn surplus(&self) -> usize {
        self.living.saturating_sub(self.most)
    }

    /// True if another thread may be started.
    pub(super) fn has_room(&self) -> bool {
        self.living < self.most
    }

    /// The number of threads on their way to the queue.
    pub(super) fn on_their_way(&self) -> usize {
        self.coming
    }

    /// The number for the next thread.
    pub(super) fn free_number(&self) -> usize {
        self.handles.iter().position(Option::is_none).unwrap_or(self.handles.len())
    }

    /// Adds a thread that was started and is on its way to the queue.
    pub(super) fn started(&mut self, number: usize, handle: JoinHandle<()>) {
        self.handles.resize_with(self.handles.len().max(number + 1), || None);
        self.handles[number] = Some(handle);
        self.living += 1;
        self.coming += 1;
    }

    /// Removes a thread that leaves. Returns its handle, unless it is kept to be joined.
    pub(super) fn left(&mut self, number: usize, keep: bool) -> Option<JoinHandle<()>> {
        self.living -= 1;
        if keep { None } else { self.handles[number].take() }
    }

    /// Counts a thread as on its way to the queue.
    pub(super) fn coming(&mut self) {
        self.coming += 1;
    }

    /// A thread that was on its way has arrived at the queue, or will not.
    pub(super) fn arrived(&mut self) {
        self.coming -= 1;
    }

    /// The calling thread waits for a job.
    pub(super) fn rest(&mut self, number: usize) {
        self.idle.push((number, std::thread::current()));
    }

    /// True if this thread still waits, so nobody called it.
    pub(super) fn is_resting(&self, number: usize) -> bool {
        self.idle.iter().any(|idle| idle.0 == number)
    }

    /// This thread stops waiting.
    pub(super) fn stop_resting(&mut self, number: usize) {
        self.idle.retain(|idle| idle.0 != number);
    }

    /// Calls a waiting thread: it counts as on its way from now on, and has to be unparked.
    pub(super) fn call_one(&mut self) -> Option<Thread> {
        let (_, thread) = self.idle.pop()?;
        self.coming += 1;
        Some(thread)
    }

    /// Takes out the handles, to join them.
    pub(super) fn take_handles(&mut self) -> Vec<JoinHandle<()>> {
        self.handles.iter_mut().filter_map(Option::take).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(threads: &mut Roster) -> usize {
        let number = threads.free_number();
        threads.started(number, std::thread::spawn(|| ()));
        threads.arrived();
        number
    }

    #[test]
    fn numbers_are_used_again() {
        let mut threads = Roster::new(2);
        assert_eq!([start(&mut threads), start(&mut threads)], [0, 1]);
        assert!(!threads.has_room() && !threads.too_many());
        assert!(threads.left(0, false).is_some());
        assert_eq!(start(&mut threads), 0);
        assert!(threads.left(1, true).is_none(), "kept to be joined");
        assert_eq!((threads.living(), threads.take_handles().len()), (1, 2));
    }

    #[test]
    fn the_last_one_to_come_is_called_first() {
        let mut threads = Roster::new(3);
        for _ in 0..3 {
            let number = start(&mut threads);
            threads.rest(number);
        }
        assert!(threads.call_one().is_some());
        assert_eq!(threads.on_their_way(), 1);
        assert!(threads.is_resting(0) && threads.is_resting(1) && !threads.is_resting(2));
        threads.stop_resting(0);
        assert!(threads.call_one().is_some() && threads.call_one().is_none());
        threads.set_most(1);
        assert_eq!((threads.surplus(), threads.too_many(), threads.most()), (2, true, 1));
    }
}
