//! [`Chunks`]: the chunks of a map that are under way, and which of them comes next.

use super::ChunkFuture;
use crate::error::Error;
use crate::task::watch::Watch;
use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

/// The answers of a chunk, or why it has none.
pub(super) type ChunkOutcome<R> = Result<Vec<Result<R, Error>>, Error>;

/// What [`Chunks::next`] has waited for.
pub(super) enum Next<R> {
    /// A chunk with these items has ended.
    Chunk(Range<usize>, ChunkOutcome<R>),
    /// There is news of the input.
    Input,
    /// The time is over.
    Late,
}

/// See the module.
pub(super) enum Chunks<R> {
    /// Results come in input order, and the input is drawn by the thread that waits for them.
    InLine(VecDeque<(Range<usize>, ChunkFuture<R>)>),
    /// The thread waits for several things at once: for any chunk, or for the input too.
    Watched(Watched<R>),
}

pub(super) struct Watched<R> {
    /// The chunks by number, from 1.
    chunks: HashMap<usize, (Range<usize>, ChunkFuture<R>)>,
    /// Their numbers, if results come in input order.
    order: Option<VecDeque<usize>>,
    /// Those that have ended before their turn.
    ended: HashSet<usize>,
    /// Tells of chunks by their numbers, and of the input by [`INPUT`].
    watch: Arc<Watch>,
    count: usize,
}

/// The number by which a watch tells of the input.
pub(super) const INPUT: usize = 0;

impl<R> Chunks<R> {
    pub(super) fn in_line() -> Chunks<R> {
        Chunks::InLine(VecDeque::new())
    }

    /// `watch` may tell of the input too.
    pub(super) fn watched(watch: Arc<Watch>, unordered: bool) -> Chunks<R> {
        let order = (!unordered).then(VecDeque::new);
        let (chunks, ended) = (HashMap::new(), HashSet::new());
        Chunks::Watched(Watched { chunks, order, ended, watch, count: INPUT })
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Chunks::InLine(chunks) => chunks.is_empty(),
            Chunks::Watched(watched) => watched.chunks.is_empty(),
        }
    }

    pub(super) fn add(&mut self, items: Range<usize>, chunk: ChunkFuture<R>) {
        match self {
            Chunks::InLine(chunks) => chunks.push_back((items, chunk)),
            Chunks::Watched(watched) => {
                watched.count += 1;
                chunk.watch(&watched.watch, watched.count);
                watched.order.iter_mut().for_each(|order| order.push_back(watched.count));
                watched.chunks.insert(watched.count, (items, chunk));
            }
        }
    }

    /// True if the next chunk has ended, or, if any may be next, if there is news.
    pub(super) fn has_next(&self) -> bool {
        match self {
            Chunks::InLine(chunks) => chunks.front().is_some_and(|(_, chunk)| chunk.is_done()),
            Chunks::Watched(Watched { order: None, watch, .. }) => watch.has_news(),
            Chunks::Watched(Watched { order: Some(order), chunks, .. }) => {
                let front = order.front().and_then(|front| chunks.get(front));
                front.is_some_and(|(_, chunk)| chunk.is_done())
            }
        }
    }

    /// Waits for the next chunk, for news of the input, or until `deadline`.
    pub(super) fn next(&mut self, deadline: Option<Instant>) -> Next<R> {
        match self {
            Chunks::InLine(chunks) => next_in_line(chunks, deadline),
            Chunks::Watched(watched) => watched.next(deadline),
        }
    }

    /// Cancels all that have not begun.
    pub(super) fn cancel(&mut self) {
        match self {
            Chunks::InLine(chunks) => {
                for (_, chunk) in chunks.drain(..) {
                    chunk.cancel();
                }
            }
            Chunks::Watched(watched) => {
                for (_, (_, chunk)) in watched.chunks.drain() {
                    chunk.unwatch(&watched.watch);
                    chunk.cancel();
                }
            }
        }
    }
}

fn next_in_line<R>(
    chunks: &mut VecDeque<(Range<usize>, ChunkFuture<R>)>,
    deadline: Option<Instant>,
) -> Next<R> {
    let Some((items, chunk)) = chunks.front_mut() else { return Next::Late };
    let items = items.clone();
    let outcome = match deadline {
        Some(deadline) => chunk.result_by(deadline),
        None => {
            let Some((_, chunk)) = chunks.pop_front() else { return Next::Late };
            return Next::Chunk(items, chunk.result());
        }
    };
    match outcome {
        Err(error) if error.is_timeout() => Next::Late,
        outcome => {
            chunks.pop_front();
            Next::Chunk(items, outcome)
        }
    }
}

impl<R> Watched<R> {
    fn next(&mut self, deadline: Option<Instant>) -> Next<R> {
        loop {
            if let Some(order) = &mut self.order
                && let Some(&front) = order.front()
                && self.ended.remove(&front)
            {
                order.pop_front();
                return self.take(front);
            }
            // On a thread of the pool whose queue they are in, somebody has to run them.
            let mut chunks = self.chunks.values();
            if deadline.is_none()
                && !self.watch.has_news()
                && chunks.any(|(_, chunk)| chunk.run_if_queued())
            {
                continue;
            }
            match self.watch.next(deadline) {
                None => return Next::Late,
                Some(INPUT) => return Next::Input,
                Some(number) if self.order.is_some() => _ = self.ended.insert(number),
                Some(number) => return self.take(number),
            }
        }
    }

    fn take(&mut self, number: usize) -> Next<R> {
        match self.chunks.remove(&number) {
            Some((items, chunk)) => Next::Chunk(items, chunk.result()),
            // It was cancelled meanwhile.
            None => Next::Late,
        }
    }
}
