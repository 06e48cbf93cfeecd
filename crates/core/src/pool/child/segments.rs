//! The segments of one worker: shared memory for payloads that are too large for its lane.
//!
//! Owned by [`WorkerHandle`](super::handle::WorkerHandle). A segment is known to the parent and one
//! worker, and used by one task at a time: a task takes it out, and it comes back when the task's reply
//! has been decoded. What a worker says of its segments is checked here.

use crate::lane::BLOCK_LEN;
use crate::sys::control::{self, Send};
use crate::sys::memory::Memory;
use crate::wire::handshake::Note;
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

/// Most bytes of idle segments that are kept for the next large payload.
const KEPT: usize = 256 << 20;

/// Most tasks with a segment that a lane holds at a time: it bounds what they cost in memory.
pub(crate) const LARGE: usize = 2;

/// Shared memory for one large payload.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) id: u64,
    pub(crate) memory: Memory,
}

/// The segments that no task uses just now.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    idle: Vec<Segment>,
    /// Those that have come from the worker and that no reply has named yet.
    arrived: HashMap<u64, (Memory, OwnedFd)>,
    /// Those that are gone here, and that the worker is to forget.
    forget: Vec<u64>,
    /// How many were made here: the id of the last one.
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
        control::send(control, &note.encode(), &[file.as_fd()], Send::Now)?;
        Ok(Segment { id: self.made, memory })
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

    /// Keeps a segment that the worker has made until a reply names it.
    ///
    /// # Errors
    /// If the worker sends more of them than its tasks can use.
    pub(crate) fn arrive(
        &mut self,
        id: u64,
        len: u64,
        file: OwnedFd,
        most: usize,
    ) -> Result<(), String> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if let Ok(memory) = Memory::from_descriptor(&file, len) {
            self.arrived.insert(id, (memory, file));
        }
        if self.arrived.len() > most {
            return Err("it sends more segments than its tasks can use".to_owned());
        }
        Ok(())
    }

    /// True if the worker has sent the segment with this id, and no reply has named it yet.
    pub(crate) fn has_arrived(&self, id: u64) -> bool {
        self.arrived.contains_key(&id)
    }

    /// Takes the segment with this id, which the worker has sent, if it holds `length` bytes.
    pub(crate) fn take_arrived(&mut self, id: u64, length: usize) -> Option<Segment> {
        let (memory, file) = self.arrived.remove(&id)?;
        // What the worker says it has written must be there: a file of holes can have any length.
        let written = rustix::fs::fstat(&file).ok()?.st_blocks;
        let written = usize::try_from(written).ok()?.saturating_mul(512);
        (written >= length).then_some(Segment { id, memory })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut segments = Segments::default();
        let (memory, file) = Memory::create("horsepower-segment", BLOCK_LEN).unwrap();
        memory.write(0, &[1; 4096]);
        segments.arrive(7, BLOCK_LEN as u64, file, 2).unwrap();
        assert!(segments.has_arrived(7) && !segments.has_arrived(8));
        assert!(segments.take_arrived(8, 1).is_none());
        assert!(segments.take_arrived(7, BLOCK_LEN).is_none(), "most of it is a hole");
        assert!(segments.take_arrived(7, 1).is_none(), "it is asked for once");

        let (memory, file) = Memory::create("horsepower-segment", BLOCK_LEN).unwrap();
        memory.write(0, &[1; 4096]);
        segments.arrive(9, BLOCK_LEN as u64, file, 2).unwrap();
        assert_eq!(segments.take_arrived(9, 4096).unwrap().id, 9);
    }

    #[test]
    fn a_worker_cannot_send_segments_without_end() {
        let mut segments = Segments::default();
        for id in 0..3 {
            let (_, file) = Memory::create("horsepower-segment", BLOCK_LEN).unwrap();
            assert_eq!(segments.arrive(id, BLOCK_LEN as u64, file, 2).is_ok(), id < 2);
        }
    }
}
