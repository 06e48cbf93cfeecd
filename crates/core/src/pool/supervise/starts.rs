//! Starting the workers that are wanted, and the processes that were asked for.
//!
//! Part of the [`Supervisor`], on its thread: the kernel ends every worker with the thread that has started
//! it.

use super::supervisor::Supervisor;
use crate::lane::BLOCK_LEN;
use crate::launch::Launch;
use crate::pool::child::handle::WorkerHandle;
use crate::pool::child::process::ChildProcess;
use crate::pool::child::segments::Segment;
use crate::pool::child::start::{How, start};
use crate::pool::config::{Config, Method};
use crate::pool::delivery::outbox::Outbox;
use crate::pool::events::Event;
use crate::pool::schedule::schedule::{DedicatedStart, is_shortage};
use crate::pool::shared::Teller;
use crate::pool::task::Task;
use std::io;
use std::sync::Arc;

impl Supervisor {
    /// Starts the workers that tasks need now.
    pub(super) fn start_wanted(&self) {
        let Config { launch, initializer, method, limits, .. } = &self.shared.config;
        let mut outbox = Outbox::default();
        let mut schedule = self.shared.lock();
        while schedule.wanted_starts() > 0 && schedule.respawn.may_start() {
            let (serial, index) = (schedule.roster.next_serial(), schedule.roster.next_index());
            drop(schedule);
            let forks = matches!(method, Method::ForkServer(_));
            if forks && !self.has_fork_server(&mut outbox) {
                schedule = self.shared.lock();
                break;
            }
            // Only this thread adds workers, so the index stays free.
            let name = format!("{}_{index}", launch.name);
            let launch = Launch { name: name.clone(), ..launch.clone() };
            let mut server = self.fork_servers.current();
            let how = server.as_mut().map_or(How::Spawned, How::Forked);
            let started = start(self.reentry, &launch, initializer.as_deref(), how, serial);
            drop(server);
            // Without the lock: a worker that nobody can watch is killed, and waited for.
            let started = started.and_then(|mut worker| match self.listen_to(&worker) {
                Ok(()) => Ok(worker),
                Err(error) => {
                    worker.kill();
                    worker.process.reap();
                    Err(error)
                }
            });
            schedule = self.shared.lock();
            match started {
                Ok(mut worker) => {
                    schedule.log.add(Event::WorkerStarted { pid: worker.pid(), name });
                    if limits.idle.is_some() {
                        worker.history.keep_idle_time();
                    }
                    schedule.respawn.started();
                    schedule.roster.add(worker);
                    // The pool may have been made smaller while it was started.
                    schedule.retire_surplus();
                    // The first task can go into its lane while it starts.
                    self.shared.commit(schedule, Outbox::default(), Teller::Tellers);
                    schedule = self.shared.lock();
                }
                Err(error) => {
                    schedule.log.add(Event::WorkerNotStarted { error: error.to_string() });
                    if !is_shortage(&error) {
                        // If it is the fork server's fault, there will be another.
                        self.fork_servers.remove(&self.descriptors, &mut schedule);
                    }
                    schedule.not_started(&error, &mut outbox);
                }
            }
        }
        self.shared.commit(schedule, outbox, Teller::Tellers);
    }

    fn has_fork_server(&self, outbox: &mut Outbox) -> bool {
        self.fork_servers.is_ready(&self.shared, self.reentry, &self.descriptors, outbox)
    }

    /// From now on the descriptors tell of the worker's death and of its notes.
    fn listen_to(&self, worker: &WorkerHandle) -> io::Result<()> {
        self.descriptors.add(worker.serial, &worker.process, &worker.line.notes)
    }

    /// Starts the processes for one task each that were asked for.
    pub(super) fn start_dedicated(&self) {
        loop {
            let mut schedule = self.shared.lock();
            let Some(asked) = schedule.dedicated_starts.pop_front() else { return };
            let serial = schedule.roster.next_serial();
            drop(schedule);
            let DedicatedStart { launch, task, answer } = asked;
            // If nobody waits for the answer any more, the process runs all the same.
            let _ = answer.send(self.start_for(&launch, task, serial));
        }
    }

    fn start_for(&self, launch: &Launch, task: Task, serial: u64) -> io::Result<Arc<ChildProcess>> {
        let mut worker = start(self.reentry, launch, None, How::Dedicated, serial)?;
        let prepared =
            self.listen_to(&worker).and_then(|()| own_segment(&mut worker, task.argument()));
        let segment = prepared.inspect_err(|_| {
            worker.kill();
            worker.process.reap();
        })?;
        let (process, lane) = (worker.process.clone(), worker.lane.clone());
        self.shared.add_unresolved(1);
        let mut schedule = self.shared.lock();
        let index = schedule.roster.add(worker);
        schedule.put(index, task, segment);
        self.shared.commit(schedule, Outbox::default(), Teller::Tellers);
        lane.ring().leave();
        Ok(process)
    }
}

/// A segment with the argument, if it is too large for the lane. The lock is not held.
fn own_segment(worker: &mut WorkerHandle, argument: &[u8]) -> io::Result<Option<Segment>> {
    if argument.len() <= BLOCK_LEN {
        return Ok(None);
    }
    let segment = worker.segment(argument.len())?;
    segment.memory.write(0, argument);
    Ok(Some(segment))
}
