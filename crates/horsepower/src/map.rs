//! [`Map`]: the results of one function over many items, in order, through a bounded window.
//!
//! Every executor's `map` is this iterator; what differs is how a chunk of items is submitted.

use crate::error::Error;
use crate::future::TaskFuture;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Least number of items that are under way although nobody reads results.
const WINDOW: usize = 1024;

/// How long a chunk of items should take: long beside what sending it costs, and short enough
/// to share the work evenly.
const CHUNK: Duration = Duration::from_millis(1);

/// Most items in a chunk of automatic size: so many small arguments, and so many small results, fit
/// into the blocks of a lane.
const LARGEST: usize = 2048;

/// How [`Executor::map_with`](crate::Executor::map_with) is to work.
///
/// ```
/// use horsepower::{Executor, InlineExecutor, MapOptions, OnError};
///
/// let options = MapOptions::new().on_error(OnError::Continue);
/// let results: Vec<_> = InlineExecutor::new().map_with(options, |n: i32| 10 / n, [5, 0, 2]).collect();
/// assert_eq!(results[2].as_ref().unwrap(), &5);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MapOptions {
    chunk_size: Option<usize>,
    window: Option<usize>,
    on_error: OnError,
}

/// What `map` does after an item has failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// Yields the error, ends, and cancels what has not begun.
    #[default]
    Stop,
    /// Yields the error and goes on with the next item.
    Continue,
}

impl MapOptions {
    /// Chunks of automatic size, a window of at least 1,024 items, end at the first error.
    #[must_use]
    pub fn new() -> MapOptions {
        MapOptions::default()
    }

    /// How many items travel as one task, instead of a number found by measuring.
    ///
    /// # Panics
    /// If it is 0.
    #[must_use]
    pub fn chunk_size(mut self, items: usize) -> MapOptions {
        assert!(items > 0, "a chunk must have at least 1 item");
        self.chunk_size = Some(items);
        self
    }

    /// How many items may be under way whose results nobody has read.
    ///
    /// # Panics
    /// If it is 0.
    #[must_use]
    pub fn window(mut self, items: usize) -> MapOptions {
        assert!(items > 0, "a window must hold at least 1 item");
        self.window = Some(items);
        self
    }

    /// What to do after an item has failed.
    #[must_use]
    pub fn on_error(mut self, on_error: OnError) -> MapOptions {
        self.on_error = on_error;
        self
    }
}

/// How long an item takes, as measured so far.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// Moving average of nanoseconds for an item; 0 before the first measurement.
    nanos: AtomicU64,
    measurements: AtomicU64,
}

impl Clock {
    /// So many items have taken so long.
    pub(crate) fn learn(&self, items: usize, time: Duration) {
        let new = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX) / items.max(1) as u64;
        // Relaxed, and lost updates are fine: an estimate.
        let old = self.nanos.load(Ordering::Relaxed);
        let mean = if old == 0 { new } else { old / 4 * 3 + new / 4 };
        self.nanos.store(mean.max(1), Ordering::Relaxed);
        self.measurements.fetch_add(1, Ordering::Relaxed);
    }

    /// How many items take about as long as a chunk should; 1 as long as nothing is known.
    fn items_in_a_chunk(&self) -> usize {
        match self.nanos.load(Ordering::Relaxed) {
            0 => 1,
            nanos => (CHUNK.as_nanos() as u64 / nanos).clamp(1, LARGEST as u64) as usize,
        }
    }
}

/// The answers of a chunk, one for each item.
pub(crate) type ChunkFuture<R> = TaskFuture<Vec<Result<R, Error>>>;

/// The iterator that [`Executor::map`](crate::Executor::map) returns: one `Result` for each item, in
/// the order of the items. Dropping it cancels what has not begun.
#[must_use = "a map that is dropped cancels what has not begun"]
pub struct Map<'e, R> {
    source: Box<dyn Source<R> + 'e>,
    options: MapOptions,
    workers: usize,
    pending: VecDeque<(usize, ChunkFuture<R>)>,
    current: std::vec::IntoIter<Result<R, Error>>,
    /// Items that were drawn and whose results were not yielded.
    under_way: usize,
    last_chunk: usize,
    /// Measurements that `last_chunk` rests on.
    measurements: u64,
    exhausted: bool,
}

/// Where chunks come from: the input, and the executor that takes them.
trait Source<R> {
    /// Submits the next chunk, of at most so many items. `None`: the input has ended.
    fn submit(&mut self, items: usize) -> Option<(usize, ChunkFuture<R>)>;
    /// How many items a chunk should have, by their measured time and by how many are left.
    fn chunk_size(&self, workers: usize) -> usize;
    /// How many times chunks have been measured.
    fn measurements(&self) -> u64;
}

