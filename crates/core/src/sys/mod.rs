//! What this crate needs from the kernel: sealed shared memory, futexes, the control socket, and
//! inherited descriptors. The lowest layer; it knows nothing of lanes.

pub(crate) mod control;
pub(crate) mod fork;
pub(crate) mod futex;
pub(crate) mod inherited;
pub(crate) mod memory;
