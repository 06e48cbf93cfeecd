//! Values as bytes: `encode` (step ②), `decode` (step ⑥), and `bulk`, the short way for vectors of numbers.

mod bulk;
mod decode;
mod encode;

#[cfg(target_os = "linux")]
pub(crate) use bulk::into_bytes;
pub(crate) use decode::decode;
#[cfg(target_os = "linux")]
pub(crate) use encode::encode;
pub(crate) use encode::encode_into;
