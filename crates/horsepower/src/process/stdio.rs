//! [`Stdio`]: what a standard stream of a process is connected to.

use horsepower_core::launch::Stream;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// What a standard stream of a [`Process`](super::Process) is connected to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Stdio {
    /// This process's own stream. A process that inherits standard input stays in this process's
    /// group, so that it may read from the terminal; Ctrl-C then reaches both.
    Inherit,
    /// Nothing: reads return end of file at once, writes are discarded.
    Null,
    /// A pipe to this process. A pipe holds 64 KiB; when it is full and nobody reads it, the
    /// process blocks.
    Piped,
}

impl Stdio {
    /// The stream for the process, and this process's end of the pipe. `to_process`: this process
    /// writes.
    pub(super) fn open(&self, to_process: bool) -> io::Result<(Stream, Option<OwnedFd>)> {
        match self {
            Stdio::Inherit => Ok((Stream::Inherit, None)),
            Stdio::Null => Ok((Stream::Null, None)),
            Stdio::Piped => {
                let (reader, writer) = io::pipe()?;
                let (reader, writer) = (OwnedFd::from(reader), OwnedFd::from(writer));
                let (theirs, ours) = if to_process { (reader, writer) } else { (writer, reader) };
                Ok((Stream::To(Arc::new(theirs)), Some(ours)))
            }
        }
    }
}
