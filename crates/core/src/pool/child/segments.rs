//! The segments of one worker: shared memory for payloads that are too large for its lane.
//!
//! Owned by [`WorkerHandle`](super::handle::WorkerHandle). A segment is known to the parent and one
//! worker, and used by one task at a time: a task takes it out, and it comes back when the task's reply
//! has been decoded. What a worker says of its segments is checked here.

use crate::lane::BLOCK_LEN;
use crate::sys::control;
use crate::sys::memory::Memory;
use crate::wire::handshake::Note;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

/// Most bytes of idle segments that are kept for the next large payload.
const KEPT: usize = 256 << 20;

/// Most bytes that a worker may have been granted at a time: a tebibyte. It bounds what a worker gone mad
/// can take of the address space.
const MOST_GRANTED: usize = 1 << 40;

/// Most tasks with a segment that a lane holds at a time: it bounds what they cost in memory.
pub(crate) const LARGE: usize = 2;

/// Shared memory for one large payload.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) id: u64,
    pub(crate) memory: Memory,
    /// The memory as a file, by which it can be seen how much of it was written.
    file: OwnedFd,
}

/// The segments that no task uses just now.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    idle: Vec<Segment>,
    /// Those that the worker was granted for replies that were not collected yet.
    granted: Vec<Segment>,
    /// Those that are gone here, and that the worker is to forget.
    forget: Vec<u64>,
    /// How many were made: the id of the last one.
    made: u64,
}

impl Segments {
    /// Takes an idle segment of at least `len` bytes, or a new one, which the worker is told of.
    pub(crate) fn take(&mut self, len: usize, control: &OwnedFd) -> io::Result<Segment> {
        let fitting = self.idle.iter().enumerate().filter(|(_, s)| s.memory.len() >= len);
        if let Some((best, _)) = fitting.min_by_key(|(_, segment)| segment.memory.len()) {
            return Ok(self.idle.swap_remove(best));
        }
        let len = len.next_multiple_of(BLOCK_LEN);
        let (memory, file) = Memory::create("horsepower-segment", len)?;
        self.made += 1;
        let note = Note::Segment { id: self.made, len: len as u64 };
        control::send(control, &note.encode(), &[file.as_fd()])?;
        Ok(Segment { id: self.made, memory, file })
    }

    /// Takes back a segment that no task uses any more.
    pub(crate) fn give_back(&mut self, segment: Segment) {
        self.idle.push(segment);
        let mut bytes: usize = self.idle.iter().map(|segment| segment.memory.len()).sum();
        while bytes > KEPT || self.idle.len() > LARGE {
            let oldest = self.idle.remove(0);
            bytes -= oldest.memory.len();
            self.forget.push(oldest.id);
        }
    }

    /// The id of a segment for the worker to forget, or 0.
    pub(crate) fn next_forgotten(&mut self) -> u64 {
        self.forget.pop().unwrap_or(0)
    }

    /// Gives the worker, which has `tasks` tasks, the segment for a reply of `len` bytes, as it has asked; if
    /// there is none, it is told why, which is its task's error.
    ///
    /// # Errors
    /// If it may not ask for that.
    pub(crate) fn grant(
        &mut self,
        len: u64,
        tasks: usize,
        control: &OwnedFd,
    ) -> Result<(), String> {
        let bytes: usize = self.granted.iter().map(|segment| segment.memory.len()).sum();
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if self.granted.len() >= tasks || len == 0 || len > MOST_GRANTED - bytes.min(MOST_GRANTED) {
            return Err("it asks for more memory than its tasks can use".to_owned());
        }
        let note = match self.take(len, control) {
            Ok(segment) => {
                let id = segment.id;
                self.granted.push(segment);
                Note::Grant { id }
            }
            Err(error) => Note::Denied(error.to_string()),
        };
        // If it cannot be told, it has gone, and its death will be seen.
        let _ = control::send(control, &note.encode(), &[]);
        Ok(())
    }

    /// Takes the segment that the worker was granted, if this is its id and it holds `length` bytes.
    pub(crate) fn take_granted(&mut self, id: u64, length: usize) -> Option<Segment> {
        let index = self.granted.iter().position(|segment| segment.id == id)?;
        let segment = self.granted.swap_remove(index);
        // What the worker says it has written must be there: memory of holes can have any length.
        let written = rustix::fs::fstat(&segment.file).ok()?.st_blocks;
        let written = usize::try_from(written).ok()?.saturating_mul(512);
        (written >= length).then_some(segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::control::Receive;

    #[test]
    fn the_smallest_that_fits_is_used_again_and_the_oldest_are_forgotten() {
        let (ours, _theirs) = control::pair().unwrap();
        let mut segments = Segments::default();
        let take = |segments: &mut Segments, blocks: usize| {
            segments.take(blocks * BLOCK_LEN, &ours).unwrap()
        };
        let (small, large) = (take(&mut segments, 1), take(&mut segments, 4));
        assert_eq!((small.id, large.id), (1, 2));
        segments.give_back(large);
        segments.give_back(small);
        let again = take(&mut segments, 1);
        assert_eq!(again.id, 1, "the smallest that fits");
        assert_eq!(take(&mut segments, 2).id, 2);
        let more: Vec<_> = (0..LARGE).map(|_| take(&mut segments, 1)).collect();
        segments.give_back(again);
        assert_eq!(segments.next_forgotten(), 0);
        more.into_iter().for_each(|segment| segments.give_back(segment));
        assert_eq!(segments.next_forgotten(), 1, "the oldest");
        assert_eq!(segments.next_forgotten(), 0);
    }

    #[test]
    fn what_a_worker_says_it_has_written_must_be_there() {
        let (ours, _theirs) = control::pair().unwrap();
        let mut segments = Segments::default();
        for (length, is_there) in [(BLOCK_LEN, false), (1, true)] {
            segments.grant(BLOCK_LEN as u64, 1, &ours).unwrap();
            let granted = segments.granted.last().unwrap();
            let id = granted.id;
            granted.memory.write(0, &[1]);
            assert!(segments.take_granted(id + 1, 1).is_none(), "another");
            assert_eq!(segments.take_granted(id, length).is_some(), is_there);
            assert!(segments.take_granted(id, 1).is_none(), "it is asked for once");
        }
    }

    #[test]
    fn a_worker_gets_one_segment_for_each_task_and_none_of_any_length() {
        let (ours, theirs) = control::pair().unwrap();
        let mut segments = Segments::default();
        assert!(segments.grant(1, 0, &ours).is_err());
        segments.grant(1, 1, &ours).unwrap();
        assert!(segments.grant(1, 1, &ours).is_err());
        for len in [0, MOST_GRANTED as u64, u64::MAX] {
            assert!(segments.grant(len, 2, &ours).is_err());
        }
        let segment = segments.granted.remove(0);
        segments.give_back(segment);
        segments.grant(2, 1, &ours).unwrap();
        let next = || control::receive(&theirs, Receive::Now).unwrap().unwrap();
        assert_eq!(next().descriptors.len(), 1);
        for _ in 0..2 {
            assert_eq!(Note::decode(next().bytes()), Some(Note::Grant { id: 1 }), "the same");
        }
    }
}
