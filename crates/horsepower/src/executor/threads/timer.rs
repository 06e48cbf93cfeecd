//! Things that are to be done later, on one thread of the program that waits for their time.
//!
//! Only for what happens in this process; a process pool has its supervisor's clocks.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

static TIMER: Timer = Timer { state: Mutex::new(State::NEW), changed: Condvar::new() };

struct Timer {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    entries: BinaryHeap<Reverse<Entry>>,
    running: bool,
    count: u64,
    /// So many entries, and those that no longer matter are looked for.
    prune_at: usize,
}

/// How many are kept before that.
const PRUNE: usize = 1024;

struct Entry {
    at: Instant,
    /// Of two with the same time the earlier one comes first.
    number: u64,
    /// Whether it still matters.
    wanted: Box<dyn Fn() -> bool + Send>,
    action: Box<dyn FnOnce() + Send>,
}

impl State {
    const NEW: State =
        State { entries: BinaryHeap::new(), running: false, count: 0, prune_at: PRUNE };
}

/// Calls `action` at `at`, or soon after; it must be short. As long as it is not, `wanted` is asked now
/// and then, and if that says no, it is forgotten. False: the system gives no thread for it, so it
/// will not be called until it gives one for another.
pub(crate) fn at(
    at: Instant,
    wanted: impl Fn() -> bool + Send + 'static,
    action: impl FnOnce() + Send + 'static,
) -> bool {
    let mut state = TIMER.lock();
    if !state.running {
        let thread = std::thread::Builder::new().name("hp-timer".into());
        state.running = thread.spawn(|| TIMER.run()).is_ok();
    }
    state.count += 1;
    let number = state.count;
    let (wanted, action) = (Box::new(wanted), Box::new(action));
    state.entries.push(Reverse(Entry { at, number, wanted, action }));
    let mut forgotten = Vec::new();
    if state.entries.len() > state.prune_at {
        let entries = std::mem::take(&mut state.entries).into_vec();
        let (kept, others) = entries.into_iter().partition(|entry| (entry.0.wanted)());
        forgotten = others;
        let kept: Vec<Reverse<Entry>> = kept;
        state.prune_at = PRUNE.max(2 * kept.len());
        state.entries = kept.into();
    }
    let running = state.running;
    drop(state);
    drop(forgotten);
    TIMER.changed.notify_one();
    running
}

impl Timer {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let Some(Reverse(first)) = state.entries.peek() else {
                // Nothing holds this thread when there is nothing to do.
                state.running = false;
                return;
            };
            let wait = first.at.saturating_duration_since(now);
            if !wait.is_zero() {
                let waited = self.changed.wait_timeout(state, wait);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            if let Some(Reverse(entry)) = state.entries.pop() {
                drop(state);
                // Whatever it does, those after it have their time.
                let _ = horsepower_core::panic::catch(entry.action);
                state = self.lock();
            }
        }
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn what_is_due_first_is_done_first() {
        let (said, heard) = channel();
        let now = Instant::now();
        for (millis, name) in [(20, "late"), (0, "now"), (10, "soon"), (0, "then")] {
            let said = said.clone();
            let action = move || {
                said.send(name).unwrap();
                assert_ne!(name, "soon", "a panic disturbs nobody");
            };
            assert!(at(now + Duration::from_millis(millis), || true, action));
        }
        drop(said);
        assert_eq!(heard.iter().collect::<Vec<_>>(), ["now", "then", "soon", "late"]);
        assert!(now.elapsed() >= Duration::from_millis(20));
    }

    #[test]
    fn what_is_no_longer_wanted_is_forgotten() {
        let hour = Instant::now() + Duration::from_secs(3600);
        let alive = std::sync::Arc::new(());
        for _ in 0..3 * PRUNE {
            let kept = alive.clone();
            at(hour, || false, move || drop(kept));
        }
        assert!(std::sync::Arc::strong_count(&alive) <= PRUNE + 2);
    }
}
