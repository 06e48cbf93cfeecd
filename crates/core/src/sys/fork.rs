//! Forking a process that is a child of this one's parent.
//!
//! One of the few files with unsafe code: for good reasons the standard library has no fork, and
//! the C library's has no flag for this.
#![allow(unsafe_code)]

use std::io;

/// Which side of a fork this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The process that forked, with the process id of the new one.
    Old(u32),
    /// The new process.
    New,
}

/// Forks. The new process is a sibling of this one: a child of its parent (`CLONE_PARENT`,
/// clone(2)), which reaps it. The kernel kills the new process when that parent dies.
///
/// The new process has only this thread, and a copy of all memory as of this moment.
///
/// # Safety
/// No other thread may hold anything that the new process will need, above all a lock of the memory
/// allocator. So there must be no other thread, or only threads that sleep for good.
pub(crate) unsafe fn fork_sibling() -> io::Result<Side> {
    if cfg!(target_env = "musl") {
        // With musl, the kernel knows a different address, which must not be written to.
        let why = "with this C library (musl) workers cannot be forked; use the start method spawn";
        return Err(io::Error::new(io::ErrorKind::Unsupported, why));
    }
    // Flush what C code has buffered, so that not every worker prints it again.
    // SAFETY: a null pointer means all streams; there is no other thread that could hold their locks.
    unsafe { libc::fflush(std::ptr::null_mut()) };
    // The C library keeps the thread's id in memory. Its own fork has the kernel write the new id
    // there, and so does this one. The kernel knows the address.
    let mut place: *mut libc::c_int = std::ptr::null_mut();
    // SAFETY: with this request the kernel writes one pointer, to the address in the third
    // argument.
    let known = unsafe { libc::prctl(libc::PR_GET_TID_ADDRESS, &raw mut place) } == 0;
    let tid = if known { libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID } else { 0 };
    let flags = libc::c_long::from(libc::CLONE_PARENT | tid | libc::SIGCHLD);
    let none: *mut libc::c_void = std::ptr::null_mut();
    let place = place.cast::<libc::c_void>();
    // The last two of: flags, stack, parent's id, child's id, thread-local storage. Their order
    // depends on the architecture.
    let (fourth, fifth) = if cfg!(target_arch = "x86_64") { (place, none) } else { (none, place) };
    // SAFETY: without CLONE_VM and without its own stack, the new process continues here with a
    // copy of everything, as after any fork. `place` is null or the address where the C library
    // keeps this thread's id, which is the same in the copy. The caller guarantees the condition on
    // other threads.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, none, none, fourth, fifth) };
    match u32::try_from(pid) {
        Ok(0) => Ok(Side::New),
        Ok(pid) => Ok(Side::Old(pid)),
        Err(_) => Err(io::Error::last_os_error()),
    }
}
