//! Values as bytes: `encode` (step ②), `decode` (step ⑥), and `bulk`, the fast path for vectors of
//! numbers.

mod bulk;
mod decode;
mod encode;

pub(crate) use bulk::into_bytes;
pub(crate) use decode::decode;
pub(crate) use encode::{encode, encode_into};
