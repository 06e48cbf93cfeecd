//! [`Map`]: the results of one function over many items, in order, through a bounded window.
//!
//! Every executor's `map` is this iterator; what differs is how a chunk of items is submitted.

use crate::error::{Error, Kind};
use crate::future::TaskFuture;
use crate::options::TaskOptions;
use crate::watch::Watch;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

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
#[derive(Clone, Default)]
pub struct MapOptions {
    chunk_size: Option<usize>,
    window: Option<usize>,
    on_error: OnError,
    unordered: bool,
    timeout: Option<Duration>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) grace: Duration,
    progress: Option<ProgressCallback>,
}

type ProgressCallback = Arc<dyn Fn(Progress) + Send + Sync>;

/// How far a `map` has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Results that have been read.
    pub done: usize,
    /// How many there will be, if the input knows.
    pub total: Option<usize>,
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

    /// Yields results as they come instead of in the order of the items; those of a chunk come
    /// together.
    ///
    /// ```
    /// use horsepower::{Executor, MapOptions, ThreadPoolExecutor};
    ///
    /// let pool = ThreadPoolExecutor::new()?;
    /// let squares = pool.map_with(MapOptions::new().unordered(), |n: u64| n * n, 1..=100);
    /// assert_eq!(squares.sum::<Result<u64, _>>()?, 338_350);
    /// # Ok::<(), horsepower::Error>(())
    /// ```
    #[must_use]
    pub fn unordered(mut self) -> MapOptions {
        self.unordered = true;
        self
    }

    /// How long all of it may take, from the call. What is late then is one error with
    /// [`is_timeout`](Error::is_timeout), the last item; what has not begun is cancelled, and what runs
    /// goes on. Results that were there in time are yielded before.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> MapOptions {
        self.timeout = Some(timeout);
        self
    }

    /// How long each call may take, from the moment it begins in its worker; then the worker is ended,
    /// and the item's error has [`is_deadline`](Error::is_deadline). For the others, see
    /// [`on_error`](Self::on_error). (Processes only, as
    /// [`TaskOptions::deadline`](crate::TaskOptions::deadline).)
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> MapOptions {
        self.deadline = Some(deadline);
        self
    }

    /// With a [`deadline`](Self::deadline): how long the worker has to end by itself after a SIGTERM.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> MapOptions {
        self.grace = grace;
        self
    }

    /// Calls `callback` whenever a result is read, on the thread that reads it; at the start too, with
    /// nothing done.
    ///
    /// ```
    /// use horsepower::{Executor, InlineExecutor, MapOptions};
    ///
    /// let options = MapOptions::new().progress(|progress| match progress.total {
    ///     Some(total) => eprintln!("{} of {total}", progress.done),
    ///     None => eprintln!("{}", progress.done),
    /// });
    /// assert_eq!(InlineExecutor::new().map_with(options, |n: u8| n, 0..3).count(), 3);
    /// ```
    #[must_use]
    pub fn progress(mut self, callback: impl Fn(Progress) + Send + Sync + 'static) -> MapOptions {
        self.progress = Some(Arc::new(callback));
        self
    }

    /// Shows progress as an `indicatif` bar, which gets its length from the input if that knows it.
    #[cfg(feature = "indicatif")]
    #[must_use]
    pub fn progress_bar(self, bar: indicatif::ProgressBar) -> MapOptions {
        self.progress(move |progress| {
            if let Some(total) = progress.total.filter(|_| progress.done == 0) {
                bar.set_length(total as u64);
            }
            bar.set_position(progress.done as u64);
        })
    }

    /// Why the items cannot run but in processes of their own.
    pub(crate) fn needs_process(&self) -> Option<String> {
        let options = TaskOptions { deadline: self.deadline, ..TaskOptions::new() };
        options.needs_process().map(|kind| kind.to_string())
    }
}

impl fmt::Debug for MapOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapOptions")
            .field("chunk_size", &self.chunk_size)
            .field("window", &self.window)
            .field("on_error", &self.on_error)
            .field("unordered", &self.unordered)
            .field("timeout", &self.timeout)
            .field("deadline", &self.deadline)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
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
type ChunkOutcome<R> = Result<Vec<Result<R, Error>>, Error>;

/// The iterator that [`Executor::map`](crate::Executor::map) returns: one `Result` for each item, in
/// the order of the items. Dropping it cancels what has not begun.
#[must_use = "a map that is dropped cancels what has not begun"]
pub struct Map<'e, R> {
    source: Box<dyn Source<R> + 'e>,
    options: MapOptions,
    workers: usize,
    /// When the time for all of it is over.
    deadline: Option<Instant>,
    pending: VecDeque<(usize, ChunkFuture<R>)>,
    /// If results come in any order: the chunks by their numbers, instead of `pending`.
    scattered: Scattered<R>,
    done: usize,
    total: Option<usize>,
    current: std::vec::IntoIter<Result<R, Error>>,
    /// Items that were drawn and whose results were not yielded.
    under_way: usize,
    last_chunk: usize,
    /// Measurements that `last_chunk` rests on.
    measurements: u64,
    /// Nothing more is drawn from the input.
    exhausted: bool,
    /// It was not the end of the input, but the time was over.
    late: bool,
}

/// Chunks under way whose results are taken as they come.
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

    /// The next one that has ended, waiting for it until `deadline`; `None` if it was too late.
    fn next(&mut self, deadline: Option<Instant>) -> Option<(usize, ChunkFuture<R>)> {
        let number = self.watch.next(deadline)?;
        self.chunks.remove(&number)
    }
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
        let (least, most) = items.size_hint();
        let mut map = Map {
            source: Box::new(Feed { items: items.fuse(), submit, clock: Arc::default() }),
            deadline: options.timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
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
        };
        map.tell_progress();
        map.fill();
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
            match self.source.submit(chunk) {
                Some((items, future)) => {
                    self.under_way += items;
                    if self.options.unordered {
                        self.scattered.add(items, future);
                    } else {
                        self.pending.push_back((items, future));
                    }
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
                let most = self.workers.saturating_mul(4).saturating_mul(chunk);
                (chunk, WINDOW.saturating_add(chunk).max(most))
            }
        }
    }

    fn cancel(&mut self) {
        self.exhausted = true;
        self.late = false;
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

    /// The next result; waits for it no longer than `timeout`. `None`: there is none any more.
    ///
    /// # Errors
    /// Of the item; or one with [`is_timeout`](Error::is_timeout) if the result has not come in
    /// time: then one may ask again.
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
            // Nothing more is begun; what is there is still yielded.
            self.exhausted = true;
            self.late = true;
        }
        // First, so that an input that panics costs no result.
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
                let late = std::mem::take(&mut self.late);
                return late.then(|| Err(Error::new(Kind::TimedOut)));
            }
            let deadline = patience.into_iter().chain(self.deadline).min();
            match self.next_chunk(deadline) {
                Some((_, Ok(answers))) => self.current = answers.into_iter(),
                // The chunk did not come as far as to have an answer for each item.
                Some((items, Err(error))) => {
                    self.current = vec_of(items, || Err(error.clone())).into_iter();
                }
                None => {
                    let late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
                    if late {
                        self.cancel();
                    }
                    return Some(Err(Error::new(Kind::TimedOut)));
                }
            }
        }
    }

    /// The answers of the next chunk, and how many there ought to be. `None`: they are late.
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
