//! Where a task is: what the process pool keeps in the word of its [`TaskState`].
//!
//! The pool alone changes the word, under its lock.

use crate::task::TaskState;

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// With nobody: not submitted yet, or cancelled.
    Nowhere,
    /// In the pool's queue.
    Queue,
    /// On its way into a lane.
    Staged,
    /// In the lane of the worker with this index, at this position.
    Lane(usize, u32),
    /// It was split, and its parts are in several places.
    Scattered,
    /// Ended.
    Ended,
    /// Waiting for the time of its next try.
    Delayed,
}

impl Place {
    fn of(word: u64) -> Place {
        match word {
            0 => Place::Nowhere,
            1 => Place::Queue,
            2 => Place::Staged,
            3 => Place::Ended,
            4 => Place::Scattered,
            5 => Place::Delayed,
            lane => Place::Lane((lane >> 32) as usize - 1, lane as u32),
        }
    }

    fn word(self) -> u64 {
        match self {
            Place::Nowhere => 0,
            Place::Queue => 1,
            Place::Staged => 2,
            Place::Ended => 3,
            Place::Scattered => 4,
            Place::Delayed => 5,
            Place::Lane(worker, position) => ((worker as u64 + 1) << 32) | u64::from(position),
        }
    }
}

impl TaskState {
    /// Where the task is.
    pub(crate) fn place(&self) -> Place {
        Place::of(self.word())
    }

    /// Notes where the task is now. Once it has been split, it stays [`Place::Scattered`]: no single place
    /// would be true for all of its parts.
    pub(crate) fn set_place(&self, place: Place) {
        if self.place() != Place::Scattered {
            self.set_word(place.word());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_keeps_every_place() {
        let state = TaskState::default();
        assert_eq!(state.place(), Place::Nowhere);
        let lanes = [(0, 0), (0, u32::MAX), (1, 0), (1, 1), (1000, u32::MAX)];
        let lanes = lanes.map(|(worker, position)| Place::Lane(worker, position));
        let others = [Place::Queue, Place::Staged, Place::Ended, Place::Delayed, Place::Nowhere];
        for place in lanes.into_iter().chain(others) {
            state.set_place(place);
            assert_eq!(state.place(), place);
        }
    }

    #[test]
    fn once_split_a_task_stays_scattered() {
        for place in [Place::Queue, Place::Lane(3, 4), Place::Ended, Place::Nowhere] {
            let state = TaskState::default();
            state.set_place(Place::Scattered);
            state.set_place(place);
            assert_eq!(state.place(), Place::Scattered, "its parts do not come together again");
        }
    }
}
