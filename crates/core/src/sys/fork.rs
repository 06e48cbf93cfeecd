//! Forking a process that is a child of this one's parent.
//!
//! One of the few files with unsafe code: the standard library has no fork, for good reasons, and the C
//! library's has no flag for this.
#![allow(unsafe_code)]

use std::io;

/// Which side of a fork this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The process that forked; the process id of the new one.
    Old(u32),
    /// The new process.
    New,
}

/// Forks. The new process is a sibling of this one: a child of its parent (`CLONE_PARENT`, clone(2)),
/// which waits for it, and by whose death the kernel ends it.
///
/// The new process has this thread alone, and a copy of all memory as it is at this moment.
///
/// # Safety
/// No other thread may hold anything that the new process will need: a lock of the memory allocator
/// above all. So there must be no other thread, or only such as sleep for good.
pub(crate) unsafe fn fork_sibling() -> io::Result<Side> {
    if cfg!(target_env = "musl") {
        // There the kernel knows another place, which must not be written to.
        let why = "with this C library (musl) workers cannot be forked; use the start method spawn";
        return Err(io::Error::new(io::ErrorKind::Unsupported, why));
    }
    // What C code has printed and not yet sent must not be sent by every worker.
    // SAFETY: a null pointer means all streams; there is no other thread that could hold their locks.
    unsafe { libc::fflush(std::ptr::null_mut()) };
    // The C library keeps the thread's id in memory; its own fork has the kernel put the new one there,
    // and so does this. The kernel knows the place.
    let mut place: *mut libc::c_int = std::ptr::null_mut();
    // SAFETY: with this request the kernel writes one pointer, to where the third argument points.
    let known = unsafe { libc::prctl(libc::PR_GET_TID_ADDRESS, &raw mut place) } == 0;
    let tid = if known { libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID } else { 0 };
    let flags = libc::c_long::from(libc::CLONE_PARENT | tid | libc::SIGCHLD);
    let none: *mut libc::c_void = std::ptr::null_mut();
    let place = place.cast::<libc::c_void>();
    // The last two of: flags, stack, parent's id, child's id, thread-local storage; their order depends
    // on the architecture.
    let (fourth, fifth) = if cfg!(target_arch = "x86_64") { (place, none) } else { (none, place) };
    // SAFETY: without CLONE_VM and without a stack of its own the new process goes on here with a copy of
    // everything, as after any fork; `place` is null or where the C library keeps this thread's id, which
    // the copy has at the same address. The caller has seen to the other threads.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, none, none, fourth, fifth) };
    match u32::try_from(pid) {
        Ok(0) => Ok(Side::New),
        Ok(pid) => Ok(Side::Old(pid)),
        Err(_) => Err(io::Error::last_os_error()),
    }
}
