//! [`Map`]: the results of one function over many items, in order, with a bounded window.
//!
//! Every executor's `map` is this iterator; executors differ in how they submit a chunk of items.

use super::chunks::{Chunks, Next};
use super::clock::Clock;
use super::input::{Drawn, Input, Items, Panic, Then};
use super::options::{MapOptions, OnError, Progress};
use crate::error::{Error, Kind};
use crate::task::TaskFuture;
use crate::task::watch::Watch;
use std::fmt;
use std::io;
use std::iter::FusedIterator;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Minimum number of items in flight before any result is read.
const WINDOW: usize = 1024;

/// The answers of a chunk, one per item.
pub(crate) type ChunkFuture<R> = TaskFuture<Vec<Result<R, Error>>>;

/// The iterator that [`Executor::map`](crate::Executor::map) returns: one `Result` per item, in
/// input order. Dropping it cancels the items that have not started.
#[must_use = "a map that is dropped cancels the items that have not started"]
pub struct Map<'e, R> {
    source: Box<dyn Source<R> + 'e>,
    options: MapOptions,
    workers: usize,
    /// When the total deadline passes.
    deadline: Option<Instant>,
    chunks: Chunks<R>,
    done: usize,
    total: Option<usize>,
    current: std::vec::IntoIter<Result<R, Error>>,
    /// The position in the input of the next one of those.
    position: usize,
    /// Items that were drawn.
    drawn: usize,
    /// Items that were drawn but whose results were not yielded.
    under_way: usize,
    last_chunk: usize,
    /// The number of measurements that `last_chunk` is based on.
    measurements: u64,
    /// Nothing more is drawn from the input.
    exhausted: bool,
    /// The reason is not the end of the input but the total deadline.
    late: bool,
    /// The reason is a panic of the input, which is resumed when its turn comes.
    broken: Option<Panic>,
    /// The reason is that nobody can draw the input.
    refused: Option<io::Error>,
}

/// Where chunks come from: the input, and the executor that runs them.
trait Source<R> {
    /// Submits the next chunk, of at most `items` items.
    fn submit(&mut self, items: usize) -> Submitted<R>;
    /// True if the input has more items, as far as that is known; may draw one item to find out.
    fn has_more(&mut self) -> bool;
    /// The size of the next chunk, from the measured time and the number of items left.
    fn chunk_size(&self, workers: usize) -> usize;
    /// How often chunks have been measured.
    fn measurements(&self) -> u64;
}

/// What was drawn from the input, and submitted.
struct Submitted<R> {
    /// The items and their number, if there are any.
    chunk: Option<(usize, ChunkFuture<R>)>,
    then: Then,
}

struct Feed<I: Iterator, S> {
    input: Input<I>,
    submit: S,
    clock: Arc<Clock>,
}

