//! The ring of slots that parent and worker share, and every change of a slot's state.
//!
//! The parent fills positions `0, 1, 2, …`; position `p` uses slot `p % SLOTS`. The worker takes
//! them in the same order and skips those that were taken back. There is one parent and one worker,
//! so nothing is contended except one question, which the compare-exchange decides: does the worker
//! start the task, or does the parent take it back?
//!
//! Used by [`crate::lane`], which places it in shared memory. Relies on [`crate::lane::state`] for
//! the words and on [`crate::lane::sleep`] for waiting. loom runs this very file.

use crate::lane::frame::{Reply, Request};
use crate::lane::sleep::{Bell, Doorbell, Rung};
use crate::lane::state::{DONE, FREE, READY, RUNNING, SLOTS, index, word};
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Bytes of payload that fit into the slot itself.
pub(crate) const INLINE: usize = 8 * INLINE_WORDS;
#[cfg(not(loom))]
const INLINE_WORDS: usize = 20;
#[cfg(loom)]
const INLINE_WORDS: usize = 0;

/// `command`: keep serving.
const SERVE: u32 = 0;
/// `command`: exit once the ring is empty.
const LEAVE: u32 = 1;

/// The place of one task: its state word, its frames and a small payload. Four cache lines.
#[repr(C, align(64))]
pub(crate) struct Slot {
    /// See [`crate::lane::state`]. Guards everything else in the slot.
    state: AtomicU32,
    /// How many of the task's items have their results in the reply. Set by the worker while
    /// RUNNING. After its death, this separates the results that count from the item that died with
    /// it.
    items_done: AtomicU32,
    pub(crate) request: Request,
    pub(crate) reply: Reply,
    /// The argument until the worker has decoded it, then the result. Bytes, accessed through
    /// [`crate::lane`]; declared as atomics because both sides write them.
    pub(crate) inline: [AtomicU64; INLINE_WORDS],
}

/// The head of a lane: everything the two sides share except the payload blocks.
#[repr(C)]
pub(crate) struct Ring {
    pub(crate) magic: AtomicU64,
    /// First position that the parent has not filled. Written by the parent.
    tail: AtomicU32,
    /// [`SERVE`] or [`LEAVE`]. Written by the parent.
    command: AtomicU32,
    /// Nanoseconds that the worker may spin before it sleeps. Written by the parent, which knows
    /// how many sides are runnable.
    spin: AtomicU32,
    doorbell: Doorbell,
    bell: Bell,
    slots: [Slot; SLOTS as usize],
}

/// What the parent finds in a slot that it has filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Ready,
    Running,
    Done,
    /// A word that the worker must never write.
    Garbage(u32),
}

/// What the worker finds when it looks for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The task at this position is now RUNNING and belongs to this worker.
    Task(u32),
    /// No work yet.
    Empty,
    /// No work, and the parent told the worker to exit.
    Leave,
}

impl Ring {
    /// The slot of `position`.
    pub(crate) fn slot(&self, position: u32) -> &Slot {
        &self.slots[index(position)]
    }

    // The parent's side.

    /// Publishes the filled slot at `position` and wakes the worker. True: the worker was asleep.
    pub(crate) fn publish(&self, position: u32) -> bool {
        let slot = self.slot(position);
        // Relaxed: ordered by the Release below, which the worker acquires before it reads this.
        slot.items_done.store(0, Ordering::Relaxed);
        // Release: hands the request and the argument over; pairs with the compare-exchange in
        // `next`.
        slot.state.store(word(position, READY), Ordering::Release);
        // Release: hands the READY word over; pairs with the Acquire of `tail` in `next`.
        self.tail.store(position.wrapping_add(1), Ordering::Release);
        self.doorbell.ring()
    }

    /// Takes back a task that the worker has not started. False: it has.
    pub(crate) fn take_back(&self, position: u32) -> bool {
        // Relaxed: the worker writes nothing into a slot before it has taken it.
        self.slot(position)
            .state
            .compare_exchange(
                word(position, READY),
                word(position, FREE),
                Ordering::Relaxed,
                Ordering::Relaxed,
            )
            .is_ok()
    }

