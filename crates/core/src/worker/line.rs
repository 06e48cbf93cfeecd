//! The ways between a worker and its parent, at the worker's end.
//!
//! Made by [`worker`](super::worker) from the descriptors that come with the handshake.

use crate::death::STACK_OVERFLOW;
use crate::sys::{lifeline, notes, overflow};
use crate::wire::handshake::Note;
use crate::wire::panic;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// The worker's ends of the ways between it and its parent.
pub(super) struct Line {
    /// For what the parent says.
    pub(super) control: OwnedFd,
    /// For what this process says.
    pub(super) notes: Arc<OwnedFd>,
    _lifeline: OwnedFd,
}

impl Line {
    /// Takes the ends into use, under numbers that are not the next to be given to a file: a task that
    /// closes descriptors which it does not know must not have its own files written to.
    pub(super) fn new(control: OwnedFd, notes: OwnedFd, lifeline: OwnedFd) -> io::Result<Line> {
        const HIGH: i32 = 900;
        let high = |end: OwnedFd| rustix::io::fcntl_dupfd_cloexec(&end, HIGH).unwrap_or(end);
        let line = Line {
            control: high(control),
            notes: Arc::new(high(notes)),
            _lifeline: high(lifeline),
        };
        lifeline::hold(&line._lifeline)?;
        Ok(line)
    }

    /// From now on, the parent is told why this process ends, if it can tell: a panic that cannot be caught,
    /// and a stack overflow of this thread.
    pub(super) fn tell_of_the_end(&self) {
        let pipe = self.notes.clone();
        panic::on_fatal(move |why| {
            let _ = notes::write_now(&pipe, &Note::Dying(why.to_owned()).encode());
        });
        let words = notes::frame(&Note::Dying(STACK_OVERFLOW.into()).encode());
        overflow::tell(self.notes.clone(), words);
    }
}
