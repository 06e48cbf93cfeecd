//! Step ⑥, decode: turns bytes into a value: a result in the parent, an argument in the worker.

use super::bulk::{self, FromBytes};
use super::depth::walk;
use super::reader::Reader;
use crate::value::Value;
use horsepower_core::payload::Encoded;

/// From this length on, it is checked first whether there is memory for the decoded value.
const LARGE: usize = 1 << 20;

/// How many times as long as its bytes a value may be. Most are shorter.
const GROWTH: usize = 2;

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
        FromBytes::NoMemory => return Err(no_memory(bytes.len())),
        FromBytes::NotBulk => {}
    }
    let decoded = horsepower_core::panic::catch(|| bytes.with(read::<T>));
    match decoded {
        Ok(Some(result)) => result,
        Ok(None) => Err(no_memory(bytes.len())),
        Err(panic) => Err(format!("it panicked: {}", panic.message)),
    }
}

fn no_memory(len: usize) -> String {
    format!("there is no memory to decode its {len} bytes")
}

fn read<T: Value>(bytes: &[u8]) -> Result<T, String> {
    // Serde's types grow as they are filled, and end the program if there is no memory. So it is asked
    // for, and given back, before.
    if bytes.len() >= LARGE && Vec::<u8>::new().try_reserve(GROWTH * bytes.len()).is_err() {
        return Err(no_memory(bytes.len()));
    }
    let read = walk(|depth| {
        let mut reader = Reader::new(bytes, depth);
        T::deserialize(&mut reader).map(|value| (value, reader.bytes.len()))
    });
    match read {
        Ok((value, 0)) => Ok(value),
        Ok((_, left)) => Err(format!("{left} bytes are left over")),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{encode, encode_into};
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet, LinkedList};

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
            let _ = decode::<serde_json::Value>(Encoded::own(&bytes));
            let _ = decode::<Vec<f64>>(Encoded::own(&bytes));
            let _ = decode::<String>(Encoded::own(&bytes));
        }

        #[test]
        fn changed_bytes_never_panic(value in sample(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = vec![];
            encode_into(value, &mut bytes).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = decode::<Sample>(Encoded::own(&bytes));
            let _ = decode::<serde_json::Value>(Encoded::own(&bytes[..at]));
        }
    }

    #[test]
    fn what_is_left_over_is_an_error() {
        let mut bytes = vec![];
        encode_into(true, &mut bytes).unwrap();
        bytes.push(0);
        assert!(decode::<bool>(Encoded::own(&bytes)).unwrap_err().contains("left over"));
    }

    #[test]
    fn few_bytes_ask_for_little_work_and_memory() {
        use crate::codec::tag::{BYTES, RUN, SEQUENCE, TEXT, U8};
        let huge = u64::MAX.to_le_bytes();
        let forged = [
            [&[SEQUENCE, RUN, U8][..], &huge].concat(),
            [&[TEXT][..], &huge].concat(),
            [&[BYTES][..], &huge].concat(),
            vec![SEQUENCE],
            vec![SEQUENCE; 100_000],
        ];
        for bytes in forged {
            let bytes = Encoded::own(&bytes);
            assert!(decode::<BTreeSet<()>>(bytes).is_err());
            assert!(decode::<LinkedList<()>>(bytes).is_err());
            assert!(decode::<Vec<bool>>(bytes).is_err());
            assert!(decode::<String>(bytes).is_err());
            assert!(decode::<serde_json::Value>(bytes).is_err());
        }
    }
}