    /// The state of the task at `position`.
    pub(crate) fn look(&self, position: u32) -> Seen {
        // Acquire: takes the reply over; pairs with the Release in `finish`.
        let seen = self.slot(position).state.load(Ordering::Acquire);
        match seen {
            _ if seen == word(position, READY) => Seen::Ready,
            _ if seen == word(position, RUNNING) => Seen::Running,
            _ if seen == word(position, DONE) => Seen::Done,
            _ => Seen::Garbage(seen),
        }
    }

    /// How many items of the task at `position` have results that count.
    pub(crate) fn items_done(&self, position: u32) -> u32 {
        // Acquire: takes those results over; pairs with the Release in `commit`.
        self.slot(position).items_done.load(Ordering::Acquire)
    }

    /// Frees a slot whose reply has been collected.
    pub(crate) fn free(&self, position: u32) {
        // Relaxed: the worker does not look at a slot that it has finished until the next
        // `publish`.
        self.slot(position).state.store(word(position, FREE), Ordering::Relaxed);
    }

    /// Tells the worker to exit when it has no more work.
    pub(crate) fn leave(&self) {
        // Relaxed: the fence in `ring` orders it, and it publishes no data.
        self.command.store(LEAVE, Ordering::Relaxed);
        self.doorbell.ring();
    }

    /// Sets how long the worker may spin before it sleeps.
    pub(crate) fn set_spin(&self, spin: Duration) {
        // Relaxed: a hint.
        let nanos = u32::try_from(spin.as_nanos()).unwrap_or(u32::MAX);
        if self.spin.load(Ordering::Relaxed) != nanos {
            self.spin.store(nanos, Ordering::Relaxed);
        }
    }

    /// The bell that the worker rings.
    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }

    // The worker's side.

    /// Takes the next task at or after `cursor`, and moves `cursor` past it.
    pub(crate) fn next(&self, cursor: &mut u32) -> Next {
        // Acquire: takes the READY words over; pairs with the Release of `tail` in `publish`.
        while *cursor != self.tail.load(Ordering::Acquire) {
            let position = *cursor;
            *cursor = position.wrapping_add(1);
            // Acquire: takes the request over; pairs with the Release of the state in `publish`.
            // Failure: it was taken back, and the slot may already serve a later lap.
            let taken = self.slot(position).state.compare_exchange(
                word(position, READY),
                word(position, RUNNING),
                Ordering::Acquire,
                Ordering::Relaxed,
            );
            if taken.is_ok() {
                return Next::Task(position);
            }
        }
        // Relaxed: it publishes no data.
        if self.command.load(Ordering::Relaxed) == SERVE { Next::Empty } else { Next::Leave }
    }

    /// Announces that one more item of the RUNNING task has its result in the reply.
    pub(crate) fn commit(&self, position: u32, items_done: u32) {
        // Release: hands the results so far over; pairs with the Acquire in `items_done`, which
        // the parent uses after this worker's death.
        self.slot(position).items_done.store(items_done, Ordering::Release);
    }

    /// Publishes the reply of a RUNNING task, and returns which side that woke or concerns.
    pub(crate) fn finish(&self, position: u32) -> Rung {
        // Release: hands the reply over; pairs with the Acquire in `look`.
        self.slot(position).state.store(word(position, DONE), Ordering::Release);
        self.bell.ring()
    }

    /// Sleeps until there may be work at `cursor`.
    pub(crate) fn park(&self, cursor: u32) {
        self.doorbell.park(|| {
            // Relaxed: this only decides whether to sleep; `next` acquires what it takes.
            self.tail.load(Ordering::Relaxed) != cursor
                || self.command.load(Ordering::Relaxed) != SERVE
        });
    }

    /// True if there is something to find at `cursor`. Used while spinning.
    pub(crate) fn has_news(&self, cursor: u32) -> bool {
        // Relaxed: as in `park`.
        self.tail.load(Ordering::Relaxed) != cursor || self.command.load(Ordering::Relaxed) != SERVE
    }

    /// How long the worker may spin.
    pub(crate) fn spin(&self) -> Duration {
        // Relaxed: a hint.
        Duration::from_nanos(self.spin.load(Ordering::Relaxed).into())
    }

    /// A ring in private memory, for loom and tests. In fresh memory a lane's ring is all zeros.
    #[cfg(any(loom, test))]
    pub(crate) fn new() -> Self {
        Ring {
            magic: AtomicU64::new(0),
            tail: AtomicU32::new(0),
            command: AtomicU32::new(SERVE),
            spin: AtomicU32::new(0),
            doorbell: Doorbell::new(),
            bell: Bell::new(),
            slots: std::array::from_fn(|_| Slot {
                state: AtomicU32::new(word(0, FREE)),
                items_done: AtomicU32::new(0),
                request: Request::default(),
                reply: Reply::default(),
                inline: std::array::from_fn(|_| AtomicU64::new(0)),
            }),
        }
    }
}

