//! The caller's side: a queue, and a thread for each agent that sends it one request after the other.

use super::agent::Agent;
use super::frame::{Answer, Request};
use horsepower::backend::{
    Backend, Callbacks, Capability, Carrier, Cause, Control, Death, Failure, Message,
    MessageRunner, Reply, TaskState, arguments,
};
use horsepower::{Error, Restart, ShutdownOptions, Stats, WorkerStats};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::io::BufReader;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Runs tasks in other processes of this program, which it reaches through Unix sockets.
#[derive(Debug)]
pub struct SocketExecutor {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Shared {
    workers: usize,
    folder: TempDir,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    agents: Vec<Seat>,
    jobs: u64,
    /// Jobs whose ends have not been told, callbacks included.
    unended: usize,
    closed: bool,
    cancelling: bool,
    done: u64,
    failed: u64,
    cancelled: u64,
    restarts: Vec<Restart>,
}

/// What is known of one agent and what it runs.
#[derive(Default)]
struct Seat {
    agent: Option<Arc<Agent>>,
    /// The job that it runs, and how many of its calls have no answer.
    job: Option<(u64, Arc<Reply>, u32)>,
    /// The job is to be killed.
    killed: bool,
    /// Its thread has ended.
    gone: bool,
    tasks: u64,
}

/// A message, or what is left of it.
struct Job {
    number: u64,
    entry: Vec<u8>,
    framed: bool,
    payload: Vec<u8>,
    /// The first item without an answer, and how many there are.
    next: u32,
    items: u32,
    reply: Arc<Reply>,
}

thread_local! {
    /// The executors whose callbacks run on this thread.
    static INSIDE: RefCell<Vec<*const Shared>> = const { RefCell::new(Vec::new()) };
}

impl SocketExecutor {
    /// An executor with so many agents.
    ///
    /// # Errors
    /// If `workers` is 0, or the agents cannot be started.
    pub fn new(workers: usize) -> Result<SocketExecutor, Error> {
        if workers == 0 {
            return Err(Error::invalid("workers must be greater than 0"));
        }
        let folder =
            tempfile::tempdir().map_err(|source| Error::system("make a folder", source))?;
        let mut state = State::default();
        state.agents.resize_with(workers, Seat::default);
        let shared = Shared { workers, folder, state: Mutex::new(state), changed: Condvar::new() };
        let executor = SocketExecutor { shared: Arc::new(shared), threads: Mutex::new(Vec::new()) };
        for number in 0..workers {
            let agent = executor.shared.start_agent(number)?;
            executor.shared.lock().agents[number].agent = Some(agent);
        }
        for number in 0..workers {
            let shared = executor.shared.clone();
            let thread = thread::spawn(move || shared.serve(number));
            executor.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        Ok(executor)
    }
}

impl MessageRunner for SocketExecutor {
    fn start(&self, message: Message) {
        let entry = match message.entry.encode() {
            Ok(entry) => entry.to_vec(),
            Err(why) => return drop(message.reply.fail_all(&Failure::NotSent(why))),
        };
        let mut state = self.shared.lock();
        if state.closed {
            drop(state);
            return drop(message.reply.fail_all(&Failure::Shutdown));
        }
        state.jobs += 1;
        state.unended += 1;
        let number = state.jobs;
        message.reply.task_state().set_word(number);
        state.queue.push_back(Job {
            number,
            entry,
            framed: message.items.is_some(),
            payload: message.payload.bytes().to_vec(),
            next: 0,
            items: message.reply.items(),
            reply: Arc::new(message.reply),
        });
        drop(state);
        self.shared.changed.notify_all();
    }
}

impl Backend for SocketExecutor {
    fn carrier(&self) -> Carrier<'_> {
        Carrier::Messages(self)
    }

    fn parallelism(&self) -> usize {
        self.shared.workers
    }

    fn snapshot(&self) -> Stats {
        let state = self.shared.lock();
        let mut stats = Stats::default();
        let running = state.agents.iter().filter_map(|seat| seat.job.as_ref());
        stats.running = running.clone().count() as u64;
        let waiting: u64 = state.queue.iter().map(|job| u64::from(job.items - job.next)).sum();
        let begun: u64 = running.map(|job| u64::from(job.2)).sum();
        stats.queued = (waiting + begun).saturating_sub(stats.running);
        (stats.done, stats.failed, stats.cancelled) = (state.done, state.failed, state.cancelled);
        for (number, seat) in state.agents.iter().enumerate() {
            let Some(pid) = seat.agent.as_ref().and_then(|agent| agent.process.pid()) else {
                continue;
            };
            let mut worker = WorkerStats::new(format!("socket_{number}"), pid);
            worker.ready = true;
            worker.in_flight = usize::from(seat.job.is_some());
            worker.tasks = seat.tasks;
            stats.workers.push(worker);
        }
        stats.restarts = state.restarts.len() as u64;
        stats.last_restarts = state.restarts.iter().rev().cloned().collect();
        stats
    }

    fn can(&self, _what: Capability) -> bool {
        false
    }

    fn is_inside(&self) -> bool {
        self.shared.is_inside()
    }

    fn control(&self) -> Option<Arc<dyn Control>> {
        Some(self.shared.clone())
    }

    fn stop(&self, how: ShutdownOptions) -> Result<(), Error> {
        self.shared.close(how);
        if !how.waits() {
            return Ok(());
        }
        if self.shared.is_inside() {
            return Err(Error::invalid(
                "it cannot wait for its own shutdown in one of its own callbacks",
            ));
        }
        let deadline = how.wait_limit().and_then(|limit| Instant::now().checked_add(limit));
        if !self.shared.wait_for_end(deadline) {
            return Err(Error::shutdown_timed_out());
        }
        for thread in self.threads.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            thread.join().expect("an agent's thread does not panic");
        }
        Ok(())
    }
}

impl Drop for SocketExecutor {
    fn drop(&mut self) {
        let _ = self.stop(ShutdownOptions::new());
    }
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
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_inside(&self) -> bool {
        INSIDE.with_borrow(|inside| inside.contains(&std::ptr::from_ref(self)))
    }

    /// Does something that runs code of the user.
    fn inside(&self, call: impl FnOnce()) {
        INSIDE.with_borrow_mut(|inside| inside.push(self));
        call();
        INSIDE.with_borrow_mut(|inside| inside.pop());
    }

    fn start_agent(&self, number: usize) -> Result<Arc<Agent>, Error> {
        let path = self.folder.path().join(number.to_string());
        Agent::start(&format!("socket_{number}"), &path).map(Arc::new)
    }

    /// What the thread of one agent does.
    fn serve(self: Arc<Self>, number: usize) {
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
        let death = Death { pid, cause };
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
    fn close(self: &Arc<Self>, how: ShutdownOptions) {
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
    fn wait_for_end(&self, deadline: Option<Instant>) -> bool {
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
