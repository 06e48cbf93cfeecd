//! The shared memory between the parent and one worker, and its contents.
//!
//! `state` is the state word of a slot, `frame` what a slot says about its payloads, `ring` the
//! slots, `sleep` waking and sleeping, `lane` the layout of all of it in one memory file. `payload`
//! and `record` are the byte formats of tasks and answers.

#[cfg(any(target_os = "linux", loom))]
pub(crate) mod frame;
#[cfg(all(target_os = "linux", not(loom)))]
#[allow(clippy::module_inception)]
mod lane;
#[cfg(not(loom))]
pub mod payload;
#[cfg(all(target_os = "linux", not(loom)))]
pub mod record;
#[cfg(any(target_os = "linux", loom))]
pub(crate) mod ring;
#[cfg(any(target_os = "linux", loom))]
pub(crate) mod sleep;
#[cfg(any(target_os = "linux", loom))]
pub(crate) mod state;

#[cfg(all(target_os = "linux", not(loom)))]
pub(crate) use lane::{BLOCK_LEN, Lane};
