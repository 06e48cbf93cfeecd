//! [`Map`]: the results of one function over many items, in order, with a bounded window.
//!
//! Every executor's `map` is this iterator; executors differ in how they submit a chunk of items.

use super::clock::Clock;
use super::options::{MapOptions, OnError, Progress};
use crate::error::{Error, Kind};
use crate::task::TaskFuture;
use crate::task::watch::Watch;
use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::iter::FusedIterator;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Minimum number of items in flight before any result is read.
const WINDOW: usize = 1024;

/// The answers of a chunk, one per item.
pub(crate) type ChunkFuture<R> = TaskFuture<Vec<Result<R, Error>>>;
type ChunkOutcome<R> = Result<Vec<Result<R, Error>>, Error>;

/// The iterator that [`Executor::map`](crate::Executor::map) returns: one `Result` per item, in
/// input order. Dropping it cancels the items that have not started.
#[must_use = "a map that is dropped cancels the items that have not started"]
pub struct Map<'e, R> {
    source: Box<dyn Source<R> + 'e>,
    options: MapOptions,
    workers: usize,
    /// When the total deadline passes.
    deadline: Option<Instant>,
    pending: VecDeque<(usize, ChunkFuture<R>)>,
    /// If results come in any order: the chunks by number, used instead of `pending`.
    scattered: Scattered<R>,
    done: usize,
    total: Option<usize>,
    current: std::vec::IntoIter<Result<R, Error>>,
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
}

/// The payload of a panic.
type Panic = Box<dyn Any + Send>;

/// Chunks in flight whose results are taken in the order in which they finish.
struct Scattered<R> {
    chunks: HashMap<usize, (usize, ChunkFuture<R>)>,
    watch: Arc<Watch>,
    count: usize,
}

impl<R> Scattered<R> {
    fn add(&mut self, items: usize, chunk: ChunkFuture<R>) {
        self.count += 1;
        chunk.watch(&self.watch, self.count);
        self.chunks.insert(self.count, (items, chunk));
    }

    /// The next chunk that is finished. Waits until `deadline`; `None` if none finishes in time.
    fn next(&mut self, deadline: Option<Instant>) -> Option<(usize, ChunkFuture<R>)> {
        let number = self.watch.next(deadline)?;
        self.chunks.remove(&number)
    }
}

/// Where chunks come from: the input, and the executor that runs them.
trait Source<R> {
    /// Submits the next chunk, of at most `items` items.
    fn submit(&mut self, items: usize) -> Drawn<R>;
    /// True if the input has more items; draws one item to find out.
    fn has_more(&mut self) -> bool;
    /// The size of the next chunk, from the measured time and the number of items left.
    fn chunk_size(&self, workers: usize) -> usize;
    /// How often chunks have been measured.
    fn measurements(&self) -> u64;
}

/// What was drawn from the input.
struct Drawn<R> {
    /// The items and their number; `None`: the input has ended.
    chunk: Option<(usize, ChunkFuture<R>)>,
    /// It ended with a panic, after those items.
    panic: Option<Panic>,
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
    fn submit(&mut self, items: usize) -> Drawn<R> {
        let mut chunk = Vec::new();
        // Nothing is drawn from the input after a panic, so its inconsistent state is never
        // observed.
        let drawn = catch_unwind(AssertUnwindSafe(|| {
            chunk.extend(self.items.by_ref().take(items));
        }));
        let items = chunk.len();
        let chunk = (items > 0).then(|| (items, (self.submit)(chunk, &self.clock)));
        Drawn { chunk, panic: drawn.err() }
    }

    fn has_more(&mut self) -> bool {
        self.items.next().is_some()
    }

