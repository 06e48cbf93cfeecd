//! The threads of a pool: started when jobs need them, and let go when they have been idle for long.
//!
//! Our own and no library's, for what is promised of them: as many as there are tasks to run, and no
//! more (tasks that come one after the other, however fast, need one thread); names by numbers that are
//! used again; an end by themselves once nothing can come any more.

use super::queue::{Job, Pool, State, count};
use crate::error::Kind;
use std::cell::Cell;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

/// How the threads of a pool are.
pub(super) struct Manner {
    pub(super) name: String,
    /// How long a thread waits for a job until it leaves.
    pub(super) idle_timeout: Duration,
    /// What each calls first.
    pub(super) initializer: Option<Arc<dyn Fn() + Send + Sync>>,
}

/// Who there is.
#[derive(Default)]
pub(super) struct Crew {
    /// Most at a time.
    pub(super) most: usize,
    /// For each number, whether a thread has it.
    numbers: Vec<bool>,
    living: usize,
    /// Those that have not come to look at the queue yet.
    starting: usize,
    /// Those that wait for a job.
    idle: usize,
    /// Those that come back to the queue any moment now.
    ending: usize,
}

impl Crew {
    pub(super) fn new(most: usize) -> Crew {
        Crew { most, ..Crew::default() }
    }

    fn enlist(&mut self) -> usize {
        self.living += 1;
        self.starting += 1;
        let free = self.numbers.iter().position(|taken| !taken);
        let number = free.unwrap_or(self.numbers.len());
        self.numbers.resize(self.numbers.len().max(number + 1), false);
        self.numbers[number] = true;
        number
    }

    fn discharge(&mut self, number: usize) {
        self.living -= 1;
        self.numbers[number] = false;
    }
}

thread_local! {
    /// The job of this thread is about to end, and the thread is counted as such.
    static ENDING: Cell<bool> = const { Cell::new(false) };
}

impl Pool {
    /// Sees to it that there is somebody for what is in the queue: wakes a thread, or starts one.
    pub(super) fn see_to_it(self: &Arc<Self>) {
        let here = self.is_here();
        let state = self.lock();
        let crew = &state.crew;
        // On a thread of the pool the one that ends may be this very one, and may wait for the job.
        let ending = if here { 0 } else { crew.ending };
        let coming = crew.idle + crew.starting + ending;
        if crew.idle > 0 {
            self.work.notify_one();
        }
        if state.queue.len() > coming && crew.living < crew.most {
            self.start_one(state);
        }
    }

    fn start_one(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        let number = state.crew.enlist();
        drop(state);
        let pool = self.clone();
        let name = format!("{}_{number}", self.manner.name);
        let source = match Builder::new().name(name).spawn(move || pool.live(number)) {
            Ok(thread) => return self.keep(thread),
            Err(error) => error,
        };
        let mut state = self.lock();
        state.crew.starting -= 1;
        state.crew.discharge(number);
        if state.crew.living > 0 {
            // They will do it.
            return;
        }
        let job = state.queue.pop_back();
        drop(state);
        if let Some(job) = job {
            count(&self.counts.failed, job.calls());
            self.within(|| job.refuse(Kind::System { doing: "start a thread", source }));
            self.ended();
        }
    }

    /// What a thread of the pool does.
    fn live(self: Arc<Self>, number: usize) {
        if let Some(initializer) = &self.manner.initializer
            && let Err(report) = horsepower_core::panic::catch(|| initializer())
        {
            self.break_down(&format!("the initializer failed: {report}"));
        }
        let mut state = self.lock();
        state.crew.starting -= 1;
        while state.crew.living <= state.crew.most {
            if let Some(job) = state.queue.pop_front() {
                state = self.run(state, job);
                continue;
            }
            if state.is_over() {
                break;
            }
            state.crew.idle += 1;
            let waited = self.work.wait_timeout(state, self.manner.idle_timeout);
            let (back, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            state = back;
            state.crew.idle -= 1;
            if waited.timed_out() && state.queue.is_empty() {
                break;
            }
        }
        state.crew.discharge(number);
        if !state.queue.is_empty() {
            // There are fewer threads now than there were, and this one was woken for a job.
            self.work.notify_one();
        }
    }

    fn run<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State>,
        job: Box<dyn Job>,
    ) -> MutexGuard<'a, State> {
        state.running += 1;
        drop(state);
        self.within(|| job.run(self));
        // From ending to looking at the queue in one step: in between it would count as neither.
        let mut state = self.lock();
        if ENDING.replace(false) {
            state.crew.ending -= 1;
        } else {
            state.running -= 1;
        }
        self.ended_under(&mut state);
        state
    }

    /// Whether the job of this thread is about to be seen to have ended, so that the thread is as good as
    /// free for the next one. It is not while code of the user may run.
    pub(super) fn set_ending(&self, ending: bool) {
        if ENDING.replace(ending) == ending {
            return;
        }
        let mut state = self.lock();
        if ending {
            state.running -= 1;
            state.crew.ending += 1;
        } else {
            state.running += 1;
            state.crew.ending -= 1;
        }
    }
}
