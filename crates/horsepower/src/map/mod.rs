//! One function over many items: `map` the iterator of the results, `options` how it is to work, `clock`
//! how long items take.

mod clock;
#[allow(clippy::module_inception)]
mod map;
mod options;

pub(crate) use clock::Clock;
pub(crate) use map::ChunkFuture;
pub use map::Map;
pub use options::{MapOptions, OnError, Progress};
