//! [`SocketExecutor`]: the type, and what it implements of [`horsepower::backend`].

use super::shared::{Job, Seat, Shared, State};
use horsepower::backend::{Backend, Capability, Carrier, Control, Failure, Message, MessageRunner};
use horsepower::{Error, ShutdownOptions, Stats, WorkerStats};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// Runs tasks in other processes of this program, which it reaches through Unix sockets.
#[derive(Debug)]
pub struct SocketExecutor {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
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