#[cfg(not(loom))]
const _: () = {
    // The layout is a contract between two processes of the same build, which is checked at start.
    // These assertions catch a change that makes a slot larger or unaligned.
    assert!(size_of::<Slot>() == 256);
    assert!(align_of::<Slot>() == 64);
    assert!(std::mem::offset_of!(Slot, inline) == 96);
    assert!(std::mem::offset_of!(Ring, slots) == 192);
};

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_task_goes_round_and_the_slot_is_used_again() {
        let ring = Ring::new();
        let mut cursor = 0;
        for position in 0..3 * SLOTS {
            assert_eq!(ring.next(&mut cursor), Next::Empty);
            ring.publish(position);
            assert_eq!(ring.look(position), Seen::Ready);
            assert_eq!(ring.next(&mut cursor), Next::Task(position));
            assert_eq!(ring.look(position), Seen::Running);
            assert!(!ring.take_back(position));
            ring.commit(position, 1);
            assert_eq!(ring.finish(position), Rung::Nobody);
            assert_eq!(ring.look(position), Seen::Done);
            assert_eq!(ring.items_done(position), 1);
            ring.free(position);
        }
    }

    #[test]
    fn what_was_taken_back_is_skipped_even_when_its_slot_serves_a_later_lap() {
        let ring = Ring::new();
        for position in 0..SLOTS {
            ring.publish(position);
        }
        assert!(ring.take_back(0));
        assert!(!ring.take_back(0), "only once");
        // Slot 0 is free again although the worker has not started anything: the next lap moves in.
        ring.publish(SLOTS);
        let mut cursor = 0;
        for position in 1..=SLOTS {
            assert_eq!(ring.next(&mut cursor), Next::Task(position));
        }
        assert_eq!(ring.next(&mut cursor), Next::Empty);
    }

    #[test]
    fn positions_wrap() {
        let ring = Ring::new();
        let start = u32::MAX - 1;
        let mut cursor = start;
        ring.tail.store(start, Ordering::Relaxed);
        for step in 0..4 {
            let position = start.wrapping_add(step);
            ring.publish(position);
            assert_eq!(ring.next(&mut cursor), Next::Task(position));
            ring.finish(position);
            assert_eq!(ring.look(position), Seen::Done);
        }
    }

    #[test]
    fn leave_is_obeyed_only_when_the_ring_is_empty() {
        let ring = Ring::new();
        ring.publish(0);
        ring.leave();
        let mut cursor = 0;
        assert_eq!(ring.next(&mut cursor), Next::Task(0));
        assert_eq!(ring.next(&mut cursor), Next::Leave);
        ring.park(cursor); // returns at once
    }

    #[test]
    fn a_foreign_word_is_garbage() {
        let ring = Ring::new();
        ring.publish(0);
        ring.slot(0).state.store(0xdead_beef, Ordering::Relaxed);
        assert_eq!(ring.look(0), Seen::Garbage(0xdead_beef));
    }
}

