//! [`Input`]: where the items of a map come from, and when to stop drawing them.
//!
//! An input may be slow, or never end. The thread that reads the results draws the items, so results that
//! are there wait while it draws. So it looks at the clock as it goes, and stops as soon as drawing takes
//! long. It cannot stop within a call of the input's `next`. Where that matters, a [`Feeder`] draws.

use super::chunks::INPUT;
use crate::task::watch::{Watch, wake};
use crate::thread::stack_size;
use horsepower_core::cast::cast;
use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::iter::Fuse;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// Drawing that takes longer than this is slow.
const SLOW: Duration = Duration::from_millis(1);

/// The most items between two looks at the clock, while the input is quick.
const MOST_BETWEEN: usize = 64;

/// The payload of a panic.
pub(super) type Panic = Box<dyn Any + Send>;

/// What was drawn.
pub(super) struct Drawn<A> {
    pub(super) items: Vec<A>,
    pub(super) then: Then,
}

/// What is known of the input after something was drawn.
pub(super) enum Then {
    /// There may be more.
    More,
    /// The same, and it took long.
    Slow,
    /// There is nothing more for the moment.
    Empty,
    /// There is nothing more.
    End,
    /// It panicked.
    Broken(Panic),
    /// Nobody can draw it.
    Refused(io::Error),
}

/// Starts the thread that draws: see [`Feeder::start`].
type StartFeeder<A> = Box<dyn FnOnce(usize, Arc<Watch>) -> io::Result<Feeder<A>> + Send>;

/// The items of a map that has not started.
pub(crate) enum Items<I: Iterator> {
    /// To be drawn by the thread that reads the results.
    Here(I),
    /// To be drawn by a thread of its own, which keeps at most so many.
    Elsewhere(StartFeeder<I::Item>),
}

impl<I: Iterator> Items<I>
where
    I::Item: Send + 'static,
{
    /// The items of an input. Those of a channel are drawn elsewhere: its next item may come late, or never.
    pub(crate) fn of(input: impl IntoIterator<Item = I::Item, IntoIter = I>) -> Items<I> {
        let channel = match cast::<_, mpsc::Receiver<I::Item>>(input) {
            Ok(receiver) => Ok(receiver.into_iter()),
            Err(input) => cast::<_, mpsc::IntoIter<I::Item>>(input.into_iter()),
        };
        match channel {
            Ok(channel) => Items::elsewhere(channel),
            Err(items) => Items::Here(items),
        }
    }

    /// The items of an input that another thread can draw.
    pub(crate) fn elsewhere<E>(items: E) -> Items<I>
    where
        E: Iterator<Item = I::Item> + Send + 'static,
    {
        Items::Elsewhere(Box::new(|most, watch| Feeder::start(items, most, watch)))
    }
}

/// See the module.
pub(super) enum Input<I: Iterator> {
    /// Drawn by the thread that reads the results.
    Drawn { items: Fuse<I>, between: usize },
    /// Drawn by a thread of its own.
    Fed(Feeder<I::Item>),
    /// There is no such thread, and why.
    Refused(Option<io::Error>),
}

impl<I: Iterator> Input<I> {
    pub(super) fn drawn(items: I) -> Input<I> {
        Input::Drawn { items: items.fuse(), between: 1 }
    }

    /// Draws at most `most` items: fewer if that takes long.
    pub(super) fn draw(&mut self, most: usize) -> Drawn<I::Item> {
        match self {
            Input::Fed(feeder) => feeder.take(most),
            Input::Refused(why) => {
                Drawn { items: Vec::new(), then: why.take().map_or(Then::End, Then::Refused) }
            }
            Input::Drawn { items, between } => draw(items, between, most),
        }
    }

    /// How many items are left, at most.
    pub(super) fn left(&self) -> Option<usize> {
        match self {
            Input::Fed(_) | Input::Refused(_) => None,
            Input::Drawn { items, .. } => items.size_hint().1,
        }
    }

    /// True if there is more, as far as that is known. May draw an item, which is lost.
    pub(super) fn has_more(&mut self) -> bool {
        match self {
            Input::Fed(feeder) => feeder.has_more(),
            Input::Refused(_) => false,
            Input::Drawn { items, .. } => items.size_hint().1 != Some(0) && items.next().is_some(),
        }
    }
}

fn draw<A>(
    items: &mut Fuse<impl Iterator<Item = A>>,
    between: &mut usize,
    most: usize,
) -> Drawn<A> {
    let mut drawn = Vec::new();
    let mut then = Then::More;
    // Nothing is drawn from the input after a panic, so its inconsistent state is never observed.
    let result = catch_unwind(AssertUnwindSafe(|| {
        let (started, mut unseen) = (Instant::now(), 0);
        while drawn.len() < most {
            let Some(item) = items.next() else {
                then = Then::End;
                return;
            };
            drawn.push(item);
            unseen += 1;
            if unseen >= *between {
                unseen = 0;
                if started.elapsed() > SLOW {
                    *between = 1;
                    then = Then::Slow;
                    return;
                }
                *between = MOST_BETWEEN.min(2 * *between);
            }
        }
    }));
    if let Err(panic) = result {
        then = Then::Broken(panic);
    }
    Drawn { items: drawn, then }
}

/// The items that a thread of its own draws from an input. The thread ends when the input does, and,
/// when this is dropped, as soon as the input lets go of it.
pub(crate) struct Feeder<A>(Arc<Shared<A>>);

