//! The tasks of a thread pool: those that wait, how many there are, and who runs them.
//!
//! The threads are those of tokio's blocking pool. Each job that is queued here asks it for one run;
//! a run takes the first job of the queue, if there still is one. So what waits can be cancelled.

use crate::error::Kind;
use horsepower_core::stats::Stats;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::runtime::Handle;

/// Something that is to be done on a thread of the pool.
pub(super) trait Job: Send {
    /// Does it.
    fn run(self: Box<Self>, pool: &Arc<Pool>);
    /// How many calls it is.
    fn calls(&self) -> usize {
        1
    }
    /// True if it has ended, and will do nothing.
    fn is_over(&self) -> bool;
    /// True if that is because it was cancelled.
    fn is_cancelled(&self) -> bool;
    /// It will never be done, and why.
    fn refuse(self: Box<Self>, kind: Kind);
}

/// What the executor and its threads share.
pub(super) struct Pool {
    pub(super) handle: Handle,
    pub(super) workers: usize,
    pub(super) counts: Counts,
    state: Mutex<State>,
    idle: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Box<dyn Job>>,
    /// Jobs that wait for the time of their next try.
    delayed: HashMap<u64, Box<dyn Job>>,
    delays: u64,
    /// So many jobs in the queue, and those that were cancelled are looked for.
    prune_at: usize,
    closed: bool,
    /// What has not begun is not to begin any more.
    cancelling: bool,
    /// Runs that were asked for and have not begun.
    asked: usize,
    /// The initializer has failed, and how.
    broken: Option<Arc<str>>,
    running: u64,
    /// Jobs that have not ended: queued, running, or waiting for their next try.
    unended: usize,
}

impl State {
    /// Why nothing begins any more, if that is so.
    fn refusal(&self) -> Option<Kind> {
        match &self.broken {
            Some(reason) => Some(Kind::Broken(reason.clone())),
            None => self.cancelling.then_some(Kind::Cancelled),
        }
    }

    /// Takes out what was cancelled, once there may be much of it: else it would keep its memory until
    /// its turn comes.
    fn remove_dead(&mut self) -> Vec<Box<dyn Job>> {
        if self.queue.len() <= self.prune_at {
            return Vec::new();
        }
        let jobs = std::mem::take(&mut self.queue);
        let (dead, living) = jobs.into_iter().partition(|job| job.is_over());
        let living: VecDeque<Box<dyn Job>> = living;
        self.prune_at = PRUNE.max(2 * living.len());
        self.queue = living;
        Vec::from(dead)
    }
}

/// So many jobs wait before those that were cancelled are looked for.
const PRUNE: usize = 64;

/// Calls that have ended.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) done: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) cancelled: AtomicU64,
    pub(super) retried: AtomicU64,
}

pub(super) fn count(counter: &AtomicU64, calls: usize) {
    // Relaxed: only numbers.
    counter.fetch_add(calls as u64, Ordering::Relaxed);
}

thread_local! {
    /// The pools whose jobs or callbacks run on this thread, each within the one before.
    static WITHIN: RefCell<Vec<*const Pool>> = const { RefCell::new(Vec::new()) };
}

