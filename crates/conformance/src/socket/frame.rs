//! What the two sides say to each other: a request, and then an answer for each item that was called.

use horsepower::backend::EntryPoint;
use std::io::{self, Read, Write};

/// Some calls of one function.
pub(super) struct Request {
    /// The encoded [`EntryPoint`].
    pub(super) entry: Vec<u8>,
    /// True if the payload holds several arguments.
    pub(super) framed: bool,
    pub(super) payload: Vec<u8>,
}

/// What the other process says.
pub(super) enum Answer {
    /// The record of the next item, and how many nanoseconds the call took.
    Item { nanos: u64, record: Vec<u8> },
    /// The items that were not called are handed back.
    End,
}

impl Request {
    pub(super) fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        let mut head = self.entry.clone();
        head.push(u8::from(self.framed));
        head.extend(len_of(&self.payload));
        stream.write_all(&head)?;
        stream.write_all(&self.payload)?;
        stream.flush()
    }

    /// The next request; an error of kind `UnexpectedEof` if there is none.
    pub(super) fn read(stream: &mut impl Read) -> io::Result<Request> {
        let mut head = [0; EntryPoint::ENCODED_LEN + 1];
        stream.read_exact(&mut head)?;
        let (entry, framed) = head.split_at(EntryPoint::ENCODED_LEN);
        Ok(Request { entry: entry.to_vec(), framed: framed == [1], payload: read_bytes(stream)? })
    }
}

impl Answer {
    pub(super) fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        match self {
            Answer::End => stream.write_all(&[0])?,
            Answer::Item { nanos, record } => {
                stream.write_all(&[1])?;
                stream.write_all(&nanos.to_le_bytes())?;
                stream.write_all(&len_of(record))?;
                stream.write_all(record)?;
            }
        }
        // At once: should the next call end this process, its answers count.
        stream.flush()
    }

    pub(super) fn read(stream: &mut impl Read) -> io::Result<Answer> {
        let mut kind = [0];
        stream.read_exact(&mut kind)?;
        if kind == [0] {
            return Ok(Answer::End);
        }
        let mut nanos = [0; 8];
        stream.read_exact(&mut nanos)?;
        Ok(Answer::Item { nanos: u64::from_le_bytes(nanos), record: read_bytes(stream)? })
    }
}

fn len_of(bytes: &[u8]) -> [u8; 8] {
    (bytes.len() as u64).to_le_bytes()
}

fn read_bytes(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut len = [0; 8];
    stream.read_exact(&mut len)?;
    let len = u64::from_le_bytes(len);
    let mut bytes = Vec::new();
    // Not all at once: the length may be wrong.
    stream.take(len).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}
