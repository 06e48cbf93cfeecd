//! [`Stdio`]: where a standard stream of a process leads.

use horsepower_core::launch::Stream;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// Where a standard stream of a [`Process`](super::Process) leads.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Stdio {
    /// Where this process's own stream leads. A process that inherits standard input stays in this
    /// process's group, so that it may read from the terminal; Ctrl-C then reaches both.
    Inherit,
    /// Nowhere: reading finds the end at once, what is written is gone.
    Null,
    /// To this process, through a pipe. A pipe holds 64 KiB: one that nobody reads stops the process
    /// when it is full.
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
