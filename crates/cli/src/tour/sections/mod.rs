//! The sections, one a file: the text, and the code between the marks. What stands outside of the marks
//! is what every Rust program has anyway.

pub(super) mod info;
pub(super) mod pools;
#[cfg(target_os = "linux")]
pub(super) mod processes;
pub(super) mod sequential;
pub(super) mod threads;
pub(super) mod timeit;
pub(super) mod worth;
