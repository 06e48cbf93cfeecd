//! Lanes, workers and supervision: the engine below `horsepower`, which deals in bytes. Use the
//! `horsepower` crate; the interface of this one serves only its needs.
//!
//! # A task's way
//!
//! Seven steps. ①, ②, ⑥ and ⑦ are in the `horsepower` crate, where tasks have types; here they are
//! bytes.
//!
//! | step | file | what happens |
//! |---|---|---|
//! | ① accept | `horsepower/src/executor/front.rs` | `submit` makes a future |
//! | ② encode | `horsepower/src/codec/encode.rs` | the argument becomes bytes |
//! | ③ put | `pool/schedule/put.rs` | an idle or short lane is chosen, the bytes go into a slot |
//! | ④ work | `worker/worker.rs` | the worker takes the slot, calls the function, replies in the same slot |
//! | ⑤ collect | `pool/schedule/collect.rs` | the parent checks the reply and frees the slot |
//! | ⑥ decode | `horsepower/src/codec/decode.rs` | the bytes become the result |
//! | ⑦ complete | `horsepower/src/task/promise.rs` | the future has its answer; waiters, callbacks and wakers are notified |
//!
//! Calls go downward, except two. In ④ the worker calls the function through its entry point. After
//! ⑤, without the lock, `pool/delivery/tell.rs` calls the task's `Receiver`, a trait object, which
//! does ⑥ and ⑦. Both lead to `horsepower/src/executor/wire.rs`.
//!
//! `docs/architecture.md` in the repository has every stop between the steps, every lock and every
//! thread.
//!
//! # Layers
//!
//! [`pool`] is the parent's side, `worker` the worker's; [`task`] is what both know of a task. They
//! stand on `wire` (entry points, identity, handshake) and `lane` (frames, slots, sleeping). Within
//! `lane`, `ring` has the slots and every change of state, `sleep` the waking, and `state` the state
//! word. All of them stand on `sys` (memory, futexes, the control socket). [`callback_threads`] has
//! the threads on which done-callbacks may take their time, [`panic`](mod@panic) turns panics into
//! values. Unsafe code is in `sys/memory.rs`, `sys/inherited.rs`, `sys/fork.rs`, `lane/lane.rs`,
//! `wire/entry_point.rs`, `worker/worker.rs` and `worker/forkserver.rs`, and nowhere else.
//!
//! `docs/design/` in the repository explains the reasons: the lane, the proof that no wake-up is
//! lost, and the life of a worker.

#![deny(unsafe_code)]
// loom checks the lock-free parts alone, and only Linux has a pool.
#![cfg_attr(any(loom, not(target_os = "linux")), allow(dead_code))]
// These pages are read next to the source, so they may link into it.
#![allow(rustdoc::private_intra_doc_links)]

#[cfg(any(target_os = "linux", loom))]
mod sync;

#[cfg(not(loom))]
pub mod callback_threads;
#[cfg(not(loom))]
pub mod cast;
#[cfg(not(loom))]
pub mod copies;
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
