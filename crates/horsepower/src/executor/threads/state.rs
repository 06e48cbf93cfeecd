//! [`State`]: what the lock of a thread pool guards.
//!
//! Owned by [`super::pool`]; changed there, in `run` and in `retry`.

use super::job::Job;
use super::roster::Roster;
use crate::error::Kind;
use horsepower_core::prune::{self, PruneLimit};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// How many jobs are queued before cancelled ones are looked for.
const PRUNE: usize = 64;

/// See the module.
pub(super) struct State {
    pub(super) queue: VecDeque<Job>,
    pub(super) threads: Roster,
    /// Jobs that wait for the time of their next try.
    pub(super) delayed: Delayed,
    /// A thread could not be started; the timer will retry.
    pub(super) starts_again: bool,
    /// When to look for cancelled jobs in the queue.
    prune: PruneLimit,
    pub(super) phase: Phase,
    /// Why the initializer has failed, if it has.
    pub(super) broken: Option<Arc<str>>,
    pub(super) running: u64,
    /// Jobs that have not ended: queued, running, or waiting for their next try.
    pub(super) unended: usize,
}

/// How far the pool is. It only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Jobs are accepted.
    Open,
    /// New jobs are refused; queued ones still run.
    Closed,
    /// New jobs are refused, and queued ones do not run either.
    Cancelling,
}

/// Jobs that wait for the time of their next try, by their numbers.
#[derive(Default)]
pub(super) struct Delayed {
    pub(super) jobs: HashMap<u64, Job>,
    count: u64,
}

impl Delayed {
    /// Keeps a job, and returns its number.
    pub(super) fn insert(&mut self, job: Job) -> u64 {
        self.count += 1;
        self.jobs.insert(self.count, job);
        self.count
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Job> {
        self.jobs.remove(&number)
    }

    pub(super) fn contains(&self, number: u64) -> bool {
        self.jobs.contains_key(&number)
    }
}

impl State {
    pub(super) fn new(workers: usize) -> State {
        State {
            queue: VecDeque::new(),
            threads: Roster::new(workers),
            delayed: Delayed::default(),
            starts_again: false,
            prune: PruneLimit::new(PRUNE),
            phase: Phase::Open,
            broken: None,
            running: 0,
            unended: 0,
        }
    }

    /// True if no job is left and none can come.
    pub(super) fn is_over(&self) -> bool {
        self.phase > Phase::Open && self.unended == 0
    }

    /// Why a new job is refused, if it is.
    pub(super) fn refusal(&self) -> Option<Kind> {
        match &self.broken {
            Some(reason) => Some(Kind::Broken(reason.clone())),
            None => (self.phase > Phase::Open).then_some(Kind::Shutdown),
        }
    }

    /// Why an accepted job does not start any more, if that is so.
    pub(super) fn no_start(&self) -> Option<Kind> {
        match &self.broken {
            Some(reason) => Some(Kind::Broken(reason.clone())),
            None => (self.phase == Phase::Cancelling).then_some(Kind::Cancelled),
        }
    }

    /// Takes out cancelled jobs, once there may be many: else they would keep their memory until their
    /// turn comes.
    pub(super) fn remove_dead(&mut self) -> Vec<Job> {
        if !self.prune.is_reached(self.queue.len()) {
            return Vec::new();
        }
        let dead = prune::split(&mut self.queue, Job::is_over);
        self.prune.pruned(self.queue.len());
        dead
    }
}
