//! The tasks of a thread pool: those that wait, and how many there are. Who runs them is [`super::crew`].

use super::crew::{Crew, Manner};
use crate::error::Kind;
use horsepower_core::stats::Stats;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

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
    pub(super) manner: Manner,
    pub(super) counts: Counts,
    state: Mutex<State>,
    /// There is a job in the queue, or none will come any more.
    pub(super) work: Condvar,
    /// The last job has ended, after the pool was closed.
    end: Condvar,
    /// The threads, those too that have just left. Whoever joins them holds it meanwhile.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) queue: VecDeque<Box<dyn Job>>,
    pub(super) crew: Crew,
    /// Jobs that wait for the time of their next try.
    delayed: HashMap<u64, Box<dyn Job>>,
    delays: u64,
    /// So many jobs in the queue, and those that were cancelled are looked for.
    prune_at: usize,
    pub(super) closed: bool,
    /// What has not begun is not to begin any more.
    cancelling: bool,
    /// The initializer has failed, and how.
    broken: Option<Arc<str>>,
    pub(super) running: u64,
    /// Jobs that have not ended: queued, running, or waiting for their next try.
    pub(super) unended: usize,
}

impl State {
    /// True if nothing is left to be done, now and later.
    pub(super) fn is_over(&self) -> bool {
        self.closed && self.unended == 0
    }

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
    pub(super) fn new(manner: Manner, workers: usize) -> Pool {
        let state = State { crew: Crew::new(workers), ..State::default() };
        Pool {
            manner,
            counts: Counts::default(),
            state: Mutex::new(state),
            work: Condvar::new(),
            end: Condvar::new(),
            threads: Mutex::default(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Most threads at a time.
    pub(super) fn workers(&self) -> usize {
        self.lock().crew.most
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
        self.see_to_it();
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
        self.see_to_it();
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

    pub(super) fn ended(&self) {
        self.ended_under(&mut self.lock());
    }

    pub(super) fn ended_under(&self, state: &mut State) {
        state.unended -= 1;
        self.look_for_the_end(state);
    }

    fn look_for_the_end(&self, state: &State) {
        if state.is_over() {
            self.end.notify_all();
            self.work.notify_all();
        }
    }

    /// Takes no more tasks.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.look_for_the_end(&state);
    }

    /// Cancels what is queued.
    pub(super) fn cancel_queued(self: &Arc<Self>) {
        self.lock().cancelling = true;
        self.refuse_queued(&self.counts.cancelled, || Kind::Cancelled);
    }

    /// The initializer has failed on a thread: nothing runs any more.
    pub(super) fn break_down(self: &Arc<Self>, reason: &str) {
        let reason: Arc<str> = reason.into();
        let first = self.lock().broken.get_or_insert_with(|| reason.clone()).clone();
        // Each thread may fail, and once is enough to tell.
        if Arc::ptr_eq(&first, &reason) {
            tracing::error!(pool = self.manner.name, %reason, "pool is broken");
        }
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

    /// Keeps a thread, to join it at the end.
    pub(super) fn keep(&self, thread: JoinHandle<()>) {
        let mut threads = self.threads();
        let left: Vec<_> = threads.extract_if(.., |thread| thread.is_finished()).collect();
        threads.push(thread);
        drop(threads);
        left.into_iter().for_each(join);
    }

    /// Waits until the threads have left; to be called when every job has ended, and no more can come.
    pub(super) fn join(&self) {
        self.threads().drain(..).for_each(join);
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes how many threads there may be.
    pub(super) fn resize(self: &Arc<Self>, workers: usize) {
        self.lock().crew.most = workers;
        // Those that are too many leave; and there may be work for more than there were.
        self.work.notify_all();
        for _ in 0..workers {
            self.see_to_it();
        }
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

fn join(thread: JoinHandle<()>) {
    // A thread of a pool catches the panics of what it runs.
    let _ = thread.join();
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
        write!(f, "{}, {} threads", self.manner.name, self.workers())
    }
}
