//! Step ②, encode: turns an argument into bytes in the parent, and a result in the worker.
//!
//! The format is postcard: most values are small, and it is compact for those. Vectors of numbers
//! do not go through it ([`crate::codec::bulk`]).

use super::bulk;
use crate::value::Value;
use horsepower_core::payload::Payload;

/// Appends the encoded `value` to `bytes`.
///
/// # Errors
/// The error of its `Serialize`.
pub(crate) fn encode_into<T: Value>(value: T, bytes: &mut Vec<u8>) -> Result<(), Reason> {
    match bulk::into_bytes(value) {
        Ok(bulk) => {
            bytes.extend_from_slice((*bulk).as_ref());
            Ok(())
        }
        Err(value) => {
            let result = serialize(&value, bytes);
            release(value);
            result
        }
    }
}

/// Drops a value that is already encoded. A panic in its `Drop` no longer matters and is ignored.
fn release<T>(value: T) {
    if std::mem::needs_drop::<T>() {
        let _ = horsepower_core::panic::catch(|| drop(value));
    }
}

/// Encodes `value`; a vector of numbers is not even copied.
///
/// # Errors
/// The error of its `Serialize`.
pub(crate) fn encode<T: Value>(value: T) -> Result<Payload, Reason> {
    match bulk::into_bytes(value) {
        Ok(bulk) => Ok(Payload::bulk(bulk)),
        Err(value) => with_scratch(|scratch| {
            let result = serialize(&value, scratch);
            release(value);
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

/// Why a value cannot be encoded.
pub(crate) type Reason = Box<dyn std::error::Error + Send + Sync>;

fn serialize<T: Value>(value: &T, bytes: &mut Vec<u8>) -> Result<(), Reason> {
    let start = bytes.len();
    postcard::serialize_with_flavor(value, Append(bytes)).map_err(|error| {
        bytes.truncate(start);
        reason(value).unwrap_or_else(|| error.into())
    })
}

/// postcard discards the message of a failing `Serialize`, so the value is encoded once more by a
/// serializer that keeps it.
fn reason<T: Value>(value: &T) -> Option<Reason> {
    let mut bytes = Vec::new();
    let mut serializer = postcard::Serializer { output: Append(&mut bytes) };
    let mut erased = <dyn erased_serde::Serializer>::erase(&mut serializer);
    erased_serde::Serialize::erased_serialize(value, &mut erased).err().map(Into::into)
}

/// Appends whole slices to a vector.
struct Append<'a>(&'a mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Append<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
