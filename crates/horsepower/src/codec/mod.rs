//! Values as bytes: `encode` (step ②), `decode` (step ⑥).
//!
//! `tag` describes the format, `writer` and `reader` are serde's view of it, with `parts` for what has
//! several parts; `depth` bounds how deeply a value may be nested, `bulk` is the short way for vectors
//! of numbers.

mod bulk;
mod decode;
mod depth;
mod encode;
mod failure;
mod parts;
mod reader;
mod tag;
mod writer;

#[cfg(target_os = "linux")]
pub(crate) use bulk::into_bytes;
pub(crate) use decode::decode;
#[cfg(target_os = "linux")]
pub(crate) use encode::encode;
pub(crate) use encode::encode_into;