struct Shared<A> {
    state: Mutex<State<A>>,
    room: Condvar,
    watch: Arc<Watch>,
    most: usize,
}

struct State<A> {
    items: VecDeque<A>,
    /// Nothing more comes; the panic of the input, if that is why.
    end: Option<Option<Panic>>,
    /// Nobody wants more.
    closed: bool,
}

impl<A> Shared<A> {
    fn lock(&self) -> MutexGuard<'_, State<A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A: Send + 'static> Feeder<A> {
    /// Starts the thread. It keeps at most `most` items, and tells `watch` when there is one again.
    ///
    /// # Errors
    /// If the system has no thread.
    pub(super) fn start(
        items: impl Iterator<Item = A> + Send + 'static,
        most: usize,
        watch: Arc<Watch>,
    ) -> io::Result<Feeder<A>> {
        let state = State { items: VecDeque::new(), end: None, closed: false };
        let shared =
            Arc::new(Shared { state: Mutex::new(state), room: Condvar::new(), watch, most });
        let fed = shared.clone();
        let thread = std::thread::Builder::new().name("hp-feeder".into());
        let thread = thread.stack_size(stack_size());
        thread.spawn(move || fed.feed(items))?;
        Ok(Feeder(shared))
    }
}

impl<A> Shared<A> {
    /// The body of the thread.
    fn feed(&self, mut items: impl Iterator<Item = A>) {
        let fed = catch_unwind(AssertUnwindSafe(|| {
            for item in items.by_ref() {
                let mut state = self.lock();
                while state.items.len() >= self.most && !state.closed {
                    state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                if state.closed {
                    return;
                }
                let first = state.items.is_empty();
                state.items.push_back(item);
                drop(state);
                if first {
                    self.tell();
                }
            }
        }));
        self.lock().end = Some(fed.err());
        self.tell();
        // A panic in the drop of the input concerns nobody.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(items)));
    }

    fn tell(&self) {
        self.watch.arrive(INPUT).into_iter().for_each(wake);
    }
}

impl<A> Feeder<A> {
    fn take(&mut self, most: usize) -> Drawn<A> {
        let mut state = self.0.lock();
        let count = most.min(state.items.len());
        let items: Vec<A> = state.items.drain(..count).collect();
        let is_empty = state.items.is_empty();
        let then = match &mut state.end {
            _ if !is_empty => Then::More,
            None => Then::Empty,
            Some(end) => end.take().map_or(Then::End, Then::Broken),
        };
        drop(state);
        if count > 0 {
            self.0.room.notify_one();
        }
        Drawn { items, then }
    }

    fn has_more(&self) -> bool {
        let state = self.0.lock();
        !state.items.is_empty() || state.end.is_none()
    }
}

impl<A> Drop for Feeder<A> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        let items = std::mem::take(&mut state.items);
        drop(state);
        self.0.room.notify_one();
        drop(items);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_input_is_drawn_one_by_one_and_a_quick_one_in_large_parts() {
        let mut quick = Input::drawn(0..1000);
        assert_eq!(quick.draw(10).items, (0..10).collect::<Vec<_>>());
        assert!(quick.has_more());
        assert!(matches!(quick.draw(usize::MAX), Drawn { then: Then::End | Then::Slow, .. }));
        let slow = (0..9).inspect(|_| std::thread::sleep(2 * SLOW));
        let mut slow = Input::drawn(slow);
        for n in 0..9 {
            let Drawn { items, then } = slow.draw(100);
            assert!(items == [n] && matches!(then, Then::Slow));
        }
        assert!(matches!(slow.draw(100), Drawn { then: Then::End, .. }));
    }

    #[test]
    fn a_panic_comes_with_what_was_drawn_before() {
        let breaks = || (0..5).inspect(|n| assert!(*n < 3, "on purpose"));
        let Drawn { items, then } = Input::drawn(breaks()).draw(9);
        assert!(items == [0, 1, 2] && matches!(then, Then::Broken(_)));
        let watch = Arc::new(Watch::default());
        let mut feeder = Feeder::start(breaks(), 2, watch.clone()).unwrap();
        let mut all = vec![];
        loop {
            let Drawn { items, then } = feeder.take(9);
            all.extend(items);
            match then {
                Then::Broken(_) => break,
                Then::Empty => assert_eq!(watch.next(None), Some(INPUT)),
                _ => {}
            }
        }
        assert_eq!(all, [0, 1, 2]);
    }

    #[test]
    fn a_feeder_keeps_so_many_items_and_ends_when_it_is_dropped() {
        let drawn = Arc::new(Mutex::new(0));
        let counted = drawn.clone();
        let endless = (0..).inspect(move |n| *counted.lock().unwrap() = *n);
        let watch = Arc::new(Watch::default());
        let mut feeder = Feeder::start(endless, 3, watch.clone()).unwrap();
        assert_eq!(watch.next(None), Some(INPUT));
        while feeder.0.lock().items.len() < 3 {
            std::thread::yield_now();
        }
        assert_eq!(feeder.take(2).items, [0, 1]);
        let shared = Arc::downgrade(&feeder.0);
        drop(feeder);
        while shared.strong_count() > 0 {
            std::thread::yield_now();
        }
        assert!(*drawn.lock().unwrap() <= 5);
    }
}
