//! Descriptors that came to this process through `exec`.
//!
//! One of the few files with unsafe code: it makes owners of descriptors that have none.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Takes over standard input, and puts `/dev/null` in its place.
pub(crate) fn take_standard_input() -> io::Result<OwnedFd> {
    let taken = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let null = std::fs::File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    Ok(taken)
}

/// Closes every descriptor above standard error that came through `exec`, so that a worker never
/// keeps a lock or a pipe of its parent's alive. A descriptor that survives `exec` is exactly one
/// without the close-on-exec flag, and Rust sets that flag on all it opens; so those without it
/// were inherited, or opened by foreign code that would leak them into every child anyway.
pub(crate) fn close_all_but_standard_streams() -> io::Result<()> {
    let mut inherited = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let number = entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok());
        if let Some(number) = number.filter(|&number| number > 2) {
            inherited.push(number);
        }
    }
    for number in inherited {
        // SAFETY: only used for the flag; if the descriptor was the directory's own, or is closed
        // meanwhile, the call says so and nothing happens.
        let descriptor = unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
        let flags = rustix::io::fcntl_getfd(descriptor);
        if flags.is_ok_and(|flags| !flags.contains(rustix::io::FdFlags::CLOEXEC)) {
            // SAFETY: it was left open by the program that started this one, and this is the first
            // thing that the program does (`init` asks for that), so nothing here owns it. Foreign
            // code that ran even earlier and opened it without the flag finds it closed: an error
            // from the kernel, no unsoundness of memory.
            drop(unsafe { OwnedFd::from_raw_fd(descriptor.as_raw_fd()) });
        }
    }
    Ok(())
}
