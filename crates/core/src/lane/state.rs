//! The state word of a slot: the whole life of a task in one atomic.
//!
//! Only [`crate::lane::ring`] writes it. The word is `lap << 2 | state`. A slot is reused each time
//! the ring wraps around, and the lap distinguishes its current task from the previous one, so a
//! stale word can never be mistaken for a current one.
//!
//! | from      | to        | who    | when                                                        |
//! |-----------|-----------|--------|-------------------------------------------------------------|
//! | `FREE`    | `READY`   | parent | the argument and the request frame are in place             |
//! | `READY`   | `RUNNING` | worker | by compare-exchange, before the task's first instruction    |
//! | `READY`   | `FREE`    | parent | by compare-exchange: cancelled, or moved to another worker  |
//! | `RUNNING` | `DONE`    | worker | the reply is in place                                       |
//! | `DONE`    | `FREE`    | parent | the reply has been collected                                |
//!
//! No other transition exists. After a worker's death the word says exactly what happened to its
//! task.

/// log2 of the number of slots in a lane.
#[cfg(not(loom))]
pub(crate) const SLOT_BITS: u32 = 7;
#[cfg(loom)]
pub(crate) const SLOT_BITS: u32 = 1;

/// Slots in a lane: how many tasks it can hold. A power of two, so that positions may wrap.
pub(crate) const SLOTS: u32 = 1 << SLOT_BITS;

/// Owned by the parent, which may fill it. Set by the parent.
pub(crate) const FREE: u32 = 0;
/// The request is complete; the worker may take it, the parent may take it back. Set by the parent.
pub(crate) const READY: u32 = 1;
/// Owned by the worker: the function has been called or is about to be. Set by the worker.
pub(crate) const RUNNING: u32 = 2;
/// The reply is complete and the slot belongs to the parent again. Set by the worker.
pub(crate) const DONE: u32 = 3;

/// The word for `state` of the task at `position` of the ring.
pub(crate) const fn word(position: u32, state: u32) -> u32 {
    ((position >> SLOT_BITS) << 2) | state
}

/// The slot used by the task at `position` of the ring.
pub(crate) const fn index(position: u32) -> usize {
    (position & (SLOTS - 1)) as usize
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn laps_and_states_never_meet() {
        for position in [0, 1, SLOTS - 1, SLOTS, 5 * SLOTS + 3, u32::MAX - SLOTS, u32::MAX] {
            let next_lap = position.wrapping_add(SLOTS);
            for state in [FREE, READY, RUNNING, DONE] {
                assert_eq!(word(position, state) & 3, state);
                for other in [FREE, READY, RUNNING, DONE] {
                    assert_ne!(word(position, state), word(next_lap, other));
                }
            }
            assert_eq!(index(position), index(next_lap));
        }
    }
}
