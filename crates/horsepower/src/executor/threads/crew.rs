//! The threads of a pool: started when jobs need them, and let go when they have been idle for long.
//!
//! Our own and no library's, for what is promised of them: as many as there are tasks to run and no more,
//! so that tasks which come one after the other, however fast, need one thread; names by numbers that are
//! used again; an end by themselves once nothing can come any more.

use super::queue::{Job, Pool, State};
use std::cell::Cell;
use std::io;
use std::sync::{Arc, MutexGuard};
use std::thread::{self, Builder, JoinHandle, Thread};
use std::time::{Duration, Instant};

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
    /// By their numbers, which are those of their names.
    threads: Vec<Option<JoinHandle<()>>>,
    pub(super) living: usize,
    /// Those that wait for a job. The last one to come is the first to be called, so that the others can
    /// leave when there is little to do.
    idle: Vec<(usize, Thread)>,
    /// Those on their way to the queue: they are starting, or were called, or their job is about to end.
    coming: usize,
}

impl Crew {
    pub(super) fn new(most: usize) -> Crew {
        Crew { most, ..Crew::default() }
    }

    /// Takes out the handles, to join them.
    pub(super) fn handles(&mut self) -> Vec<JoinHandle<()>> {
        self.threads.iter_mut().filter_map(Option::take).collect()
    }

    fn call_one(&mut self) -> Option<Thread> {
        let (_, thread) = self.idle.pop()?;
        self.coming += 1;
        Some(thread)
    }
}

/// What has been done under the lock so that the jobs are done; the rest is done without it.
#[must_use]
pub(super) struct Call {
    threads: Vec<Thread>,
    /// A thread was needed, and could not be started.
    failure: Option<io::Error>,
}

impl Call {
    /// Wakes those that were called. What is left is a thread that could not be started.
    pub(super) fn wake(self) -> Option<io::Error> {
        self.threads.iter().for_each(Thread::unpark);
        self.failure
    }
}

thread_local! {
    /// The job of this thread is about to end, and the thread is counted as such.
    static ENDING: Cell<bool> = const { Cell::new(false) };
}

impl Pool {
    /// Sees to it that somebody comes for each job in the queue, as far as there may be threads.
    pub(super) fn call(self: &Arc<Self>, state: &mut State) -> Call {
        let mut call = Call { threads: Vec::new(), failure: None };
        while state.queue.len() > state.crew.coming {
            if let Some(thread) = state.crew.call_one() {
                call.threads.push(thread);
            } else if state.crew.living >= state.crew.most {
                break;
            } else if let Err(error) = self.start_one(&mut state.crew) {
                call.failure = Some(error);
                break;
            }
        }
        call
    }

    /// Calls those that are too many, or, once nothing can come any more, all.
    pub(super) fn call_to_leave(&self, state: &mut State) -> Call {
        let all = state.is_over();
        let crew = &mut state.crew;
        let surplus = if all { usize::MAX } else { crew.living.saturating_sub(crew.most) };
        let threads = std::iter::from_fn(|| crew.call_one()).take(surplus).collect();
        Call { threads, failure: None }
    }

    /// The lock is held meanwhile, so there is no thread that is neither there nor not.
    fn start_one(self: &Arc<Self>, crew: &mut Crew) -> io::Result<()> {
        let free = crew.threads.iter().position(Option::is_none);
        let number = free.unwrap_or(crew.threads.len());
        let pool = self.clone();
        let name = format!("{}_{number}", self.manner.name);
        let thread = Builder::new().name(name).spawn(move || pool.live(number))?;
        crew.threads.resize_with(crew.threads.len().max(number + 1), || None);
        crew.threads[number] = Some(thread);
        crew.living += 1;
        crew.coming += 1;
        Ok(())
    }

    /// What a thread of the pool does.
    fn live(self: Arc<Self>, number: usize) {
        self.within(|| tracing::debug!(pool = self.manner.name, number, "thread is started"));
        let over = self.lock().is_over();
        if let Some(initializer) = self.manner.initializer.as_ref().filter(|_| !over) {
            self.within(|| {
                if let Err(report) = horsepower_core::panic::catch(|| initializer()) {
                    self.break_down(&format!("the initializer failed: {report}"));
                }
            });
        }
        let mut state = self.lock();
        state.crew.coming -= 1;
        while state.crew.living <= state.crew.most {
            if let Some(job) = state.queue.pop_front() {
                state = self.run(state, job);
            } else if state.is_over() {
                break;
            } else {
                let (back, called) = self.rest(state, number);
                state = back;
                if !called {
                    break;
                }
            }
        }
        self.leave(state, number);
    }

    fn run<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State>,
        job: Box<dyn Job>,
    ) -> MutexGuard<'a, State> {
        state.running += 1;
        drop(state);
        self.within(|| job.run(self));
        // From its end to the queue in one step: in between it would not be counted as coming.
        let mut state = self.lock();
        if ENDING.replace(false) {
            state.crew.coming -= 1;
        } else {
            state.running -= 1;
        }
        state.unended -= 1;
        self.look_for_the_end(state)
    }

    /// Waits for a call. False: the time for that is over.
    fn rest<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        number: usize,
    ) -> (MutexGuard<'a, State>, bool) {
        // What is too long for the clock is for ever.
        let end = Instant::now().checked_add(self.manner.idle_timeout);
        state.crew.idle.push((number, thread::current()));
        loop {
            drop(state);
            match end {
                Some(end) => thread::park_timeout(end.saturating_duration_since(Instant::now())),
                None => thread::park(),
            }
            state = self.lock();
            let place = state.crew.idle.iter().position(|idle| idle.0 == number);
            let Some(place) = place else {
                state.crew.coming -= 1;
                return (state, true);
            };
            if end.is_some_and(|end| Instant::now() >= end) {
                state.crew.idle.remove(place);
                return (state, false);
            }
        }
    }

    fn leave(self: &Arc<Self>, mut state: MutexGuard<'_, State>, number: usize) {
        // Under the lock under which it was decided: else several would go where one is too many.
        state.crew.living -= 1;
        // At the end of the pool somebody may want to join it; else nobody will.
        let own = if state.is_over() { None } else { state.crew.threads[number].take() };
        // There may be fewer threads now, and this one may have been called for a job.
        let call = self.call(&mut state);
        drop(self.look_for_the_end(state));
        drop(own);
        self.wake(call);
        self.within(|| tracing::debug!(pool = self.manner.name, number, "thread has left"));
    }

    /// Whether the job of this thread is about to be seen to have ended, so that the thread is as good as
    /// back at the queue. It must not be so while code of the user may run.
    pub(super) fn set_ending(self: &Arc<Self>, ending: bool) {
        if ENDING.replace(ending) == ending {
            return;
        }
        let mut state = self.lock();
        if ending {
            state.running -= 1;
            state.crew.coming += 1;
        } else {
            state.running += 1;
            state.crew.coming -= 1;
            // A job may have been left to it.
            let call = self.call(&mut state);
            drop(state);
            self.wake(call);
        }
    }
}
