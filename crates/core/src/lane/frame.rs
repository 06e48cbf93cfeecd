//! The frames of a slot: what a request and a reply say about their payloads.
//!
//! The slot's state word guards them, so every access here is Relaxed: the word does the hand-over.
//! They are atomics nevertheless, because a corrupted worker may write while the parent reads. A
//! race on an atomic yields a wrong number, which is checked; a race on anything else would be
//! undefined behaviour in the parent.

use crate::sync::{AtomicU32, AtomicU64};

/// The payload lies in the slot itself.
pub(crate) const INLINE: u32 = 0;
/// The payload lies in the slot's block of the lane's arena.
pub(crate) const BLOCK: u32 = 1;
/// The payload lies in its own segment.
pub(crate) const SEGMENT: u32 = 2;

/// Written by the parent before READY, read by the worker while RUNNING.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Request {
    /// The task's entry point, relative to the anchor (see [`crate::wire::entry_point`]).
    pub(crate) entry: AtomicU64,
    /// Length of the argument in bytes.
    pub(crate) length: AtomicU64,
    /// The segment that holds the argument, if `tier` says so.
    pub(crate) segment: AtomicU64,
    /// A segment that the worker must unmap, or 0.
    pub(crate) forget: AtomicU64,
    /// How many items the argument holds; each item is one call.
    pub(crate) items: AtomicU32,
    /// [`INLINE`], [`BLOCK`] or [`SEGMENT`]; plus [`FRAMED`].
    pub(crate) tier: AtomicU32,
    /// Set by the parent at any time: start no further item. The only field that changes while the
    /// worker reads it.
    pub(crate) stop: AtomicU32,
    /// Number of the capture that takes the task's output (two files, sent in a note); 0: output is
    /// not captured.
    pub(crate) capture: AtomicU32,
}

/// Added to a request's tier when each item of the argument carries its length (see
/// [`crate::lane::record`]). Without it the whole argument is one item.
pub(crate) const FRAMED: u32 = 0x100;

/// Written by the worker while RUNNING, read by the parent after DONE or after the worker's death.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Reply {
    /// Total length of all result records in bytes.
    pub(crate) length: AtomicU64,
    /// The segment that holds them, if `tier` says so.
    pub(crate) segment: AtomicU64,
    /// Nanoseconds that the worker spent on the task.
    pub(crate) nanos: AtomicU64,
    /// When the current item started, in nanoseconds of the monotonic clock, which all processes
    /// share. 0: it has not started; the parent writes 0 before READY.
    pub(crate) began: AtomicU64,
    /// [`INLINE`], [`BLOCK`] or [`SEGMENT`].
    pub(crate) tier: AtomicU32,
    _reserved: AtomicU32,
}
