//! Tells a process from a copy of it that a fork has made, without a system call.
//!
//! In a copy there are none of the threads that the original has started, and its memory that is shared
//! with workers must not be touched. One page of this file is cleared in every copy by the kernel
//! (`MADV_WIPEONFORK`, since Linux 4.14). One of the few files with unsafe code.
#![allow(unsafe_code)]

#[cfg(target_os = "linux")]
use rustix::mm::{Advice, MapFlags, ProtFlags};
#[cfg(target_os = "linux")]
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The process id of this process; 0 in a copy that has not asked yet. `None`: the kernel cannot do this.
#[cfg(target_os = "linux")]
static PAGE: OnceLock<Option<&'static AtomicU32>> = OnceLock::new();

#[cfg(target_os = "linux")]
fn page() -> Option<&'static AtomicU32> {
    *PAGE.get_or_init(|| {
        let len = rustix::param::page_size();
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address that the kernel chooses does not affect existing ones.
        let mapped = unsafe {
            rustix::mm::mmap_anonymous(std::ptr::null_mut(), len, access, MapFlags::PRIVATE)
        };
        let mapped = mapped.ok()?;
        // SAFETY: the whole mapping is ours, and nothing is in it yet.
        unsafe { rustix::mm::madvise(mapped, len, Advice::LinuxWipeOnFork) }.ok()?;
        // SAFETY: mapped for ever, aligned to a page, zeroed, and used as this atomic alone.
        Some(unsafe { AtomicU32::from_ptr(mapped.cast()) })
    })
}

/// Elsewhere a system call has to do.
#[cfg(not(target_os = "linux"))]
fn page() -> Option<&'static AtomicU32> {
    None
}

/// The id of this process.
pub fn own_pid() -> u32 {
    let Some(page) = page() else { return std::process::id() };
    // Relaxed: every thread of a process writes the same number, and nothing depends on it.
    match page.load(Ordering::Relaxed) {
        0 => {
            let pid = std::process::id();
            page.store(pid, Ordering::Relaxed);
            pid
        }
        pid => pid,
    }
}

#[cfg(target_os = "linux")]
/// Ends a copy of a worker, without whatever the original does at its end.
pub(crate) fn end_copy() -> ! {
    // SAFETY: it ends the process at once, and runs no code.
    unsafe { libc::_exit(0) }
}

/// The process that has made something, to tell it from its copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Maker(u32);

impl Maker {
    /// This process.
    #[must_use]
    pub fn here() -> Maker {
        Maker(own_pid())
    }

    /// True in the process that has made it, and false in a copy of that.
    #[must_use]
    pub fn is_here(self) -> bool {
        own_pid() == self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_its_id() {
        assert_eq!(own_pid(), std::process::id());
        assert!(Maker::here().is_here());
        assert!(!Maker(1).is_here());
    }
}
