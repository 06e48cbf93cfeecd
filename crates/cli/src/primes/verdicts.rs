//! [`Verdicts`]: the results of the first run and the progress of the current one. The thread that
//! runs the executor writes them; the printer reads them.
//!
//! A verdict is one atomic byte, and there is no lock: a slow reader (a pager, a slow terminal) never
//! delays the run that is being timed.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// One verdict for each number, in input order.
#[derive(Debug)]
pub(super) struct Verdicts {
    verdicts: Box<[AtomicU8]>,
    /// How many numbers the current run has completed.
    completed: AtomicUsize,
}

/// Not tested yet, or the task failed.
const UNKNOWN: u8 = 0;
const COMPOSITE: u8 = 1;
const PRIME: u8 = 2;

impl Verdicts {
    pub(super) fn new(numbers: usize) -> Verdicts {
        let verdicts = std::iter::repeat_with(|| AtomicU8::new(UNKNOWN)).take(numbers).collect();
        Verdicts { verdicts, completed: AtomicUsize::new(0) }
    }

    /// Resets the progress for a new run. The verdicts stay.
    pub(super) fn start_run(&self) {
        // Relaxed: the printer's thread for this run starts later.
        self.completed.store(0, Ordering::Relaxed);
    }

    /// Stores the verdict of number `index`.
    pub(super) fn set(&self, index: usize, prime: bool) {
        // Relaxed: the Release in `complete` publishes it.
        self.verdicts[index].store(if prime { PRIME } else { COMPOSITE }, Ordering::Relaxed);
    }

    /// Marks all numbers up to and including `index` as completed.
    pub(super) fn complete(&self, index: usize) {
        // Release: publishes the verdicts so far to the Acquire in `completed`.
        self.completed.store(index + 1, Ordering::Release);
    }

    /// Marks all numbers as completed, including those without a verdict.
    pub(super) fn end_run(&self) {
        // Release: as in `complete`.
        self.completed.store(self.verdicts.len(), Ordering::Release);
    }

    /// How many numbers the current run has completed. Their verdicts can be read.
    pub(super) fn completed(&self) -> usize {
        // Acquire: pairs with the Release in `complete` or `end_run`.
        self.completed.load(Ordering::Acquire)
    }

    /// The verdict of number `index`; `None` if the number was not tested or its task failed.
    pub(super) fn get(&self, index: usize) -> Option<bool> {
        // Relaxed: `completed` has acquired it, or this thread wrote it.
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
    fn verdicts_are_kept_and_progress_is_counted() {
        let verdicts = Verdicts::new(3);
        verdicts.set(0, true);
        verdicts.complete(0);
        verdicts.set(1, false);
        verdicts.complete(1);
        assert_eq!(verdicts.completed(), 2);
        verdicts.end_run();
        assert_eq!(verdicts.completed(), 3);
        verdicts.start_run();
        assert_eq!(verdicts.completed(), 0);
        let all: Vec<_> = (0..3).map(|index| verdicts.get(index)).collect();
        assert_eq!(all, [Some(true), Some(false), None]);
    }
}
