//! A lane: the layout of the shared memory between the parent and one worker.
//!
//! ```text
//! | ring: header, 128 slots | argument block, reply block of slot 0 | … of slot 1 | …
//! ```
//!
//! The arena is one pair of blocks per slot. So nothing is allocated in it, nothing can leak in it,
//! and the only thing to check is the length. Its pages cost memory only once a payload has used
//! them. One of the few files with unsafe code: it gives the worker a reference to the
//! bytes of a request.
//!
//! Used by [`crate::pool`] on the parent's side and [`crate::worker`] on the worker's.
#![allow(unsafe_code)]

use crate::lane::frame::{BLOCK, INLINE as TIER_INLINE};
use crate::lane::ring::{INLINE, Ring, Slot};
use crate::lane::state::{SLOTS, index};
use crate::sync::{AtomicU32, Ordering};
use crate::sys::memory::Memory;
use std::io;
use std::mem::offset_of;
use std::os::fd::{AsFd, OwnedFd};

/// Size of an argument block and of a reply block. Larger payloads get a segment.
pub(crate) const BLOCK_LEN: usize = 32 << 10;

/// Offset of the arena: the first page after the ring.
const ARENA: usize = size_of::<Ring>().next_multiple_of(4096);

/// Size of a lane in bytes.
pub(crate) const LEN: usize = ARENA + SLOTS as usize * 2 * BLOCK_LEN;

/// "horsepow" and the version of this layout.
const MAGIC: u64 = u64::from_le_bytes(*b"horsepow") ^ 1;

/// A mapped lane, on either side.
#[derive(Debug)]
pub(crate) struct Lane {
    memory: Memory,
    /// Parent: counts how often something was taken out of the lane. Lives in the parent's own
    /// memory.
    changes: AtomicU32,
}

impl Lane {
    /// Parent: creates a lane, and the descriptor for its worker.
    pub(crate) fn create() -> io::Result<(Lane, OwnedFd)> {
        let (memory, file) = Memory::create("horsepower-lane", LEN)?;
        let lane = Lane { memory, changes: AtomicU32::new(0) };
        // Relaxed: the worker has not been started yet.
        lane.ring().magic.store(MAGIC, Ordering::Relaxed);
        Ok((lane, file))
    }

    /// Worker: maps the lane that its parent created.
    pub(crate) fn open(file: impl AsFd) -> io::Result<Lane> {
        let memory = Memory::from_descriptor(file, LEN)?;
        let lane = Lane { memory, changes: AtomicU32::new(0) };
        // Relaxed: it was written before this process was started.
        if lane.ring().magic.load(Ordering::Relaxed) != MAGIC {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a lane of this version"));
        }
        Ok(lane)
    }

    /// Parent: notes that the holder of the pool's lock has taken something out of the lane.
    pub(crate) fn note_change(&self) {
        // Relaxed: the fence in `Bell::wake` orders it before the check for a sleeper.
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Parent: how often something was taken out.
    pub(crate) fn changes(&self) -> u32 {
        // Relaxed: the fence in `Bell::wait` orders it after the sleeper has announced itself.
        self.changes.load(Ordering::Relaxed)
    }

    pub(crate) fn ring(&self) -> &Ring {
        self.memory.view(0)
    }

    fn inline_offset(&self, position: u32) -> usize {
        let slot = std::ptr::from_ref::<Slot>(self.ring().slot(position)).addr();
        let ring = std::ptr::from_ref::<Ring>(self.ring()).addr();
        slot - ring + offset_of!(Slot, inline)
    }

    fn argument_offset(position: u32) -> usize {
        ARENA + index(position) * 2 * BLOCK_LEN
    }

    fn reply_offset(position: u32) -> usize {
        Lane::argument_offset(position) + BLOCK_LEN
    }

    /// Parent: copies an argument of at most [`BLOCK_LEN`] bytes into the lane and returns its
    /// tier.
    pub(crate) fn write_argument(&self, position: u32, bytes: &[u8]) -> u32 {
        debug_assert!(bytes.len() <= BLOCK_LEN);
        if bytes.len() <= INLINE {
            self.memory.write(self.inline_offset(position), bytes);
            TIER_INLINE
        } else {
            self.memory.write(Lane::argument_offset(position), bytes);
            BLOCK
        }
    }

    /// Worker: borrows the argument in the slot or its block.
    ///
    /// # Safety
    /// The task at `position` is RUNNING on this worker, and its inline part is not written to
    /// while the slice is in use.
    pub(crate) unsafe fn argument(&self, position: u32, tier: u32, len: usize) -> &[u8] {
        let offset = match tier {
            TIER_INLINE => self.inline_offset(position),
            _ => Lane::argument_offset(position),
        };
        // SAFETY: while a task is RUNNING, the parent writes neither to the slot's inline part nor
        // to its argument block. The caller promises the same for the worker.
        unsafe { self.memory.bytes(offset, len) }
    }

    /// Worker: copies a part of a reply to offset `start` of the slot (`tier` INLINE) or of its
    /// reply block.
    pub(crate) fn write_reply(&self, position: u32, tier: u32, start: usize, bytes: &[u8]) {
        let offset = match tier {
            TIER_INLINE => self.inline_offset(position),
            _ => Lane::reply_offset(position),
        };
        self.memory.write(offset + start, bytes);
    }

    /// Worker: copies back what it wrote to its reply block.
    pub(crate) fn read_own_reply(&self, position: u32, into: &mut [u8]) {
        self.memory.read(Lane::reply_offset(position), into);
    }

    /// Parent: copies the first `len` bytes of a reply out of the slot or its reply block. `None`:
    /// a reply of this tier cannot be that long, or there is no memory for it.
    pub(crate) fn read_reply(
        &self,
        position: u32,
        tier: u32,
        into: &mut impl Extend<u8>,
        len: usize,
    ) -> Option<()> {
        let (offset, most) = match tier {
            TIER_INLINE => (self.inline_offset(position), INLINE),
            BLOCK => (Lane::reply_offset(position), BLOCK_LEN),
            _ => return None,
        };
        if len > most {
            return None;
        }
        if len <= INLINE {
            let mut bytes = [0; INLINE];
            self.memory.read(offset, &mut bytes[..len]);
            into.extend(bytes[..len].iter().copied());
        } else {
            into.extend(self.memory.read_vec(offset, len)?);
        }
        Some(())
    }
}
