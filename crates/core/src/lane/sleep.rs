//! Sleeping and waking across the lane: [`Doorbell`] for the worker, [`Bell`] for the parent.
//!
//! Used by [`crate::lane::ring`]. The argument that no wake-up is lost is in `docs/design/sleep.md`;
//! loom checks it against this source (`tests` in `ring.rs`). Both follow one pattern, Dekker's:
//! each side writes its own word, passes a sequentially consistent fence, and reads the other's.
//! Whichever fence comes second in the single order of fences sees the other side's word, so either
//! the sleeper sees the work or the waker sees the sleeper.

use crate::sync::{AtomicU32, Ordering, fence, futex};
use std::time::Duration;

/// The worker sleeps on it when its lane is empty; the parent rings after filling a slot.
#[repr(C, align(64))]
pub(crate) struct Doorbell {
    /// 1 while the worker is about to sleep or asleep. Set by the worker, cleared by whoever ends
    /// the sleep. It is also the futex word: a sleep begins only while it is still 1.
    parked: AtomicU32,
}

impl Doorbell {
    #[cfg(any(loom, test))]
    pub(crate) fn new() -> Self {
        Doorbell { parked: AtomicU32::new(0) }
    }

    /// Worker: sleeps until rung, unless `work` says that there is something to do. May wake for
    /// no reason; the caller looks again.
    pub(crate) fn park(&self, work: impl Fn() -> bool) {
        // Relaxed: ordered against `work` by the fence, which pairs with the fence in `ring`. A swap
        // and not a store, so that it comes after the swap of a late ring in the word's order by what
        // it reads, which is easier to see, and for the checker too, than by that swap's atomicity.
        self.parked.swap(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !work() {
            futex::wait(&self.parked, 1, None);
        }
        // Relaxed: at worst the parent rings once for nothing.
        self.parked.store(0, Ordering::Relaxed);
    }

    /// Parent: wakes the worker if it sleeps. Called after the work was published. One system call
    /// for each sleep, none for a worker that is awake. True: it slept.
    pub(crate) fn ring(&self) -> bool {
        fence(Ordering::SeqCst);
        // Relaxed: the fence, which pairs with the one in `park`, orders this after the publishing.
        let parked =
            self.parked.load(Ordering::Relaxed) == 1 && self.parked.swap(0, Ordering::Relaxed) == 1;
        if parked {
            futex::wake(&self.parked);
        }
        parked
    }
}

/// A parent's thread sleeps on the futex: the one that attends the lane.
const ATTENDED: u32 = 1;
/// The supervisor wants a message on the control socket for the next reply.
const ARMED: u32 = 2;

/// Whom a ring of the [`Bell`] concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rung {
    /// Nobody sleeps; whoever waits is looking.
    Nobody,
    /// A thread slept, and has been woken.
    Attendant,
    /// The supervisor asked for a message; the caller has to send it.
    Supervisor,
}

/// The parent hears from it that a reply is in the lane; the worker rings after each.
#[repr(C, align(64))]
pub(crate) struct Bell {
    /// [`ATTENDED`] and [`ARMED`]. The parent sets them, the worker clears the one it acts on, so
    /// that each request for a wake-up is answered once.
    word: AtomicU32,
}

impl Bell {
    #[cfg(any(loom, test))]
    pub(crate) fn new() -> Self {
        Bell { word: AtomicU32::new(0) }
    }

    /// Worker: called after a reply was published. Wakes the thread that attends the lane, if there
    /// is one.
    pub(crate) fn ring(&self) -> Rung {
        fence(Ordering::SeqCst);
        // Relaxed: the fence, which pairs with those in `attend` and `arm`, orders this load after
        // the publishing of the reply.
        let word = self.word.load(Ordering::Relaxed);
        if word & ATTENDED != 0 {
            self.wake();
            Rung::Attendant
        } else if word & ARMED != 0 && self.word.fetch_and(!ARMED, Ordering::Relaxed) & ARMED != 0 {
            Rung::Supervisor
        } else {
            Rung::Nobody
        }
    }

    /// Wakes the thread that attends the lane, if there is one. Called after what it is to see.
    pub(crate) fn wake(&self) {
        // Pairs with the fence in `attend`.
        fence(Ordering::SeqCst);
        if self.word.fetch_and(!ATTENDED, Ordering::Relaxed) & ATTENDED != 0 {
            futex::wake(&self.word);
        }
    }

    /// Parent: sleeps until rung, unless `reply` says that there is something to collect. May wake
    /// for no reason. At most one thread at a time; it must look for replies after this returns,
    /// however it returned, because a ring that came meanwhile was spent on it.
    pub(crate) fn attend(&self, reply: impl Fn() -> bool, timeout: Option<Duration>) {
        // Relaxed: ordered against `reply` by the fence, which pairs with the fence in `ring`.
        let word = self.word.fetch_or(ATTENDED, Ordering::Relaxed) | ATTENDED;
        fence(Ordering::SeqCst);
        if !reply() {
            futex::wait(&self.word, word, timeout);
        }
        self.word.fetch_and(!ATTENDED, Ordering::Relaxed);
    }

    /// Parent: asks for a message on the control socket with the next reply. The caller must look
    /// for replies afterwards, because one may have come just before.
    pub(crate) fn arm(&self) {
        // Relaxed: ordered against the caller's look by the fence, which pairs with that in `ring`.
        if self.word.load(Ordering::Relaxed) & ARMED == 0 {
            self.word.fetch_or(ARMED, Ordering::Relaxed);
        }
        fence(Ordering::SeqCst);
    }
}
