//! The verdicts, and how far the race is: written by the thread that runs an executor, read by the
//! one that shows them.
//!
//! One byte for each number and nothing else, so that the reader may be as slow as it likes (a pager,
//! a slow terminal) without holding up the race, whose time is measured.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// Verdicts of the numbers in order.
#[derive(Debug)]
pub(super) struct Board {
    verdicts: Box<[AtomicU8]>,
    /// How many numbers the running race has passed.
    passed: AtomicUsize,
}

/// No executor has told yet, or the task failed.
const UNKNOWN: u8 = 0;
const COMPOSITE: u8 = 1;
const PRIME: u8 = 2;

impl Board {
    pub(super) fn new(numbers: usize) -> Board {
        let verdicts = std::iter::repeat_with(|| AtomicU8::new(UNKNOWN)).take(numbers).collect();
        Board { verdicts, passed: AtomicUsize::new(0) }
    }

    /// A race begins.
    pub(super) fn restart(&self) {
        // Relaxed: the thread that shows this race is started later.
        self.passed.store(0, Ordering::Relaxed);
    }

    /// Number `index` has this verdict.
    pub(super) fn put(&self, index: usize, prime: bool) {
        // Relaxed: handed over by the Release in `pass`.
        self.verdicts[index].store(if prime { PRIME } else { COMPOSITE }, Ordering::Relaxed);
    }

    /// The race has passed number `index`.
    pub(super) fn pass(&self, index: usize) {
        // Release: hands the verdicts so far to the Acquire in `passed`.
        self.passed.store(index + 1, Ordering::Release);
    }

    /// The race is over, though some numbers may have no verdict.
    pub(super) fn end(&self) {
        // Release: as in `pass`.
        self.passed.store(self.verdicts.len(), Ordering::Release);
    }

    /// How many numbers the race has passed. Their verdicts can be read from now on.
    pub(super) fn passed(&self) -> usize {
        // Acquire: meets the Release in `pass` or `end`.
        self.passed.load(Ordering::Acquire)
    }

    /// The verdict of number `index`, if there is one.
    pub(super) fn verdict(&self, index: usize) -> Option<bool> {
        // Relaxed: `passed` has brought it here, or this thread wrote it.
        match self.verdicts[index].load(Ordering::Relaxed) {
            UNKNOWN => None,
            verdict => Some(verdict == PRIME),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_kept_and_the_way_is_counted() {
        let board = Board::new(3);
        board.put(0, true);
        board.pass(0);
        board.put(1, false);
        board.pass(1);
        assert_eq!(board.passed(), 2);
        board.end();
        assert_eq!(board.passed(), 3);
        board.restart();
        assert_eq!(board.passed(), 0);
        let verdicts: Vec<_> = (0..3).map(|index| board.verdict(index)).collect();
        assert_eq!(verdicts, [Some(true), Some(false), None]);
    }
}
