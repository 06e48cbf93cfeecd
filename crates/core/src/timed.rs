//! Entries that are due at a certain time: a heap that forgets entries that died.
//!
//! [`Timed`] only keeps entries; whoever owns it waits for [`Timed::first`] and takes what is due with
//! [`Timed::pop_due`]. Used by the timers of [`crate::pool`], which its supervisor waits for, and by the
//! timer thread of the `horsepower` crate.
//!
//! ```
//! use horsepower_core::timed::Timed;
//! use std::time::{Duration, Instant};
//!
//! let now = Instant::now();
//! let mut timed = Timed::new(1024);
//! timed.push(now + Duration::from_secs(1), "later");
//! timed.push(now, "now");
//! assert_eq!(timed.first(), Some(now));
//! assert_eq!(timed.pop_due(now), Some("now"));
//! assert_eq!(timed.pop_due(now), None);
//! ```

use crate::prune::PruneLimit;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Instant;

/// Entries of any kind, each with the time when it is due.
#[derive(Debug)]
pub struct Timed<T> {
    heap: BinaryHeap<Entry<T>>,
    /// How many entries were ever pushed: of two with the same time the earlier one comes first.
    pushed: u64,
    limit: PruneLimit,
}

#[derive(Debug)]
struct Entry<T> {
    at: Instant,
    number: u64,
    value: T,
}

impl<T> Timed<T> {
    /// No entries. Up to `tolerated` of them, [`prune`](Timed::prune) does nothing.
    #[must_use]
    pub const fn new(tolerated: usize) -> Timed<T> {
        Timed { heap: BinaryHeap::new(), pushed: 0, limit: PruneLimit::new(tolerated) }
    }

    /// Adds an entry that is due at `at`.
    pub fn push(&mut self, at: Instant, value: T) {
        self.pushed += 1;
        self.heap.push(Entry { at, number: self.pushed, value });
    }

    /// When the first entry is due.
    #[must_use]
    pub fn first(&self) -> Option<Instant> {
        self.heap.peek().map(|entry| entry.at)
    }

    /// Takes out the first entry, if it is due at `now`.
    pub fn pop_due(&mut self, now: Instant) -> Option<T> {
        if self.first()? > now {
            return None;
        }
        self.heap.pop().map(|entry| entry.value)
    }

    /// How many entries there are, dead ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// True if there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Removes the entries that `is_dead` names, if the heap has grown to twice what was left the last
    /// time; to be called after every [`push`](Timed::push). Returns them, so that they can be dropped
    /// without a lock.
    #[must_use]
    pub fn prune(&mut self, is_dead: impl FnMut(&T) -> bool) -> Vec<T> {
        if !self.limit.is_reached(self.heap.len()) {
            return Vec::new();
        }
        let dead = self.remove_dead(is_dead);
        self.limit.pruned(self.heap.len());
        dead
    }

    /// Removes the entries that `is_dead` names, and returns them in no particular order.
    #[must_use]
    pub fn remove_dead(&mut self, mut is_dead: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut entries = std::mem::take(&mut self.heap).into_vec();
        let dead = entries.extract_if(.., |entry| is_dead(&entry.value));
        let dead = dead.map(|entry| entry.value).collect();
        self.heap = BinaryHeap::from(entries);
        dead
    }

    /// Takes out all entries, in no particular order.
    #[must_use]
    pub fn take_all(&mut self) -> Vec<T> {
        std::mem::take(&mut self.heap).into_iter().map(|entry| entry.value).collect()
    }
}

/// The entry that is due first is the greatest: that is what the heap gives first.
impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn all_due<T>(timed: &mut Timed<T>, now: Instant) -> Vec<T> {
        std::iter::from_fn(|| timed.pop_due(now)).collect()
    }

    #[test]
    fn what_is_due_first_comes_first_and_nothing_early() {
        let now = Instant::now();
        let at = |millis| now + Duration::from_millis(millis);
        let mut timed = Timed::new(4);
        assert_eq!((timed.first(), timed.pop_due(now)), (None, None));
        for (millis, name) in [(20, "late"), (0, "now"), (10, "soon"), (0, "then")] {
            timed.push(at(millis), name);
        }
        assert_eq!(timed.first(), Some(now));
        assert_eq!(all_due(&mut timed, now), ["now", "then"]);
        assert_eq!(all_due(&mut timed, at(9)), [""; 0]);
        assert_eq!(all_due(&mut timed, at(20)), ["soon", "late"]);
        assert!(timed.is_empty());
    }

    #[test]
    fn dead_entries_go_once_there_may_be_many() {
        let now = Instant::now();
        let mut timed = Timed::new(8);
        let mut pruned = 0;
        for number in 0..1000_u64 {
            timed.push(now + Duration::from_millis(number), number);
            pruned += timed.prune(|number| number % 10 != 0).len();
            assert!(timed.len() <= 2 * 100 + 1);
        }
        assert_eq!(pruned + timed.len(), 1000);
        let _ = timed.remove_dead(|number| number % 10 != 0);
        let late = now + Duration::from_secs(10);
        assert!(all_due(&mut timed, late).into_iter().eq((0..1000).step_by(10)));
    }

    #[test]
    fn all_entries_can_be_taken() {
        let now = Instant::now();
        let mut timed = Timed::new(8);
        (0..5).for_each(|number| timed.push(now, number));
        let mut all = timed.take_all();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4]);
        assert_eq!((timed.len(), timed.first()), (0, None));
    }
}
