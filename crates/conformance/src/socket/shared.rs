//! What the executor and the threads of its agents share: the queue, and what each agent runs.
//!
//! One thread for each agent takes a job, sends it as a request, and passes the answers on.

use super::agent::Agent;
use super::frame::{Answer, Request};
use horsepower::backend::{Callbacks, Cause, Control, Death, Failure, Reply, TaskState, arguments};
use horsepower::{Error, Restart, ShutdownOptions};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::io::BufReader;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// See the module.
pub(super) struct Shared {
    pub(super) workers: usize,
    pub(super) folder: TempDir,
    pub(super) state: Mutex<State>,
    pub(super) changed: Condvar,
}

/// What is under the lock.
#[derive(Default)]
pub(super) struct State {
    pub(super) queue: VecDeque<Job>,
    pub(super) agents: Vec<Seat>,
    pub(super) jobs: u64,
    /// Jobs whose ends have not been told, callbacks included.
    pub(super) unended: usize,
    pub(super) closed: bool,
    pub(super) cancelling: bool,
    pub(super) done: u64,
    pub(super) failed: u64,
    pub(super) cancelled: u64,
    pub(super) restarts: Vec<Restart>,
}

/// What is known of one agent and what it runs.
#[derive(Default)]
pub(super) struct Seat {
    pub(super) agent: Option<Arc<Agent>>,
    /// The job that it runs, and how many of its calls have no answer.
    pub(super) job: Option<(u64, Arc<Reply>, u32)>,
    /// The job is to be killed.
    pub(super) killed: bool,
    /// Its thread has ended.
    pub(super) gone: bool,
    pub(super) tasks: u64,
}

/// A message, or what is left of it.
pub(super) struct Job {
    pub(super) number: u64,
    pub(super) entry: Vec<u8>,
    pub(super) framed: bool,
    pub(super) payload: Vec<u8>,
    /// The first item without an answer, and how many there are.
    pub(super) next: u32,
    pub(super) items: u32,
    pub(super) reply: Arc<Reply>,
}

thread_local! {
    /// The executors whose callbacks run on this thread.
    static INSIDE: RefCell<Vec<*const Shared>> = const { RefCell::new(Vec::new()) };
}

impl Control for Shared {
    fn cancel(&self, task: &TaskState, answer: &mut dyn FnMut()) -> bool {
        let mut state = self.lock();
        let queued = state.queue.iter().position(|job| job.number == task.word());
        match queued.filter(|&place| state.queue[place].next == 0) {
            Some(place) => {
                let job = state.queue.remove(place);
                state.cancelled += 1;
                drop(state);
                self.inside(answer);
                drop(job);
                self.ended(1);
                true
            }
            None => {
                // What is left of it is handed back.
                task.set_stopped();
                state.agents.iter().for_each(|seat| seat.stop(|job| job == task.word()));
                false
            }
        }
    }

    fn kill(&self, task: &TaskState) -> bool {
        let mut state = self.lock();
        let runs = |seat: &&mut Seat| seat.job.as_ref().is_some_and(|job| job.0 == task.word());
        let Some(seat) = state.agents.iter_mut().find(runs) else { return false };
        seat.kill();
        true
    }

    fn is_running(&self, task: &TaskState) -> bool {
        let state = self.lock();
        state.agents.iter().any(|seat| seat.job.as_ref().is_some_and(|job| job.0 == task.word()))
    }
}

impl Seat {
    /// Stops the agent if it runs such a job.
    fn stop(&self, which: impl Fn(u64) -> bool) {
        if let (Some(agent), Some((number, ..))) = (&self.agent, &self.job)
            && which(*number)
        {
            agent.set_stopped(true);
        }
    }

    fn kill(&mut self) {
        self.killed = true;
        if let Some(agent) = &self.agent {
            let _ = agent.process.kill();
        }
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_inside(&self) -> bool {
        INSIDE.with_borrow(|inside| inside.contains(&std::ptr::from_ref(self)))
    }

    /// Does something that runs code of the user.
    fn inside(&self, call: impl FnOnce()) {
        INSIDE.with_borrow_mut(|inside| inside.push(self));
        call();
        INSIDE.with_borrow_mut(|inside| inside.pop());
    }

    pub(super) fn start_agent(&self, number: usize) -> Result<Arc<Agent>, Error> {
        let path = self.folder.path().join(number.to_string());
        Agent::start(&format!("socket_{number}"), &path).map(Arc::new)
    }

    /// What the thread of one agent does.
    pub(super) fn serve(self: Arc<Self>, number: usize) {
        while let Some((job, agent)) = self.next_job(number) {
            self.run(number, job, &agent);
        }
        let mut state = self.lock();
        let agent = state.agents[number].agent.take();
        drop(state);
        // It ends when its socket is closed, and is waited for.
        if let Some(agent) = agent.and_then(Arc::into_inner) {
            drop(agent.stream);
            drop(agent.process);
        }
        self.lock().agents[number].gone = true;
        self.changed.notify_all();
    }

    fn next_job(self: &Arc<Self>, number: usize) -> Option<(Job, Arc<Agent>)> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                if state.cancelling || job.reply.task_state().is_stopped() {
                    drop(state);
                    self.fail_rest(job, Failure::Cancelled);
                    state = self.lock();
                    continue;
                }
                let seat = &mut state.agents[number];
                seat.job = Some((job.number, job.reply.clone(), job.items - job.next));
                seat.killed = false;
                if let Some(agent) = seat.agent.clone() {
                    agent.set_stopped(false);
                    return Some((job, agent));
                }
                seat.job = None;
                drop(state);
                self.fail_rest(job, Failure::Broken("an agent cannot be started".into()));
                state = self.lock();
                continue;
            }
            if state.closed && state.unended == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Has the agent run the job, as far as it does.
    fn run(self: &Arc<Self>, number: usize, mut job: Job, agent: &Arc<Agent>) {
        let mut rest = &job.payload[..];
        for _ in 0..job.next {
            rest = after_first(rest);
        }
        let request =
            Request { entry: job.entry.clone(), framed: job.framed, payload: rest.to_vec() };
        let mut answers = BufReader::new(&agent.stream);
        let mut end = request.write(&mut &agent.stream).is_ok();
        while end && job.next < job.items {
            match Answer::read(&mut answers) {
                Ok(Answer::Item { nanos, record }) => {
                    job.reply.took(1, Duration::from_nanos(nanos));
                    let last = job.next + 1 == job.items;
                    self.count(number, last, record.first() == Some(&0));
                    let callbacks = job.reply.answer(job.next, &record);
                    job.next += 1;
                    self.have_called(callbacks);
                }
                Ok(Answer::End) => break,
                Err(_) => end = false,
            }
        }
        if end {
            if job.next == job.items && !matches!(Answer::read(&mut answers), Ok(Answer::End)) {
                // It has died after its last answer.
                self.replace(number, agent);
            }
        } else {
            let failure = self.replace(number, agent);
            if job.next < job.items {
                let killed = matches!(failure, Failure::Killed { .. });
                let mut state = self.lock();
                state.agents[number].job = None;
                if killed {
                    state.cancelled += 1
                } else {
                    state.failed += 1
                }
                drop(state);
                let callbacks = job.reply.fail(job.next, failure);
                job.next += 1;
                self.have_called(callbacks);
            }
        }
        let mut state = self.lock();
        let seat = &mut state.agents[number];
        (seat.job, seat.tasks) = (None, seat.tasks + 1);
        if seat.killed {
            // The job has ended just before that; the agent must not get another.
            drop(state);
            self.replace(number, agent);
            state = self.lock();
        }
        if job.next == job.items {
            drop(state);
            self.ended(1);
        } else {
            state.queue.push_front(job);
            drop(state);
            self.changed.notify_all();
        }
    }