    fn chunk_size(&self, workers: usize) -> usize {
        let share = match self.items.size_hint().1 {
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
    pub(crate) fn start<I, S>(options: MapOptions, workers: usize, items: I, submit: S) -> Self
    where
        I: Iterator + 'e,
        S: FnMut(Vec<I::Item>, &Arc<Clock>) -> ChunkFuture<R> + 'e,
    {
        let (least, most) = items.size_hint();
        let mut map = Map {
            source: Box::new(Feed { items: items.fuse(), submit, clock: Arc::default() }),
            deadline: options
                .total_deadline
                .and_then(|timeout| Instant::now().checked_add(timeout)),
            options,
            workers,
            pending: VecDeque::new(),
            scattered: Scattered { chunks: HashMap::new(), watch: Arc::default(), count: 0 },
            done: 0,
            total: most.filter(|most| *most == least),
            current: Vec::new().into_iter(),
            under_way: 0,
            last_chunk: 1,
            measurements: 0,
            exhausted: false,
            late: false,
            broken: None,
        };
        map.tell_progress();
        map.fill();
        if let Some(panic) = map.broken.take() {
            // The caller has no results yet that it could lose.
            drop(map);
            resume_unwind(panic);
        }
        map
    }
}

impl<R> Map<'_, R> {
    /// Submits chunks until the window is full.
    fn fill(&mut self) {
        while !self.exhausted {
            let (chunk, window) = self.sizes();
            // One chunk always fits.
            if self.under_way > 0 && self.under_way.saturating_add(chunk) > window {
                return;
            }
            let drawn = self.source.submit(chunk);
            self.exhausted = drawn.chunk.is_none() || drawn.panic.is_some();
            self.broken = drawn.panic;
            if let Some((items, future)) = drawn.chunk {
                self.under_way += items;
                if self.options.unordered {
                    self.scattered.add(items, future);
                } else {
                    self.pending.push_back((items, future));
                }
                self.last_chunk = chunk;
                self.measurements = self.source.measurements();
            }
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
        let scattered = self.scattered.chunks.drain().map(|(_, chunk)| chunk);
        for (_, chunk) in self.pending.drain(..).chain(scattered) {
            chunk.unwatch(&self.scattered.watch);
            chunk.cancel();
        }
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
        let now = Instant::now();
        let patience = now.checked_add(timeout);
        if self.deadline.is_some_and(|deadline| now >= deadline) && !self.exhausted {
            // Nothing more is started; results that exist are still yielded.
            self.exhausted = true;
            self.late = true;
        }
        self.fill();
        loop {
            if let Some(result) = self.current.next() {
                self.under_way -= 1;
                self.done += 1;
                self.tell_progress();
                if result.is_err() && self.options.on_error == OnError::Stop {
                    self.cancel();
                }
                return Some(result);
            }
            if self.pending.is_empty() && self.scattered.chunks.is_empty() {
                if let Some(panic) = self.broken.take() {
                    resume_unwind(panic);
                }
                // Results that were ready in time count, even if they are only read now.
                let late = std::mem::take(&mut self.late) && self.source.has_more();
                return late.then(|| Err(self.timed_out()));
            }
            let deadline = patience.into_iter().chain(self.deadline).min();
            match self.next_chunk(deadline) {
                Some((_, Ok(answers))) => self.current = answers.into_iter(),
                // The chunk failed as a whole and has no answers per item.
                Some((items, Err(error))) => {
                    self.current = vec_of(items, || Err(error.clone())).into_iter();
                }
                None => {
                    let late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
                    if late {
                        self.cancel();
                        return Some(Err(self.timed_out()));
                    }
                    return Some(Err(Error::new(Kind::NoResultYet)));
                }
            }
        }
    }

    /// The error of exceeding the total deadline.
    fn timed_out(&self) -> Error {
        Error::new(Kind::MapTimedOut { limit: self.options.total_deadline.unwrap_or_default() })
    }

    /// The answers of the next chunk and their expected number. `None`: they are late.
    fn next_chunk(&mut self, deadline: Option<Instant>) -> Option<(usize, ChunkOutcome<R>)> {
        if self.options.unordered {
            let (items, chunk) = self.scattered.next(deadline)?;
            return Some((items, chunk.result()));
        }
        let (items, chunk) = self.pending.front_mut()?;
        let outcome = match deadline {
            Some(deadline) => chunk.result_by(deadline),
            None => {
                let (items, chunk) = self.pending.pop_front()?;
                return Some((items, chunk.result()));
            }
        };
        match outcome {
            Err(error) if error.is_timeout() => None,
            outcome => {
                let items = *items;
                self.pending.pop_front();
                Some((items, outcome))
            }
        }
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