impl Pool {
    pub(super) fn new(handle: Handle, workers: usize) -> Pool {
        let state = Mutex::default();
        Pool { handle, workers, counts: Counts::default(), state, idle: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True on a thread of this pool, and in a callback that it calls elsewhere.
    pub(super) fn is_here(self: &Arc<Self>) -> bool {
        WITHIN.with_borrow(|pools| pools.contains(&Arc::as_ptr(self)))
    }

    /// Calls something that may call code of the user: what that asks of this pool is not to wait for
    /// this very thread.
    pub(super) fn within(self: &Arc<Self>, call: impl FnOnce()) {
        WITHIN.with_borrow_mut(|pools| pools.push(Arc::as_ptr(self)));
        // A `Drop` of the user's may panic; the counts have to stay right.
        let _ = horsepower_core::panic::catch(call);
        WITHIN.with_borrow_mut(Vec::pop);
    }

    /// Queues a job, or refuses it.
    pub(super) fn submit(self: &Arc<Self>, job: Box<dyn Job>) {
        let mut state = self.lock();
        let refusal = match &state.broken {
            Some(reason) => Some(Kind::Broken(reason.clone())),
            None => state.closed.then_some(Kind::Shutdown),
        };
        if let Some(kind) = refusal {
            drop(state);
            return job.refuse(kind);
        }
        state.unended += 1;
        state.queue.push_back(job);
        let dead = state.remove_dead();
        drop(state);
        for job in dead {
            self.count_over(&*job);
            self.within(|| drop(job));
            self.ended();
        }
        self.ask_for_a_run();
    }

    /// Counts a job that has ended without a run.
    pub(super) fn count_over(&self, job: &dyn Job) {
        let cancelled = job.is_cancelled();
        count(if cancelled { &self.counts.cancelled } else { &self.counts.failed }, job.calls());
    }

    /// Why nothing begins any more, if that is so.
    pub(super) fn refusal(&self) -> Option<Kind> {
        self.lock().refusal()
    }

    /// A job that runs will be queued again, and has not ended till then.
    pub(super) fn hold(&self) {
        self.lock().unended += 1;
    }

    /// Queues a job that was [held](Self::hold), or a part of one that runs.
    pub(super) fn submit_held(self: &Arc<Self>, job: Box<dyn Job>) {
        let mut state = self.lock();
        if let Some(kind) = state.refusal() {
            drop(state);
            self.within(|| job.refuse(kind));
            return self.ended();
        }
        state.queue.push_back(job);
        drop(state);
        self.ask_for_a_run();
    }

    /// Keeps a job that runs until it is [released](Self::release), or until what this returns is
    /// dropped.
    pub(super) fn delay(self: &Arc<Self>, job: Box<dyn Job>) -> Delayed {
        let mut state = self.lock();
        state.unended += 1;
        state.delays += 1;
        let number = state.delays;
        state.delayed.insert(number, job);
        Delayed { pool: self.clone(), number }
    }

    /// True if the job was delayed, and still is.
    pub(super) fn is_delayed(&self, number: u64) -> bool {
        self.lock().delayed.contains_key(&number)
    }

    /// Queues a job that was delayed, if it still is.
    pub(super) fn release(self: &Arc<Self>, number: u64) {
        let job = self.lock().delayed.remove(&number);
        if let Some(job) = job {
            self.submit_held(job);
        }
    }

    fn ask_for_a_run(self: &Arc<Self>) {
        {
            let mut state = self.lock();
            // Enough for all that waits: what was cancelled needs no run.
            if state.asked >= state.queue.len() {
                return;
            }
            state.asked += 1;
        }
        let pool = self.clone();
        let spawned = horsepower_core::panic::catch(|| {
            self.handle.spawn_blocking(move || pool.run_one());
        });
        if let Err(panic) = spawned {
            // tokio says in this way that the system gives no first thread.
            let source = std::io::Error::other(panic.message);
            let mut state = self.lock();
            state.asked -= 1;
            let job = state.queue.pop_back();
            drop(state);
            if let Some(job) = job {
                job.refuse(Kind::System { doing: "start a thread", source });
                self.ended();
            }
        }
    }

    fn run_one(self: &Arc<Self>) {
        let mut state = self.lock();
        state.asked -= 1;
        let Some(job) = state.queue.pop_front() else { return };
        state.running += 1;
        drop(state);
        self.within(|| job.run(self));
        self.lock().running -= 1;
        self.ended();
    }

    pub(super) fn ended(&self) {
        let mut state = self.lock();
        state.unended -= 1;
        if state.unended == 0 && state.closed {
            self.idle.notify_all();
        }
    }

    /// Takes no more tasks.
    pub(super) fn close(&self) {
        self.lock().closed = true;
    }

    /// Cancels what is queued.
    pub(super) fn cancel_queued(self: &Arc<Self>) {
        self.lock().cancelling = true;
        self.refuse_queued(&self.counts.cancelled, || Kind::Cancelled);
    }

    /// The initializer has failed on a thread: nothing runs any more.
    pub(super) fn break_down(self: &Arc<Self>, reason: &str) {
        let reason: Arc<str> = reason.into();
        self.lock().broken.get_or_insert(reason.clone());
        self.refuse_queued(&self.counts.failed, || Kind::Broken(reason.clone()));
    }

    fn refuse_queued(self: &Arc<Self>, counter: &AtomicU64, why: impl Fn() -> Kind) {
        let mut state = self.lock();
        let queue = std::mem::take(&mut state.queue);
        let delayed = std::mem::take(&mut state.delayed);
        drop(state);
        for job in queue.into_iter().chain(delayed.into_values()) {
            count(counter, job.calls());
            self.within(|| job.refuse(why()));
            self.ended();
        }
    }

    /// Waits until every job has ended, no longer than until `deadline`. False: it was too late.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut state = self.lock();
        while state.unended > 0 {
            let Some(deadline) = deadline else {
                state = self.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.idle.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    pub(super) fn stats(&self) -> Stats {
        let state = self.lock();
        // What was cancelled, or was too late, stays in the queue until its turn comes.
        let calls = |over: bool, cancelled: bool| -> u64 {
            let jobs = state.queue.iter().chain(state.delayed.values());
            let those = jobs.filter(|job| (job.is_over(), job.is_cancelled()) == (over, cancelled));
            those.map(|job| job.calls() as u64).sum()
        };
        // Relaxed: only numbers.
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

/// A job that waits for the time of its next try. Dropping it is the end of the job.
pub(super) struct Delayed {
    pool: Arc<Pool>,
    number: u64,
}

impl Delayed {
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Delayed {
    fn drop(&mut self) {
        let job = self.pool.lock().delayed.remove(&self.number);
        if job.is_some() {
            drop(job);
            count(&self.pool.counts.cancelled, 1);
            self.pool.ended();
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} threads", self.workers)
    }
}
