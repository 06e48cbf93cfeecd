//! What whoever runs a task notes about it.
//!
//! A [`TaskState`] lies in the task's receiver, so that the future can ask about a task that it does not
//! hold. Whoever runs the task is the only one to change it: the process pool does so under its lock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The state of one task, or of one task of many items.
///
/// The default is the state of a task that nobody has taken yet: the word 0 and no flag set. Flags are
/// only ever set. Relaxed is enough everywhere: a runner changes and reads them under its own lock, and
/// everybody else only reads [`has_begun`](TaskState::has_begun), which orders nothing.
#[derive(Debug, Default)]
pub struct TaskState {
    word: AtomicU64,
    watched: AtomicBool,
    stopped: AtomicBool,
    begun: AtomicBool,
}

impl TaskState {
    /// A word that belongs to whoever runs the task; 0 until it is set. A process pool keeps the place of
    /// the task here.
    #[must_use]
    pub fn word(&self) -> u64 {
        self.word.load(Ordering::Relaxed)
    }

    /// Sets the word.
    pub fn set_word(&self, word: u64) {
        self.word.store(word, Ordering::Relaxed);
    }

    /// True if the end of the task must be noticed although no thread helps to run it.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Relaxed)
    }

    /// Asks that the end of the task be noticed although no thread helps to run it.
    pub fn set_watched(&self) {
        self.watched.store(true, Ordering::Relaxed);
    }

    /// True if no further item of the task may begin.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Notes that no further item of the task may begin.
    pub fn set_stopped(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// True if the task has begun before, has failed, and waits for its next try.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Notes that the task has begun, has failed, and is to be tried again.
    pub fn set_begun(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_state_says_nothing_and_each_flag_is_its_own() {
        let state = TaskState::default();
        let flags = |s: &TaskState| [s.is_watched(), s.is_stopped(), s.has_begun()];
        assert_eq!((state.word(), flags(&state)), (0, [false; 3]));
        state.set_stopped();
        assert_eq!(flags(&state), [false, true, false]);
        state.set_watched();
        assert_eq!(flags(&state), [true, true, false]);
        state.set_begun();
        assert_eq!(flags(&state), [true, true, true]);
        for word in [1, 1 << 32, u64::MAX, 0] {
            state.set_word(word);
            assert_eq!(state.word(), word);
        }
    }
}