    /// Counts an answer before anybody can see it.
    fn count(&self, number: usize, last: bool, returned: bool) {
        let mut state = self.lock();
        if returned {
            state.done += 1
        } else {
            state.failed += 1
        }
        let seat = &mut state.agents[number];
        if last {
            seat.job = None;
        } else if let Some(job) = &mut seat.job {
            job.2 -= 1;
        }
    }

    /// Starts another agent in place of one that has died. How it has died, as the failure of its job.
    fn replace(&self, number: usize, agent: &Arc<Agent>) -> Failure {
        let pid = agent.process.pid().unwrap_or_default();
        let error = agent.process.join().err();
        let cause = match &error {
            Some(error) => match (error.signal(), error.exit_code()) {
                (Some(signal), _) => Cause::Signal(signal),
                (_, Some(code)) => Cause::Exit(code),
                _ => Cause::Unknown,
            },
            None => Cause::Exit(0),
        };
        let death = Death::new(pid, cause);
        let new = self.start_agent(number).ok();
        let mut state = self.lock();
        state.restarts.push(Restart::new(pid, death.to_string()));
        let seat = &mut state.agents[number];
        seat.agent = new;
        if std::mem::take(&mut seat.killed) {
            Failure::Killed { pid }
        } else {
            Failure::Died(death)
        }
    }

    /// None of the job's items that have no answer will have one.
    fn fail_rest(self: &Arc<Self>, job: Job, failure: Failure) {
        let calls = u64::from(job.items - job.next);
        let mut state = self.lock();
        match failure {
            Failure::Cancelled => state.cancelled += calls,
            _ => state.failed += calls,
        }
        drop(state);
        for item in job.next..job.items {
            let callbacks = job.reply.fail(item, failure.clone());
            self.have_called(callbacks);
        }
        drop(job);
        self.ended(1);
    }

    /// Has callbacks called on a thread of their own, where they may take their time.
    fn have_called(self: &Arc<Self>, callbacks: Option<Callbacks>) {
        let Some(callbacks) = callbacks else { return };
        self.lock().unended += 1;
        let shared = self.clone();
        thread::spawn(move || {
            shared.inside(|| callbacks.call());
            shared.ended(1);
        });
    }

    fn ended(&self, jobs: usize) {
        self.lock().unended -= jobs;
        self.changed.notify_all();
    }

    /// Takes no more tasks, and sees to those that are there as `how` says.
    pub(super) fn close(self: &Arc<Self>, how: ShutdownOptions) {
        let mut state = self.lock();
        state.closed = true;
        let mut cancelled = VecDeque::new();
        if how.cancels_queued() {
            state.cancelling = true;
            cancelled = std::mem::take(&mut state.queue);
            for seat in &state.agents {
                if let Some(job) = &seat.job {
                    job.1.task_state().set_stopped();
                }
                seat.stop(|_| true);
            }
        }
        if how.kills_running() {
            state.agents.iter_mut().filter(|seat| seat.job.is_some()).for_each(Seat::kill);
        }
        drop(state);
        self.changed.notify_all();
        for job in cancelled {
            self.fail_rest(job, Failure::Cancelled);
        }
    }

    /// Waits until nothing is left of it, no longer than until `deadline`. False: it was too late.
    pub(super) fn wait_for_end(&self, deadline: Option<Instant>) -> bool {
        let mut state = self.lock();
        while state.unended > 0 || !state.agents.iter().all(|seat| seat.gone) {
            let Some(deadline) = deadline else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// A framed payload without its first argument.
fn after_first(payload: &[u8]) -> &[u8] {
    let first = arguments(payload).next().map_or(0, |argument| 8 + argument.len());
    &payload[first..]
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shared({} workers)", self.workers)
    }
}
