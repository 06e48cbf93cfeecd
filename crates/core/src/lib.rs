//! Lanes, workers and supervision: the bytes below `horsepower`. Use that crate; this one is its
//! engine, and its interface follows the needs of that crate alone.
//!
//! # A task's way
//!
//! Seven steps, seven files; one direction, no step calls back up. ①, ②, ⑥ and ⑦ are in the
//! `horsepower` crate, where tasks have types; here they are bytes.
//!
//! | step | file | what happens |
//! |---|---|---|
//! | ① accept | `horsepower/src/executor/processes.rs` | `submit` makes a future and names the function |
//! | ② encode | `horsepower/src/encode.rs` | the argument becomes bytes |
//! | ③ put | [`pool/put.rs`](pool) | an idle or short lane is chosen, the bytes go into a slot |
//! | ④ work | `worker.rs` | the worker takes the slot, calls the function, replies in the same slot |
//! | ⑤ collect | [`pool/collect.rs`](pool) | the parent checks the reply and frees the slot |
//! | ⑥ decode | `horsepower/src/decode.rs` | the bytes become the result |
//! | ⑦ complete | `horsepower/src/complete.rs` | the future has its answer; waiters, callbacks, wakers |
//!
//! # Below that
//!
//! `worker` and `pool` stand on `call` (entry points) and `frame` (what a slot says), those on
//! `ring` (the slots, every change of state) and `sleep` (waking and sleeping), those on `state`
//! (the state word), and all on `sys` (memory, futexes, the control socket). Beside them stand `callers`,
//! the threads on which callbacks may take their time, and `panic`. Unsafe code is in
//! `sys/memory.rs`, `sys/inherited.rs`, `sys/fork.rs`, `lane.rs`, `call.rs`, `worker.rs` and
//! `forkserver.rs`, and nowhere else.
//!
//! `docs/design/` in the repository tells the why: the lane, the proof that no wake-up is lost, the
//! life of a worker.

#![deny(unsafe_code)]
// The checker runs the lock-free parts alone; elsewhere than on Linux there is no pool.
#![cfg_attr(any(loom, not(target_os = "linux")), allow(dead_code))]
// These pages are read beside the source: they may point into it.
#![allow(rustdoc::private_intra_doc_links)]

#[cfg(any(target_os = "linux", loom))]
mod sync;

#[cfg(not(loom))]
pub mod callback_threads;
#[cfg(not(loom))]
pub mod death;
#[cfg(not(loom))]
pub mod inside;
mod lane;
#[cfg(not(loom))]
pub mod prune;
pub mod stats;
#[cfg(not(loom))]
pub mod task;
#[cfg(not(loom))]
pub mod timed;
mod wire;
mod zero_sized;

#[cfg(not(loom))]
pub use lane::payload;
pub use wire::panic;
pub use zero_sized::assert_zero_sized;

#[cfg(all(target_os = "linux", not(loom)))]
mod clock;
#[cfg(all(target_os = "linux", not(loom)))]
pub mod launch;
#[cfg(all(target_os = "linux", not(loom)))]
pub mod pool;
#[cfg(all(target_os = "linux", not(loom)))]
mod sys;
#[cfg(all(target_os = "linux", not(loom)))]
mod worker;

#[cfg(all(target_os = "linux", not(loom)))]
pub use lane::record;
#[cfg(all(target_os = "linux", not(loom)))]
pub use wire::entry_point;
#[cfg(all(target_os = "linux", not(loom)))]
pub use wire::identity::BuildId;
#[cfg(all(target_os = "linux", not(loom)))]
pub use worker::{init, role};
