//! The frames of a slot: what a request and a reply say about their payloads.
//!
//! Guarded by the slot's state word, so every access here is Relaxed: the hand-over is done by the
//! word. They are atomics all the same because a worker gone mad may write while the parent reads,
//! and a race on an atomic is a wrong number, which is checked, where a race on anything else would
//! be undefined behaviour in the parent.

use crate::sync::{AtomicU32, AtomicU64};

/// Where a payload lies: in the slot itself.
pub(crate) const INLINE: u32 = 0;
/// Where a payload lies: in the slot's block of the lane's arena.
pub(crate) const BLOCK: u32 = 1;
/// Where a payload lies: in a segment of its own.
pub(crate) const SEGMENT: u32 = 2;

/// Written by the parent before READY, read by the worker while RUNNING.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Request {
    /// The task's entry point, relative to the anchor (see [`crate::wire::entry_point`]).
    pub(crate) entry: AtomicU64,
    /// Bytes of argument.
    pub(crate) length: AtomicU64,
    /// The segment that holds the argument, if `tier` says so.
    pub(crate) segment: AtomicU64,
    /// A segment that the worker is to unmap, or 0.
    pub(crate) forget: AtomicU64,
    /// How many items the argument holds; each is one call.
    pub(crate) items: AtomicU32,
    /// [`INLINE`], [`BLOCK`] or [`SEGMENT`]; plus [`FRAMED`].
    pub(crate) tier: AtomicU32,
    /// Set by the parent at any time: begin no further item. The one field that changes while the
    /// worker reads it.
    pub(crate) stop: AtomicU32,
    /// What is printed goes into two files that come with a note; 0: it is not kept.
    pub(crate) capture: AtomicU32,
}

/// Added to a request's tier when each item of the argument carries its length (see
/// [`crate::lane::record`]); without it the whole argument is one item.
pub(crate) const FRAMED: u32 = 0x100;

/// Written by the worker while RUNNING, read by the parent after DONE or after the worker's death.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Reply {
    /// Bytes of all result records.
    pub(crate) length: AtomicU64,
    /// The segment that holds them, if `tier` says so.
    pub(crate) segment: AtomicU64,
    /// Nanoseconds that the worker spent on the task.
    pub(crate) nanos: AtomicU64,
    /// When the present item began, in nanoseconds of the monotonic clock, which is the same for all
    /// processes. 0: it has not; the parent writes that before READY.
    pub(crate) began: AtomicU64,
    /// [`INLINE`], [`BLOCK`] or [`SEGMENT`].
    pub(crate) tier: AtomicU32,
    _reserved: AtomicU32,
}
