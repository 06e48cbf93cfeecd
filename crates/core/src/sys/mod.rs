//! What this crate needs from the kernel: sealed shared memory, futexes, the control socket, the note
//! pipe, the lifeline, signals, job control, fork, and inherited descriptors. The lowest layer; it knows
//! nothing of lanes.

pub(crate) mod control;
pub(crate) mod fork;
pub(crate) mod futex;
pub(crate) mod inherited;
pub(crate) mod job_control;
pub(crate) mod lifeline;
pub(crate) mod memory;
pub(crate) mod notes;
pub(crate) mod overflow;
pub(crate) mod signals;
