//! [`Pool`]: what a thread pool's executor and its threads share, behind one lock.
//!
//! The executor submits here; what the threads do is in `run`.

use super::job::Job;
use super::roster::Roster;
use super::state::{Phase, State};
use super::timer;
use crate::error::Kind;
use horsepower_core::callback_threads::CallbackThreads;
use horsepower_core::copies::Maker;
use horsepower_core::inside::{is_inside, within};
use horsepower_core::stats::Stats;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, Thread};
use std::time::{Duration, Instant};

/// How a pool was made.
pub(super) struct Settings {
    pub(super) name: String,
    /// How long a thread waits for a job until it leaves.
    pub(super) idle_timeout: Duration,
    pub(super) stack_size: usize,
    /// What each thread calls first.
    pub(super) initializer: Option<Arc<dyn Fn() + Send + Sync>>,
}

/// Threads that were called under the lock; they are woken without it.
#[must_use]
pub(super) struct Wake {
    threads: Vec<Thread>,
    /// A thread was needed, and could not be started.
    failure: Option<io::Error>,
}

/// What the executor and its threads share.
pub(super) struct Pool {
    pub(super) settings: Settings,
    pub(super) counts: Counts,
    /// Call the callbacks of jobs that came too late: the threads are busy with others.
    callback_threads: CallbackThreads,
    state: Mutex<State>,
    /// The process that has the threads.
    maker: Maker,
    /// After the pool was closed, the last job has ended, or the last thread has left.
    end: Condvar,
}

impl Wake {
    /// Wakes those that were called. What is left is a thread that could not be started.
    fn unpark(self) -> Option<io::Error> {
        self.threads.iter().for_each(Thread::unpark);
        self.failure
    }
}

/// How long after a thread could not be started that is tried again, if there are others.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Calls that have ended.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) done: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) cancelled: AtomicU64,
    pub(super) retried: AtomicU64,
}

pub(super) fn count(counter: &AtomicU64, calls: usize) {
    // Relaxed: a counter.
    counter.fetch_add(calls as u64, Ordering::Relaxed);
}

