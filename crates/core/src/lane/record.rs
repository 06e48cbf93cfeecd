//! Records: how several arguments, or several results, share one payload.
//!
//! An item of a framed argument is its length followed by its bytes. A result is a header,
//! `length << 8 | status`, followed by its bytes. Every length is checked where it is read: results
//! come from a worker, and a worker may be corrupted.

use crate::lane::payload::Encoded;

/// Size of a record's header in bytes.
pub(crate) const HEADER: usize = 8;

/// What a result record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The encoded result.
    Returned = 0,
    /// Text: the argument could not be decoded in the worker.
    NotDecoded = 1,
    /// Text: the result could not be encoded.
    NotEncoded = 2,
    /// An encoded [`PanicReport`](crate::wire::panic::PanicReport).
    Panicked = 3,
    /// Text: the worker cannot serve any more, and has not begun the task.
    NotTaken = 4,
}

impl Status {
    fn from_byte(byte: u8) -> Option<Status> {
        use Status::{NotDecoded, NotEncoded, NotTaken, Panicked, Returned};
        [Returned, NotDecoded, NotEncoded, Panicked, NotTaken]
            .into_iter()
            .find(|&status| status as u8 == byte)
    }
}

/// The header of a result of `len` bytes.
pub(crate) fn header(status: Status, len: usize) -> [u8; HEADER] {
    ((len as u64) << 8 | status as u64).to_le_bytes()
}

/// Reads a result's header: its status and its length.
fn parse_header(bytes: [u8; HEADER]) -> Option<(Status, usize)> {
    let word = u64::from_le_bytes(bytes);
    let status = Status::from_byte(word.to_le_bytes()[0])?;
    Some((status, usize::try_from(word >> 8).ok()?))
}

/// Appends an item to a framed argument: space for the length, then whatever `encode` appends. If
/// `encode` fails, nothing is appended.
///
/// # Errors
/// Those of `encode`.
pub fn push_argument<E>(
    arguments: &mut Vec<u8>,
    encode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = arguments.len();
    arguments.extend_from_slice(&[0; HEADER]);
    let encoded = encode(arguments);
    if encoded.is_err() {
        arguments.truncate(start);
        return encoded;
    }
    let len = (arguments.len() - start - HEADER) as u64;
    arguments[start..start + HEADER].copy_from_slice(&len.to_le_bytes());
    Ok(())
}

/// Takes the next item off the front of a framed argument. `None`: there is none, or the bytes are
/// not a framed argument.
pub(crate) fn next_argument<'a>(arguments: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, rest) = arguments.split_first_chunk()?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
    let (item, rest) = rest.split_at_checked(len)?;
    *arguments = rest;
    Some(item)
}

/// Length in bytes of the first `items` items of a framed argument.
#[must_use]
pub fn arguments_len(arguments: &[u8], items: u32) -> usize {
    let mut rest = arguments;
    for _ in 0..items {
        next_argument(&mut rest);
    }
    arguments.len() - rest.len()
}

/// Iterates over the items of a framed argument, up to the first that cannot be read.
pub fn arguments(mut arguments: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || next_argument(&mut arguments))
}

/// Reads the result record that begins at `start`, and moves `start` behind it. `None`: there is none, or
/// it is damaged.
pub(crate) fn next_record<'a>(
    bytes: Encoded<'a>,
    start: &mut usize,
) -> Option<(Status, Encoded<'a>)> {
    let mut head = [0; HEADER];
    bytes.part(*start, HEADER)?.copy_to(&mut head);
    let (status, len) = parse_header(head)?;
    let body = bytes.part(*start + HEADER, len)?;
    *start += HEADER + len;
    Some((status, body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn push(arguments: &mut Vec<u8>, item: &[u8]) {
        let pushed = push_argument(arguments, |bytes| {
            bytes.extend(item);
            Ok::<_, ()>(())
        });
        pushed.unwrap();
    }

    #[test]
    fn an_argument_that_fails_leaves_nothing() {
        let mut arguments = vec![];
        push(&mut arguments, b"ab");
        let before = arguments.clone();
        let failed = push_argument(&mut arguments, |bytes| {
            bytes.extend(b"half");
            Err("no")
        });
        assert_eq!((failed, &arguments), (Err("no"), &before));
    }

    proptest! {
        #[test]
        fn arguments_come_back(items in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let mut arguments = vec![];
            for item in &items {
                push(&mut arguments, item);
            }
            let mut rest = &arguments[..];
            for item in &items {
                prop_assert_eq!(next_argument(&mut rest), Some(&item[..]));
            }
            prop_assert_eq!(next_argument(&mut rest), None);
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut rest = &bytes[..];
            while next_argument(&mut rest).is_some() {}
            if let Some(head) = bytes.first_chunk()
                && let Some((status, len)) = parse_header(*head)
            {
                prop_assert_eq!(&header(status, len), head);
            }
        }
    }
}
