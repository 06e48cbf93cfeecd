//! When a collection is searched for entries that are dead.
//!
//! An entry that is cancelled where it waits stays there as a dead entry: to look for it would cost too
//! much. It must not keep its memory until its turn comes either. So now and then all dead entries are
//! removed at once, so rarely that each entry pays a constant share. There are two cases:
//!
//! - [`DeadCount`]: the owner is told of every entry that dies, and counts them.
//! - [`PruneLimit`]: nobody tells; the owner looks when the collection has doubled since the last time.
//!
//! Used by [`crate::pool`], by [`crate::timed`] and by the thread pool of the `horsepower` crate.
//!
//! ```
//! use horsepower_core::prune::{PruneLimit, split};
//! use std::collections::VecDeque;
//!
//! let mut limit = PruneLimit::new(64);
//! let mut queue: VecDeque<u32> = (0..65).collect();
//! let mut dead = Vec::new();
//! if limit.is_reached(queue.len()) {
//!     dead = split(&mut queue, |number| number % 2 == 0);
//!     limit.pruned(queue.len());
//! }
//! assert_eq!((queue.len(), dead.len()), (32, 33));
//! // Drop `dead` once no lock is held: its entries may be values of the user.
//! ```

/// Counts the dead entries of one collection.
#[derive(Debug)]
pub struct DeadCount {
    dead: usize,
    least: usize,
}

impl DeadCount {
    /// Tolerates `least` dead entries, or half of all entries if that is more.
    #[must_use]
    pub const fn new(least: usize) -> DeadCount {
        DeadCount { dead: 0, least }
    }

    /// How many entries are dead.
    #[must_use]
    pub fn get(&self) -> usize {
        self.dead
    }

    /// An entry of a collection of `len` entries has died. True: all dead entries should be removed now.
    #[must_use]
    pub fn add(&mut self, len: usize) -> bool {
        self.dead += 1;
        self.dead > self.least.max(len / 2)
    }

    /// One dead entry was removed when its turn came.
    pub fn remove_one(&mut self) {
        self.dead = self.dead.saturating_sub(1);
    }

    /// All dead entries were removed.
    pub fn clear(&mut self) {
        self.dead = 0;
    }
}

/// Says when a collection whose dead entries nobody counts is to be searched for them.
#[derive(Debug)]
pub struct PruneLimit {
    least: usize,
    at: usize,
}

impl PruneLimit {
    /// Tolerates `least` entries, or twice as many as were left the last time if that is more.
    #[must_use]
    pub const fn new(least: usize) -> PruneLimit {
        PruneLimit { least, at: least }
    }

    /// True if a collection of `len` entries is to be searched now.
    #[must_use]
    pub fn is_reached(&self, len: usize) -> bool {
        len > self.at
    }

    /// The dead entries were removed, and `left` are left.
    pub fn pruned(&mut self, left: usize) {
        self.at = self.least.max(2 * left);
    }
}

/// Removes the dead entries of a collection and returns them. The others keep their order.
pub fn split<C, T>(entries: &mut C, mut is_dead: impl FnMut(&T) -> bool) -> Vec<T>
where
    C: Default + Extend<T> + IntoIterator<Item = T>,
{
    let (mut living, mut dead) = (C::default(), Vec::new());
    for entry in std::mem::take(entries) {
        if is_dead(&entry) {
            dead.push(entry);
        } else {
            living.extend(Some(entry));
        }
    }
    *entries = living;
    dead
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    #[test]
    fn dead_entries_are_removed_when_they_are_more_than_the_rest() {
        for (len, most) in [(0, 64), (10, 64), (128, 64), (130, 65), (1000, 500)] {
            let mut dead = DeadCount::new(64);
            for _ in 0..most {
                assert!(!dead.add(len), "{len}");
            }
            assert!(dead.add(len), "{len}");
            assert_eq!(dead.get(), most + 1);
            dead.remove_one();
            assert_eq!(dead.get(), most);
            dead.clear();
            dead.remove_one();
            assert_eq!(dead.get(), 0);
        }
    }

    #[test]
    fn a_collection_is_searched_when_it_has_doubled() {
        let mut limit = PruneLimit::new(64);
        assert!(!limit.is_reached(64) && limit.is_reached(65));
        limit.pruned(65);
        assert!(!limit.is_reached(130) && limit.is_reached(131));
        limit.pruned(0);
        assert!(!limit.is_reached(64) && limit.is_reached(65));
    }

    #[test]
    fn what_lives_keeps_its_order() {
        let mut queue: VecDeque<u32> = (0..10).collect();
        assert_eq!(split(&mut queue, |number| number % 3 == 0), [0, 3, 6, 9]);
        assert_eq!(queue, [1, 2, 4, 5, 7, 8]);
        assert_eq!(split(&mut queue, |_| false), []);
        assert_eq!(split(&mut queue, |_| true).len(), 6);
        assert!(queue.is_empty());
    }
}
