//! Step ⑥, decode: turns bytes into a value: a result in the parent, an argument in the worker.

use super::bulk::{self, FromBytes};
use crate::value::Value;
use horsepower_core::payload::Encoded;

/// Reads a value that takes up all of `bytes`.
///
/// # Errors
/// The reason as text. A `Deserialize` that panics is an error too.
pub(crate) fn decode<T: Value>(bytes: Encoded<'_>) -> Result<T, String> {
    match bulk::from_bytes(bytes.len(), |target| bytes.copy_to(target)) {
        FromBytes::Value(value) => return Ok(value),
        FromBytes::BadLength => {
            return Err(format!("{} bytes are not a whole number of elements", bytes.len()));
        }
        FromBytes::NotBulk => {}
    }
    let decoded = horsepower_core::panic::catch(|| {
        bytes.with(|bytes| match postcard::take_from_bytes(bytes) {
            Ok((value, [])) => Ok(value),
            Ok((_, rest)) => Err(format!("{} bytes are left over", rest.len())),
            Err(error) => Err(reason::<T>(bytes).unwrap_or_else(|| error.to_string())),
        })
    });
    decoded.unwrap_or_else(|panic| Err(format!("it panicked: {}", panic.message)))
}

/// postcard discards the message of a failing `Deserialize`, so the value is decoded once more by a
/// deserializer that keeps it.
fn reason<T: Value>(bytes: &[u8]) -> Option<String> {
    let mut deserializer = postcard::Deserializer::from_bytes(bytes);
    let mut erased = <dyn erased_serde::Deserializer<'_>>::erase(&mut deserializer);
    erased_serde::deserialize::<T>(&mut erased).err().map(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{encode, encode_into};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Sample = (u64, String, Vec<Option<i32>>, BTreeMap<String, (f64, bool)>, Vec<u8>);

    fn sample() -> impl Strategy<Value = Sample> {
        let map = proptest::collection::btree_map(".*", (-1e9f64..1e9, any::<bool>()), 0..4);
        (any::<u64>(), ".*", any::<Vec<Option<i32>>>(), map, any::<Vec<u8>>())
    }

    proptest! {
        #[test]
        fn values_come_back(value in sample()) {
            let mut bytes = vec![];
            encode_into(value.clone(), &mut bytes).unwrap();
            prop_assert_eq!(decode::<Sample>(Encoded::own(&bytes)), Ok(value.clone()));
            encode(value).unwrap();
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in any::<Vec<u8>>()) {
            let _ = decode::<Sample>(Encoded::own(&bytes));
            let _ = decode::<Vec<f64>>(Encoded::own(&bytes));
            let _ = decode::<String>(Encoded::own(&bytes));
        }
    }

    #[test]
    fn what_is_left_over_is_an_error() {
        assert!(decode::<bool>(Encoded::own(&[1, 1])).unwrap_err().contains("left over"));
    }
}
