//! The stack of a thread that runs functions of the user.

use std::sync::OnceLock;

/// That of the main thread on most systems. What runs there is to run on any thread.
const MAIN_THREAD: usize = 8 << 20;

/// The default size in bytes: that of the main thread, or what `RUST_MIN_STACK` says, if that is more.
pub(crate) fn stack_size() -> usize {
    static SIZE: OnceLock<usize> = OnceLock::new();
    *SIZE.get_or_init(|| {
        let wanted = std::env::var("RUST_MIN_STACK").ok().and_then(|size| size.parse().ok());
        wanted.unwrap_or(0).max(MAIN_THREAD)
    })
}
