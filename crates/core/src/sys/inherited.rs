//! Descriptors that this process inherited through `exec`.
//!
//! One of the few files with unsafe code: it takes ownership of descriptors that have no owner.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Takes ownership of standard input and replaces it with `/dev/null`, or, where there is none, with a pipe
/// that has ended.
pub(crate) fn take_standard_input() -> io::Result<OwnedFd> {
    let taken = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let null = match std::fs::File::open("/dev/null") {
        Ok(null) => OwnedFd::from(null),
        Err(_) => rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?.0,
    };
    rustix::stdio::dup2_stdin(&null)?;
    Ok(taken)
}

/// Closes every descriptor above standard error that was inherited through `exec`, so that a worker
/// never keeps its parent's locks or pipes alive. A descriptor survives `exec` exactly if it lacks
/// the close-on-exec flag, and Rust sets that flag on every descriptor that it opens. So a
/// descriptor without the flag was inherited, or foreign code opened it and would leak it into
/// every child anyway.
pub(crate) fn close_all_but_standard_streams() -> io::Result<()> {
    let mut inherited = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let number = entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok());
        if let Some(number) = number.filter(|&number| number > 2) {
            inherited.push(number);
        }
    }
    for number in inherited {
        // SAFETY: only used to read the flag. If the descriptor belongs to the directory itself, or
        // has been closed meanwhile, the call returns an error and nothing happens.
        let descriptor = unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
        let flags = rustix::io::fcntl_getfd(descriptor);
        if flags.is_ok_and(|flags| !flags.contains(rustix::io::FdFlags::CLOEXEC)) {
            // SAFETY: the program that started this one left it open, and this is the first thing
            // that this program does (`init` requires that), so nothing here owns it. Foreign code
            // that ran even earlier and opened it without the flag finds it closed: an error from
            // the kernel, not memory unsafety.
            drop(unsafe { OwnedFd::from_raw_fd(descriptor.as_raw_fd()) });
        }
    }
    Ok(())
}