impl<R, I, S> Source<R> for Feed<I, S>
where
    I: Iterator,
    S: FnMut(Vec<I::Item>, &Arc<Clock>) -> ChunkFuture<R>,
{
    fn submit(&mut self, items: usize) -> Submitted<R> {
        let Drawn { items, then } = self.input.draw(items);
        let count = items.len();
        let chunk = (count > 0).then(|| (count, (self.submit)(items, &self.clock)));
        Submitted { chunk, then }
    }

    fn has_more(&mut self) -> bool {
        self.input.has_more()
    }

    fn chunk_size(&self, workers: usize) -> usize {
        let share = match self.input.left() {
            // The last chunks get smaller, so that all workers finish at about the same time.
            Some(left) => left.div_ceil(workers.saturating_mul(4)).max(1),
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
    /// Starts a `map` over `items`; `submit` gives a chunk of them to the executor.
    pub(crate) fn start<I, S>(
        options: MapOptions,
        workers: usize,
        items: Items<I>,
        submit: S,
    ) -> Self
    where
        I: Iterator + 'e,
        S: FnMut(Vec<I::Item>, &Arc<Clock>) -> ChunkFuture<R> + 'e,
    {
        let watch = Arc::new(Watch::default());
        let (total, input, chunks) = match items {
            Items::Here(items) => {
                let (least, most) = items.size_hint();
                let chunks = match options.unordered {
                    true => Chunks::watched(watch, true),
                    false => Chunks::in_line(),
                };
                (most.filter(|most| *most == least), Input::drawn(items), chunks)
            }
            Items::Elsewhere(start) => {
                let feeder = start(options.window.unwrap_or(WINDOW), watch.clone());
                let input = feeder.map_or_else(|why| Input::Refused(Some(why)), Input::Fed);
                (None, input, Chunks::watched(watch, options.unordered))
            }
        };
        let mut map = Map {
            source: Box::new(Feed { input, submit, clock: Arc::default() }),
            deadline: options
                .total_deadline
                .and_then(|timeout| Instant::now().checked_add(timeout)),
            options,
            workers,
            chunks,
            done: 0,
            total,
            current: Vec::new().into_iter(),
            position: 0,
            drawn: 0,
            under_way: 0,
            last_chunk: 1,
            measurements: 0,
            exhausted: false,
            late: false,
            broken: None,
            refused: None,
        };
        map.tell_progress();
        map.fill(|_| true);
        if let Some(panic) = map.broken.take() {
            // The caller has no results yet that it could lose.
            drop(map);
            resume_unwind(panic);
        }
        map
    }
}

impl<R> Map<'_, R> {
    /// Submits chunks while there is room for them. A slow input is left alone as soon as `enough`.
    fn fill(&mut self, enough: impl Fn(&Self) -> bool) {
        while !self.exhausted {
            let (chunk, window) = self.sizes();
            // One chunk always fits.
            if self.under_way > 0 && self.under_way.saturating_add(chunk) > window {
                return;
            }
            let Submitted { chunk: submitted, then } = self.source.submit(chunk);
            if let Some((items, future)) = submitted {
                self.under_way += items;
                self.chunks.add(self.drawn..self.drawn + items, future);
                self.drawn += items;
                self.last_chunk = chunk;
                self.measurements = self.source.measurements();
            }
            match then {
                Then::More => continue,
                Then::Slow if !enough(self) => continue,
                Then::Slow | Then::Empty => return,
                Then::End => {}
                Then::Broken(panic) => self.broken = Some(panic),
                Then::Refused(why) => self.refused = Some(why),
            }
            self.exhausted = true;
        }
    }

    /// The size of the next chunk, and the current size of the window.
    fn sizes(&self) -> (usize, usize) {
        let measured = || {
            // Grow step by step: the first measurements are not reliable.
            self.source.chunk_size(self.workers).min(2 * self.last_chunk)
        };
        match (self.options.window, self.options.chunk_size) {
            (Some(window), Some(chunk)) => (chunk.min(window), window),
            // Several chunks per worker must fit into the window.
            (Some(window), None) => {
                (measured().min(window / self.workers.saturating_mul(2)).max(1), window)
            }
            (None, chunk) => {
                let chunk = chunk.unwrap_or_else(measured);
                let most = self.workers.saturating_mul(4).saturating_mul(chunk);
                (chunk, WINDOW.saturating_add(chunk).max(most))
            }
        }
    }

    fn cancel(&mut self) {
        self.exhausted = true;
        self.late = false;
        self.broken = None;
        self.under_way = 0;
        self.current = Vec::new().into_iter();
        self.chunks.cancel();
    }

    fn tell_progress(&self) {
        if let Some(progress) = &self.options.progress {
            progress(Progress { done: self.done, total: self.total });
        }
    }

    /// The next result. Waits `timeout` at most. `None`: there are no more results.
    ///
    /// # Errors
    /// The error of the item; or one with [`is_timeout`](Error::is_timeout) if the result does not
    /// arrive in time. The iterator can be used again afterwards.
    ///
    /// # Panics
    /// If the input has panicked, after the results of the items before that.
    ///
    /// ```
    /// use horsepower::{Executor, ThreadPoolExecutor};
    /// use std::{thread::sleep, time::Duration};
    ///
    /// let pool = ThreadPoolExecutor::new()?;
    /// let mut results = pool.map(|millis| sleep(Duration::from_millis(millis)), [20]);
    /// assert!(results.next_timeout(Duration::ZERO).unwrap().unwrap_err().is_timeout());
    /// assert!(results.next().unwrap().is_ok());
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Result<R, Error>> {
        let patience = Instant::now().checked_add(timeout);
        let limit = patience.into_iter().chain(self.deadline).min();
        let is_late = |limit: Option<Instant>| limit.is_some_and(|limit| Instant::now() >= limit);
        loop {
            if is_late(self.deadline) && !self.exhausted {
                // Nothing more is started; results that exist are still yielded.
                self.exhausted = true;
                self.late = true;
            }
            if let Some(result) = self.current.next() {
                self.under_way -= 1;
                self.done += 1;
                self.position += 1;
                self.tell_progress();
                let result = result.map_err(|error| error.of_item(self.position - 1));
                if result.is_err() && self.options.on_error == OnError::Stop {
                    self.cancel();
                }
                return Some(result);
            }
            self.fill(|map| map.chunks.has_next() || is_late(limit));
            if self.exhausted && self.chunks.is_empty() {
                if let Some(panic) = self.broken.take() {
                    resume_unwind(panic);
                }
                if let Some(source) = self.refused.take() {
                    return Some(Err(Error::system("start a thread for the input", source)));
                }
                // Results that were ready in time count, even if they are only read now.
                let late = std::mem::take(&mut self.late) && self.source.has_more();
                return late.then(|| Err(self.timed_out()));
            }
            match self.chunks.next(limit) {
                Next::Chunk(items, outcome) => {
                    self.position = items.start;
                    // A chunk that failed as a whole has no answers per item.
                    let answers =
                        outcome.unwrap_or_else(|error| vec_of(items.len(), || Err(error.clone())));
                    self.current = answers.into_iter();
                }
                Next::Input => {}
                Next::Late if is_late(self.deadline) => {
                    self.cancel();
                    return Some(Err(self.timed_out()));
                }
                Next::Late => return Some(Err(Error::new(Kind::NoResultYet))),
            }
        }
    }

    fn timed_out(&self) -> Error {
        Error::new(Kind::MapTimedOut { limit: self.options.total_deadline.unwrap_or_default() })
    }
}

impl<'e, R> Map<'e, R> {
    /// Yields each result with the position of its item in the input, from 0: for results that come in any
    /// order.
    ///
    /// ```
    /// use horsepower::{Executor, ThreadPoolExecutor};
    ///
    /// let pool = ThreadPoolExecutor::new()?;
    /// let names = ["ann", "barbara", "jo"].map(String::from);
    /// let lengths = pool.tasks(|name: String| name.len(), names.clone()).unordered().map();
    /// for (position, length) in lengths.indexed() {
    ///     assert_eq!(length?, names[position].len());
    /// }
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    pub fn indexed(mut self) -> impl Iterator<Item = (usize, Result<R, Error>)> + use<'e, R> {
        std::iter::from_fn(move || {
            let result = self.next()?;
            let position = match &result {
                Ok(_) => self.position - 1,
                // An error of the map itself belongs to the item that would have been next.
                Err(error) => error.item().unwrap_or(self.position),
            };
            Some((position, result))
        })
    }
}

impl<R> Iterator for Map<'_, R> {
    type Item = Result<R, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_timeout(Duration::MAX)
    }

    /// The number of items left, if the input knows it; an error may end the iteration earlier.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.total.map(|total| total.saturating_sub(self.done));
        // One more may come: the error of exceeding the total deadline.
        let most = left.map(|left| left + usize::from(self.deadline.is_some()));
        (0, most)
    }
}

impl<R> FusedIterator for Map<'_, R> {}

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
        write!(f, "Map({} items in flight)", self.under_way)
    }
}
