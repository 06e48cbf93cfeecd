//! Sleeping and waking across the lane: [`Doorbell`] for the worker, [`Bell`] for the parent.
//!
//! Used by [`crate::lane::ring`]. `docs/design/sleep.md` proves that no wake-up is lost; loom
//! checks the proof against this source (`tests` in `ring.rs`). Both types follow Dekker's pattern:
//! each side writes its own word, passes a sequentially consistent fence, and reads the other
//! side's word. The fences have a single total order, and the side whose fence comes second sees
//! the other side's word. So either the sleeper sees the work or the waker sees the sleeper.

use crate::sync::{AtomicU32, Ordering, fence, futex};
use std::time::Duration;

/// The worker sleeps on it when its lane is empty; the parent rings it after filling a slot.
#[repr(C, align(64))]
pub(crate) struct Doorbell {
    /// 1 while the worker sleeps or is about to. The worker sets it; the side that ends the sleep
    /// clears it. It is also the futex word: a sleep begins only while the word is still 1.
    parked: AtomicU32,
}

impl Doorbell {
    #[cfg(any(loom, test))]
    pub(crate) fn new() -> Self {
        Doorbell { parked: AtomicU32::new(0) }
    }

    /// Worker: sleeps until rung, unless `work` says that there is something to do. Wake-ups may be
    /// spurious; the caller looks again.
    pub(crate) fn park(&self, work: impl Fn() -> bool) {
        // Relaxed: ordered against `work` by the fence, which pairs with the fence in `ring`. This
        // is a swap rather than a store so that it reads from the swap of a late ring and thereby
        // follows it in the word's modification order. That is easier to see, also for the checker,
        // than relying on the atomicity of the other swap.
        self.parked.swap(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !work() {
            futex::wait(&self.parked, 1, None);
        }
        // Relaxed: at worst the parent rings once more than needed.
        self.parked.store(0, Ordering::Relaxed);
    }

    /// Parent: wakes the worker if it sleeps. Call it after publishing the work. It costs one
    /// system call per sleep, and none for a worker that is awake. True: the worker was asleep.
    pub(crate) fn ring(&self) -> bool {
        fence(Ordering::SeqCst);
        // Relaxed: the fence, which pairs with the one in `park`, orders this load after the
        // publishing.
        let parked =
            self.parked.load(Ordering::Relaxed) == 1 && self.parked.swap(0, Ordering::Relaxed) == 1;
        if parked {
            futex::wake(&self.parked);
        }
        parked
    }
}

/// A parent's thread sleeps on the futex: the one that helps with this lane.
const HELPER: u32 = 1;
/// The supervisor wants a message in the note pipe at the next reply.
const ARMED: u32 = 2;

/// Which side a ring of the [`Bell`] woke or concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rung {
    /// Nobody was asleep; a waiting thread is already looking.
    Nobody,
    /// A helping thread was asleep and has been woken.
    Helper,
    /// The supervisor asked for a message; the caller must send it.
    Supervisor,
}

/// Tells the parent that a reply is in the lane; the worker rings it after each reply.
#[repr(C, align(64))]
pub(crate) struct Bell {
    /// [`HELPER`] and [`ARMED`]. The parent sets them; the worker clears the one that it acts on,
    /// so each request for a wake-up is answered once.
    word: AtomicU32,
}

impl Bell {
    #[cfg(any(loom, test))]
    pub(crate) fn new() -> Self {
        Bell { word: AtomicU32::new(0) }
    }

    /// Worker: call after publishing a reply. Wakes the thread that helps with this lane, if there
    /// is one.
    pub(crate) fn ring(&self) -> Rung {
        fence(Ordering::SeqCst);
        // Relaxed: the fence, which pairs with those in `wait` and `arm`, orders this load after
        // the publishing of the reply.
        let word = self.word.load(Ordering::Relaxed);
        if word & HELPER != 0 {
            self.wake();
            Rung::Helper
        } else if word & ARMED != 0 && self.word.fetch_and(!ARMED, Ordering::Relaxed) & ARMED != 0 {
            Rung::Supervisor
        } else {
            Rung::Nobody
        }
    }

    /// Wakes the thread that helps with this lane, if there is one. Call it after publishing what
    /// that thread has to see.
    pub(crate) fn wake(&self) {
        // Pairs with the fence in `wait`.
        fence(Ordering::SeqCst);
        if self.word.fetch_and(!HELPER, Ordering::Relaxed) & HELPER != 0 {
            futex::wake(&self.word);
        }
    }

    /// Parent: sleeps until rung, unless `reply` says that there is something to collect. Wake-ups
    /// may be spurious. At most one thread may wait at a time. It must look for replies after this
    /// returns, however it returned, because a ring that arrived meanwhile was consumed by it.
    pub(crate) fn wait(&self, reply: impl Fn() -> bool, timeout: Option<Duration>) {
        // Relaxed: ordered against `reply` by the fence, which pairs with the fence in `ring`.
        let word = self.word.fetch_or(HELPER, Ordering::Relaxed) | HELPER;
        fence(Ordering::SeqCst);
        if !reply() {
            futex::wait(&self.word, word, timeout);
        }
        self.word.fetch_and(!HELPER, Ordering::Relaxed);
    }

    /// Parent: requests a message in the note pipe at the next reply. The caller must look for
    /// replies afterwards, because one may have arrived just before.
    pub(crate) fn arm(&self) {
        // Relaxed: ordered against the caller's look by the fence, which pairs with the one in
        // `ring`.
        if self.word.load(Ordering::Relaxed) & ARMED == 0 {
            self.word.fetch_or(ARMED, Ordering::Relaxed);
        }
        fence(Ordering::SeqCst);
    }
}