/// `RUSTFLAGS="--cfg loom" cargo test -p horsepower-core --lib --release`, or `scripts/loom`.
#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use crate::sync::AtomicU32;
    use loom::sync::Arc;
    use loom::thread;

    /// The worker of these models: takes `tasks` tasks and checks that it sees what the parent
    /// wrote.
    fn serve(ring: &Ring, tasks: u32) {
        let mut cursor = 0;
        for _ in 0..tasks {
            loop {
                match ring.next(&mut cursor) {
                    Next::Task(position) => {
                        let slot = ring.slot(position);
                        let argument = slot.request.length.load(Ordering::Relaxed);
                        assert_eq!(argument, u64::from(position) + 7, "argument handed over");
                        slot.reply.length.store(argument * 2, Ordering::Relaxed);
                        ring.commit(position, 1);
                        ring.finish(position);
                        break;
                    }
                    Next::Empty => ring.park(cursor),
                    Next::Leave => return,
                }
            }
        }
    }

    fn put(ring: &Ring, position: u32) {
        ring.slot(position).request.length.store(u64::from(position) + 7, Ordering::Relaxed);
        ring.publish(position);
    }

    fn collect(ring: &Ring, position: u32) {
        while ring.look(position) != Seen::Done {
            ring.bell().wait(|| ring.look(position) == Seen::Done, None);
        }
        let reply = ring.slot(position).reply.length.load(Ordering::Relaxed);
        assert_eq!(reply, (u64::from(position) + 7) * 2, "reply handed over");
        ring.free(position);
    }

    /// Both sides sleep and wake. A lost wake-up is a deadlock, which loom reports.
    #[test]
    fn no_wake_up_is_lost_between_parent_and_worker() {
        loom::model(|| {
            let ring = Arc::new(Ring::new());
            let worker = {
                let ring = ring.clone();
                thread::spawn(move || serve(&ring, 2))
            };
            put(&ring, 0);
            collect(&ring, 0);
            put(&ring, 1);
            collect(&ring, 1);
            worker.join().unwrap();
        });
    }

    /// Either the worker starts the task or the parent takes it back: never both, never neither.
    #[test]
    fn a_task_is_begun_or_taken_back() {
        loom::model(|| {
            let ring = Arc::new(Ring::new());
            let begun = Arc::new(AtomicU32::new(0));
            put(&ring, 0);
            let worker = {
                let (ring, begun) = (ring.clone(), begun.clone());
                thread::spawn(move || {
                    let mut cursor = 0;
                    loop {
                        match ring.next(&mut cursor) {
                            Next::Task(position) => {
                                begun.fetch_add(1, Ordering::Relaxed);
                                ring.finish(position);
                            }
                            Next::Empty => ring.park(cursor),
                            Next::Leave => return,
                        }
                    }
                })
            };
            let back = ring.take_back(0);
            ring.leave();
            worker.join().unwrap();
            assert_eq!(begun.load(Ordering::Relaxed), u32::from(!back));
        });
    }

    /// The supervisor arms the bell and looks: either it sees the reply, or the worker notifies it.
    #[test]
    fn an_armed_bell_is_answered() {
        loom::model(|| {
            let ring = Arc::new(Ring::new());
            put(&ring, 0);
            let worker = {
                let ring = ring.clone();
                thread::spawn(move || {
                    let mut cursor = 0;
                    let Next::Task(position) = ring.next(&mut cursor) else { unreachable!() };
                    ring.finish(position)
                })
            };
            ring.bell().arm();
            let seen = ring.look(0) == Seen::Done;
            let answered = worker.join().unwrap();
            assert!(seen || answered == Rung::Supervisor);
        });
    }

    /// The helping thread is woken even if the supervisor has armed the bell as well.
    #[test]
    fn waiting_and_arming_do_not_disturb_each_other() {
        loom::model(|| {
            let ring = Arc::new(Ring::new());
            put(&ring, 0);
            let worker = {
                let ring = ring.clone();
                thread::spawn(move || serve(&ring, 1))
            };
            let supervisor = {
                let ring = ring.clone();
                thread::spawn(move || ring.bell().arm())
            };
            collect(&ring, 0);
            worker.join().unwrap();
            supervisor.join().unwrap();
        });
    }
}
