//! Delayed actions, run by one timer thread of the program.
//!
//! Thread pools use it for queue deadlines, pauses before retries, and work that a shortage of threads has
//! delayed. A process pool has timers of its own, which its supervisor waits for.

use horsepower_core::copies::Maker;
use horsepower_core::timed::Timed;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

static TIMER: Timer = Timer { state: Mutex::new(State::NEW), changed: Condvar::new() };

struct Timer {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    entries: Timed<Entry>,
    /// The timer thread runs, in this process.
    running: Option<Maker>,
}

/// How many entries are kept before dead ones are looked for.
const PRUNE: usize = 1024;

struct Entry {
    /// Returns false once the action is no longer needed.
    wanted: Box<dyn Fn() -> bool + Send>,
    action: Box<dyn FnOnce() + Send>,
}

impl State {
    const NEW: State = State { entries: Timed::new(PRUNE), running: None };
}

/// Calls `action` at `at`, or soon after, on the timer thread; it must be short. Until then `wanted` is
/// asked from time to time; once it returns false, the action is dropped. False: the timer thread cannot
/// be started, so the action waits until a later call can start it.
pub(crate) fn at(
    at: Instant,
    wanted: impl Fn() -> bool + Send + 'static,
    action: impl FnOnce() + Send + 'static,
) -> bool {
    let mut state = TIMER.lock();
    if state.running.is_some_and(|maker| !maker.is_here()) {
        // In a copy of that process, made by a fork, its thread is not there, and neither are those for
        // whom it would do something.
        std::mem::forget(std::mem::replace(&mut *state, State::NEW));
    }
    if state.running.is_none() {
        let thread = std::thread::Builder::new().name("hp-timer".into());
        state.running = thread.spawn(|| TIMER.run()).is_ok().then(Maker::here);
    }
    state.entries.push(at, Entry { wanted: Box::new(wanted), action: Box::new(action) });
    let forgotten = state.entries.prune(|entry| !(entry.wanted)());
    let running = state.running.is_some();
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
            let Some(first) = state.entries.first() else {
                // Nothing holds this thread when there is nothing to do.
                state.running = None;
                return;
            };
            let now = Instant::now();
            match state.entries.pop_due(now) {
                Some(entry) => {
                    drop(state);
                    // Whatever it does, those after it have their time.
                    let _ = horsepower_core::panic::catch(entry.action);
                    state = self.lock();
                }
                None => {
                    let wait = first.saturating_duration_since(now);
                    let waited = self.changed.wait_timeout(state, wait);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
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
