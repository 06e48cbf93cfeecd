//! One function over many items: `map` is the iterator over the results, `options` its options,
//! `clock` measures how long items take, `input` draws the items, `chunks` are those under way.

mod chunks;
mod clock;
mod input;
#[allow(clippy::module_inception)]
mod map;
mod options;

pub(crate) use clock::Clock;
pub(crate) use input::Items;
pub(crate) use map::ChunkFuture;
pub use map::Map;
pub use options::{MapOptions, OnError, Progress};