impl Pool {
    pub(super) fn new(settings: Settings, workers: usize) -> Pool {
        Pool {
            settings,
            counts: Counts::default(),
            callback_threads: CallbackThreads::named("hp-callback"),
            state: Mutex::new(State::new(workers)),
            maker: Maker::here(),
            end: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Most threads at a time.
    pub(super) fn workers(&self) -> usize {
        self.lock().threads.most()
    }

    /// True on a thread of this pool, and in a callback that it calls elsewhere.
    pub(super) fn is_here(&self) -> bool {
        is_inside(self)
    }

    /// Calls something that may run user code. Nothing that the user code asks of this pool waits for this
    /// thread.
    pub(super) fn within(&self, call: impl FnOnce()) {
        // A user's `Drop` may panic; the counts have to stay right.
        let _ = horsepower_core::panic::catch(|| within(self, call));
    }

    /// True in a copy, made by a fork, of the process that has the threads.
    pub(super) fn is_copy(&self) -> bool {
        !self.maker.is_here()
    }

    /// Queues a job, or refuses it if the pool is closed or broken.
    pub(super) fn submit(self: &Arc<Self>, job: Job) {
        if self.is_copy() {
            return job.refuse(Kind::Copied);
        }
        let mut state = self.lock();
        let refusal = state.refusal();
        if let Some(kind) = refusal {
            drop(state);
            return self.within(|| job.refuse(kind));
        }
        state.unended += 1;
        state.queue.push_back(job);
        let dead = state.remove_dead();
        let call = self.call(&mut state);
        drop(state);
        self.wake(call);
        for job in dead {
            self.count_over(&job);
            self.within(|| drop(job));
            self.ended();
        }
    }

    /// Wakes the threads that were called for queued jobs. If a thread could not be started, the other
    /// threads run the jobs, and the start is retried later; if there are no other threads, the jobs fail.
    pub(super) fn wake(self: &Arc<Self>, call: Wake) {
        let Some(error) = call.unpark() else { return };
        let mut state = self.lock();
        if state.threads.living() > 0 {
            if std::mem::replace(&mut state.starts_again, true) {
                return;
            }
            drop(state);
            let (pool, later) = (Arc::downgrade(self), Arc::downgrade(self));
            let at = Instant::now() + AGAIN_AFTER;
            let again = move || {
                if let Some(pool) = later.upgrade() {
                    pool.see_to_it();
                }
            };
            if !timer::at(at, move || pool.strong_count() > 0, again) {
                // There is no timer thread either. The next submit retries.
                self.lock().starts_again = false;
            }
            return;
        }
        let queue = std::mem::take(&mut state.queue);
        drop(state);
        for job in queue {
            // `io::Error` cannot be cloned.
            let source = match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => error.kind().into(),
            };
            count(&self.counts.failed, job.calls());
            self.within(|| job.refuse(Kind::System { doing: "start a thread", source }));
            self.ended();
        }
    }

    /// Retries to start the threads that queued jobs need.
    fn see_to_it(self: &Arc<Self>) {
        let mut state = self.lock();
        state.starts_again = false;
        let call = self.call(&mut state);
        drop(state);
        self.wake(call);
    }

    /// Calls a thread for each queued job, up to the limit of threads.
    pub(super) fn call(self: &Arc<Self>, state: &mut State) -> Wake {
        let mut wake = Wake { threads: Vec::new(), failure: None };
        while state.queue.len() > state.threads.on_their_way() {
            if let Some(thread) = state.threads.call_one() {
                wake.threads.push(thread);
            } else if !state.threads.has_room() {
                break;
            } else if let Err(error) = self.start_one(&mut state.threads) {
                wake.failure = Some(error);
                break;
            }
        }
        wake
    }

    /// Calls surplus threads to leave; all threads, once no job can come any more.
    fn call_to_leave(&self, state: &mut State) -> Wake {
        let surplus = if state.is_over() { usize::MAX } else { state.threads.surplus() };
        let threads = std::iter::from_fn(|| state.threads.call_one()).take(surplus).collect();
        Wake { threads, failure: None }
    }

    /// Starts a thread under the lock, so the roster always knows every thread.
    fn start_one(self: &Arc<Self>, threads: &mut Roster) -> io::Result<()> {
        let number = threads.free_number();
        let pool = self.clone();
        let name = format!("{}_{number}", self.settings.name);
        let thread = Builder::new().name(name).stack_size(self.settings.stack_size);
        let thread = thread.spawn(move || pool.live(number))?;
        threads.started(number, thread);
        Ok(())
    }

    /// Counts a job that ended without running.
    pub(super) fn count_over(&self, job: &Job) {
        let cancelled = job.is_cancelled();
        count(if cancelled { &self.counts.cancelled } else { &self.counts.failed }, job.calls());
    }

    /// Makes a call on a callback thread. The pool does not end before the call has returned.
    pub(super) fn have_called(self: &Arc<Self>, call: impl FnOnce() + Send + 'static) {
        self.hold();
        let pool = self.clone();
        let call = move || {
            pool.within(call);
            pool.ended();
        };
        if let Some(at) = self.callback_threads.call(Box::new(call)) {
            self.look_after_callbacks(at);
        }
    }

    /// Checks at `at`, and for as long as needed, that there are enough callback threads.
    fn look_after_callbacks(self: &Arc<Self>, at: Instant) {
        let pool = self.clone();
        let look = move || {
            if let Some(at) = pool.callback_threads.look() {
                pool.look_after_callbacks(at);
            }
            // The system gives no thread now: rather here than never.
            pool.callback_threads.take_stranded().into_iter().for_each(|call| call());
        };
        // Without a timer thread, the callback thread makes this call after the one before.
        let _ = timer::at(at, || true, look);
    }

    /// Keeps the pool open for a part of a running job that is about to be queued.
    pub(super) fn hold(&self) {
        self.lock().unended += 1;
    }

    /// Queues a job that was [held](Self::hold).
    pub(super) fn submit_held(self: &Arc<Self>, job: Job) {
        let mut state = self.lock();
        if let Some(kind) = state.no_start() {
            drop(state);
            self.within(|| job.refuse(kind));
            return self.ended();
        }
        state.queue.push_back(job);
        let call = self.call(&mut state);
        drop(state);
        self.wake(call);
    }

    pub(super) fn ended(&self) {
        let mut state = self.lock();
        state.unended -= 1;
        drop(self.look_for_the_end(state));
    }

    /// Notifies whoever waits for the end of the pool, if it has ended.
    pub(super) fn look_for_the_end<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
    ) -> MutexGuard<'a, State> {
        if state.is_over() {
            self.end.notify_all();
            let _ = self.call_to_leave(&mut state).unpark();
            self.callback_threads.close();
        }
        state
    }

    /// Stops accepting tasks.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.phase = state.phase.max(Phase::Closed);
        drop(self.look_for_the_end(state));
    }

    /// Cancels all queued jobs.
    pub(super) fn cancel_queued(self: &Arc<Self>) {
        self.lock().phase = Phase::Cancelling;
        self.refuse_queued(&self.counts.cancelled, || Kind::Cancelled);
    }

    /// Breaks the pool, because the initializer failed on a thread: nothing runs any more.
    pub(super) fn break_down(self: &Arc<Self>, reason: &str) {
        let reason: Arc<str> = reason.into();
        let first = self.lock().broken.get_or_insert_with(|| reason.clone()).clone();
        // Each thread may fail; only the first one is reported.
        if Arc::ptr_eq(&first, &reason) {
            self.within(|| tracing::error!(pool = self.settings.name, %reason, "pool is broken"));
        }
        self.refuse_queued(&self.counts.failed, || Kind::Broken(reason.clone()));
    }

    fn refuse_queued(self: &Arc<Self>, counter: &AtomicU64, why: impl Fn() -> Kind) {
        let mut state = self.lock();
        let queue = std::mem::take(&mut state.queue);
        let delayed = std::mem::take(&mut state.delayed.jobs);
        let jobs: Vec<_> = queue.into_iter().chain(delayed.into_values()).collect();
        for job in &jobs {
            if job.is_over() {
                self.count_over(job);
            } else {
                count(counter, job.calls());
            }
        }
        drop(state);
        for job in jobs {
            self.within(|| job.refuse(why()));
            self.ended();
        }
    }

    /// Waits until every job has ended and the threads have left, or until `deadline`. False: the deadline
    /// passed. Call it after [`close`](Self::close).
    pub(super) fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut state = self.lock();
        while state.unended > 0 || state.threads.living() > 0 {
            let Some(deadline) = deadline else {
                state = self.end.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.end.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Joins the threads, which only run the destructors of their thread-locals now.
    pub(super) fn join(&self) {
        let threads = self.lock().threads.take_handles();
        // One of them may drop the pool.
        let me = std::thread::current().id();
        let others = threads.into_iter().filter(|thread| thread.thread().id() != me);
        // A pool thread catches the panics of what it runs.
        others.for_each(|thread| drop(thread.join()));
        self.callback_threads.join();
    }

    /// Changes how many threads there may be.
    pub(super) fn resize(self: &Arc<Self>, workers: usize) {
        let mut state = self.lock();
        state.threads.set_most(workers);
        let too_many = self.call_to_leave(&mut state);
        let call = self.call(&mut state);
        drop(state);
        let _ = too_many.unpark();
        self.wake(call);
    }

    pub(super) fn stats(&self) -> Stats {
        if self.is_copy() {
            return Stats::default();
        }
        let state = self.lock();
        // Jobs that were cancelled or missed their queue deadline stay in the queue until their turn.
        let calls = |over: bool, cancelled: bool| -> u64 {
            let jobs = state.queue.iter().chain(state.delayed.jobs.values());
            let those = jobs.filter(|job| (job.is_over(), job.is_cancelled()) == (over, cancelled));
            those.map(|job| job.calls() as u64).sum()
        };
        // Relaxed: counters.
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut stats = Stats::default();
        stats.queued = calls(false, false);
        stats.running = state.running;
        stats.done = read(&self.counts.done);
        stats.failed = read(&self.counts.failed) + calls(true, false);
        stats.cancelled = read(&self.counts.cancelled) + calls(true, true);
        stats.retried = read(&self.counts.retried);
        stats
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {} threads", self.settings.name, self.workers())
    }
}
