//! The note pipe: the way of small messages from a worker to its parent.
//!
//! A pipe and not the control socket, because a socket carries descriptors, and whoever receives a
//! descriptor has to close it, which can take as long as its sender likes. A frame is its length (two
//! bytes, little-endian) and its bytes. It is written at once, and is shorter than what the kernel keeps
//! together.

use crate::sys::control::LONGEST;
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// Most bytes that are read at a time.
const CHUNK: usize = 4096;

/// The parent's end.
#[derive(Debug)]
pub(crate) struct NoteReader {
    pipe: OwnedFd,
    /// What was read and is not a whole frame yet.
    unread: Vec<u8>,
}

/// What is in the pipe.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// A frame.
    Note(Vec<u8>),
    /// Nothing just now.
    Nothing,
    /// Nothing, and there will be nothing more: the other end is closed.
    Closed,
    /// Something that is no frame.
    Garbage,
}

/// Makes a pipe. The second end is for the worker; neither survives `exec`.
pub(crate) fn pipe() -> io::Result<(NoteReader, OwnedFd)> {
    let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    Ok((NoteReader { pipe: read, unread: Vec::new() }, write))
}

impl NoteReader {
    /// Takes the next frame.
    pub(crate) fn next(&mut self) -> Read {
        loop {
            if let Some((len, rest)) = self.unread.split_first_chunk() {
                let len = usize::from(u16::from_le_bytes(*len));
                if len > LONGEST {
                    return Read::Garbage;
                }
                if let Some(frame) = rest.get(..len) {
                    let frame = frame.to_vec();
                    self.unread.drain(..2 + len);
                    return Read::Note(frame);
                }
            }
            let mut chunk = [0; CHUNK];
            match rustix::io::read(&self.pipe, &mut chunk) {
                Ok(0) => return Read::Closed,
                Ok(read) => self.unread.extend_from_slice(&chunk[..read]),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Read::Nothing,
                // Nothing else can be wrong with a pipe.
                Err(_) => return Read::Closed,
            }
        }
    }
}

impl AsFd for NoteReader {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

/// Worker: writes a frame, and waits if there is no room for it.
pub(crate) fn write(pipe: &OwnedFd, note: &[u8]) -> io::Result<()> {
    while !write_now(pipe, note)? {
        let mut writable = [PollFd::new(pipe, PollFlags::OUT)];
        match rustix::event::poll(&mut writable, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The frame of a note.
pub(crate) fn frame(note: &[u8]) -> Vec<u8> {
    debug_assert!(note.len() <= LONGEST);
    [&(note.len() as u16).to_le_bytes()[..], note].concat()
}

/// Worker: writes a frame if there is room for it. False: there is none.
pub(crate) fn write_now(pipe: &OwnedFd, note: &[u8]) -> io::Result<bool> {
    let frame = frame(note);
    loop {
        match rustix::io::write(pipe, &frame) {
            Ok(_) => return Ok(true),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn frames_come_whole_and_in_their_order_until_the_end_is_closed() {
        let (mut reader, writer) = pipe().unwrap();
        assert_eq!(reader.next(), Read::Nothing);
        for note in [&b"one"[..], b"", &[7; LONGEST]] {
            write(&writer, note).unwrap();
        }
        rustix::io::write(&writer, &[2, 0, 8]).unwrap();
        for note in [&b"one"[..], b"", &[7; LONGEST]] {
            assert_eq!(reader.next(), Read::Note(note.to_vec()));
        }
        assert_eq!(reader.next(), Read::Nothing, "half a frame");
        rustix::io::write(&writer, &[9]).unwrap();
        assert_eq!(reader.next(), Read::Note(vec![8, 9]));
        drop(writer);
        assert_eq!(reader.next(), Read::Closed);
    }

    #[test]
    fn a_full_pipe_takes_no_more_and_loses_nothing() {
        let (mut reader, writer) = pipe().unwrap();
        let mut written = 0;
        while write_now(&writer, &[1; LONGEST]).unwrap() {
            written += 1;
        }
        for _ in 0..written {
            assert_eq!(reader.next(), Read::Note(vec![1; LONGEST]));
        }
        assert_eq!(reader.next(), Read::Nothing);
        drop(reader);
        assert!(write(&writer, b"nobody").is_err());
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let (mut reader, writer) = pipe().unwrap();
            if !bytes.is_empty() {
                rustix::io::write(&writer, &bytes).unwrap();
            }
            drop(writer);
            while let Read::Note(_) = reader.next() {}
        }
    }
}
