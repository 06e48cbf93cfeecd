//! Step ②, encode: turns an argument into bytes in the parent, and a result in the worker.
//!
//! Vectors of numbers travel as they are ([`bulk`](super::bulk)); everything else in the format of
//! [`tag`](super::tag).

use super::bulk;
use super::depth::{self, walk};
use super::failure::CodecError;
use super::writer::Writer;
use crate::value::Value;
use horsepower_core::payload::Payload;

/// Appends the encoded `value` to `bytes`.
///
/// # Errors
/// The error of its `Serialize`.
pub(crate) fn encode_into<T: Value>(value: T, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
    match bulk::into_bytes(value) {
        Ok(bulk) => {
            bytes.extend_from_slice((*bulk).as_ref());
            Ok(())
        }
        Err(value) => {
            let result = serialize(&value, bytes);
            done_with(value, &result);
            result
        }
    }
}

/// Drops a value that is already encoded. A panic in its `Drop` no longer matters and is ignored.
fn done_with<T>(value: T, result: &Result<(), CodecError>) {
    if result.is_err() {
        // It may be nested too deeply.
        depth::release(value);
    } else if std::mem::needs_drop::<T>() {
        let _ = horsepower_core::panic::catch(|| drop(value));
    }
}

/// Encodes `value`; a vector of numbers is not even copied.
///
/// # Errors
/// The error of its `Serialize`.
pub(crate) fn encode<T: Value>(value: T) -> Result<Payload, CodecError> {
    match bulk::into_bytes(value) {
        Ok(bulk) => Ok(Payload::bulk(bulk)),
        Err(value) => with_scratch(|scratch| {
            let result = serialize(&value, scratch);
            done_with(value, &result);
            result?;
            // Small ones are copied into the payload itself; large ones keep their allocation.
            const LARGE: usize = 4096;
            let large = scratch.len() > LARGE;
            Ok(if large { Payload::new(std::mem::take(scratch)) } else { Payload::copy(scratch) })
        }),
    }
}

/// Calls `encode` with an empty vector whose memory is reused from call to call.
fn with_scratch<T>(encode: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    thread_local! {
        static SCRATCH: std::cell::Cell<Vec<u8>> = const { std::cell::Cell::new(Vec::new()) };
    }
    // Taken, not borrowed: a `Serialize` may itself submit tasks.
    let mut scratch = SCRATCH.take();
    scratch.clear();
    let result = encode(&mut scratch);
    SCRATCH.set(scratch);
    result
}

fn serialize<T: Value>(value: &T, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
    let start = bytes.len();
    let result = walk(|depth| {
        bytes.truncate(start);
        value.serialize(&mut Writer::new(bytes, depth))
    });
    if result.is_err() {
        bytes.truncate(start);
    }
    result
}
