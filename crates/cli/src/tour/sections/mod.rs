//! The sections, one per file. Each has a text, and code between markers. The tour shows only the marked
//! lines.

pub(super) mod info;
pub(super) mod pools;
#[cfg(target_os = "linux")]
pub(super) mod processes;
pub(super) mod sequential;
pub(super) mod threads;
pub(super) mod timeit;
pub(super) mod worth;