struct Feed<I, S> {
    items: I,
    submit: S,
    clock: Arc<Clock>,
}

impl<R, I, S> Source<R> for Feed<I, S>
where
    I: Iterator,
    S: FnMut(Vec<I::Item>, &Arc<Clock>) -> ChunkFuture<R>,
{
    fn submit(&mut self, items: usize) -> Option<(usize, ChunkFuture<R>)> {
        let chunk: Vec<_> = self.items.by_ref().take(items).collect();
        if chunk.is_empty() {
            return None;
        }
        Some((chunk.len(), (self.submit)(chunk, &self.clock)))
    }

    fn chunk_size(&self, workers: usize) -> usize {
        let share = match self.items.size_hint().1 {
            // The last chunks get smaller, so that the workers finish together.
            Some(left) => left.div_ceil(4 * workers).max(1),
            None => usize::MAX,
        };
        self.clock.items_in_a_chunk().min(share)
    }

    fn measurements(&self) -> u64 {
        // Relaxed: an estimate.
        self.clock.measurements.load(Ordering::Relaxed)
    }
}

impl<'e, R: 'e> Map<'e, R> {
    /// Starts to map `items`; `submit` gives a chunk of them to the executor.
    pub(crate) fn start<I, S>(options: MapOptions, workers: usize, items: I, submit: S) -> Self
    where
        I: Iterator + 'e,
        S: FnMut(Vec<I::Item>, &Arc<Clock>) -> ChunkFuture<R> + 'e,
    {
        let mut map = Map {
            source: Box::new(Feed { items: items.fuse(), submit, clock: Arc::default() }),
            options,
            workers,
            pending: VecDeque::new(),
            current: Vec::new().into_iter(),
            under_way: 0,
            last_chunk: 1,
            measurements: 0,
            exhausted: false,
        };
        map.fill();
        map
    }
}

impl<R> Map<'_, R> {
    /// Submits chunks until the window is full.
    fn fill(&mut self) {
        while !self.exhausted {
            let (chunk, window) = self.sizes();
            if self.under_way + chunk > window {
                return;
            }
            match self.source.submit(chunk) {
                Some((items, future)) => {
                    self.under_way += items;
                    self.pending.push_back((items, future));
                    self.last_chunk = chunk;
                    self.measurements = self.source.measurements();
                }
                None => self.exhausted = true,
            }
        }
    }

    /// The size of the next chunk, and of the window now.
    fn sizes(&self) -> (usize, usize) {
        let measured = || {
            // Growing by steps: the first measurements are not to be trusted too far.
            self.source.chunk_size(self.workers).min(2 * self.last_chunk)
        };
        match (self.options.window, self.options.chunk_size) {
            (Some(window), Some(chunk)) => (chunk.min(window), window),
            // Some chunks for each worker have to fit in.
            (Some(window), None) => (measured().min(window / (2 * self.workers)).max(1), window),
            (None, chunk) => {
                let chunk = chunk.unwrap_or_else(measured);
                (chunk, (WINDOW + chunk).max(4 * self.workers * chunk))
            }
        }
    }

    fn cancel(&mut self) {
        self.exhausted = true;
        self.under_way = 0;
        self.current = Vec::new().into_iter();
        for (_, chunk) in self.pending.drain(..) {
            chunk.cancel();
        }
    }
}

impl<R> Iterator for Map<'_, R> {
    type Item = Result<R, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        // First, so that an input that panics costs no result.
        self.fill();
        loop {
            if let Some(result) = self.current.next() {
                self.under_way -= 1;
                if result.is_err() && self.options.on_error == OnError::Stop {
                    self.cancel();
                }
                return Some(result);
            }
            let (items, chunk) = self.pending.pop_front()?;
            match chunk.result() {
                Ok(answers) => self.current = answers.into_iter(),
                // The chunk did not come as far as to have an answer for each item.
                Err(error) => self.current = vec_of(items, || Err(error.clone())).into_iter(),
            }
        }
    }
}

fn vec_of<T>(len: usize, item: impl FnMut() -> T) -> Vec<T> {
    std::iter::repeat_with(item).take(len).collect()
}

impl<R> Drop for Map<'_, R> {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl<R> fmt::Debug for Map<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Map({} items under way)", self.under_way)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiny_items_make_large_chunks_and_long_ones_go_alone() {
        let clock = Clock::default();
        assert_eq!(clock.items_in_a_chunk(), 1, "nothing is known");
        clock.learn(10, Duration::from_micros(100));
        assert_eq!(clock.items_in_a_chunk(), 100);
        clock.learn(1, Duration::ZERO);
        assert!(clock.items_in_a_chunk() > 100);
        clock.learn(1, Duration::from_secs(3));
        assert_eq!(clock.items_in_a_chunk(), 1);
    }
}
