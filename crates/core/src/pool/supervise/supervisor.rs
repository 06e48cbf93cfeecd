//! The supervisor: the thread that starts workers, sees them die, and does what is due.
//!
//! Started with the pool and ended with its last worker. It sleeps in [`Descriptors::wait`]; the other
//! threads of the pool call it with `Shared::poke`. The kernel ends every worker with this thread.

use super::descriptors::{Descriptors, News};
use super::fork_servers::ForkServers;
use crate::death::Death;
use crate::pool::child::handle::Kind;
use crate::pool::delivery::outbox::Outbox;
use crate::pool::events::Event;
use crate::pool::schedule::schedule::Schedule;
use crate::pool::shared::{Shared, Teller};
use crate::worker::init::Reentry;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a supervisor that has failed looks whether everything was told.
const LOOK_EVERY: Duration = Duration::from_millis(5);

pub(crate) struct Supervisor {
    pub(super) shared: Arc<Shared>,
    pub(super) reentry: &'static Reentry,
    pub(super) descriptors: Descriptors,
    pub(super) fork_servers: ForkServers,
}

impl Supervisor {
    pub(crate) fn new(shared: Arc<Shared>, reentry: &'static Reentry) -> io::Result<Supervisor> {
        let descriptors = Descriptors::new(&shared.event)?;
        Ok(Supervisor { shared, reentry, descriptors, fork_servers: ForkServers::default() })
    }

    /// Supervises until the pool has been shut down and every worker is gone. Should this thread
    /// itself fail, nobody is left waiting: the pool is broken and says so.
    pub(crate) fn run(self) {
        let failed = match crate::wire::panic::catch(|| self.supervise()) {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(panic) => {
                Some(format!("{} at {}", panic.message, panic.location.unwrap_or_default()))
            }
        };
        if let Some(failed) = failed {
            self.shared.break_down(&format!("its supervisor failed: {failed}"));
            let workers = self.shared.lock().roster.take_all();
            for mut worker in workers {
                worker.kill();
                worker.process.reap();
            }
        }
        // Nobody else looks after the threads that tell of ends and call callbacks. Something is left for them
        // only if this thread has failed.
        while !self.shared.all_resolved() {
            let look = self.shared.check_callback_threads();
            let pause = look.map(|at| at.saturating_duration_since(Instant::now()));
            std::thread::sleep(pause.unwrap_or(LOOK_EVERY));
        }
        self.shared.callback_threads.close();
        self.shared.tellers.close();
        self.shared.lock().supervisor_ended = true;
        self.shared.idle.notify_all();
    }

    fn supervise(&self) -> io::Result<()> {
        loop {
            self.fork_servers.reap_ended();
            self.start_dedicated();
            self.start_wanted();
            self.do_due();
            self.check_callback_threads();
            if self.has_finished() {
                return Ok(());
            }
            self.wait()?;
        }
    }

    /// True if the pool has been shut down and nothing is left of it.
    fn has_finished(&self) -> bool {
        let schedule = self.shared.lock();
        self.shared.is_closing() && self.shared.all_resolved() && schedule.roster.is_empty()
    }

    /// Sleeps until something happens or is due, and sees to what has happened.
    fn wait(&self) -> io::Result<()> {
        let next_due = self.shared.lock().next_due();
        let all_news = self.descriptors.wait(next_due)?;
        let mut outbox = Outbox::default();
        let mut schedule = self.shared.lock();
        for news in all_news {
            if self.fork_servers.hear(news, &self.descriptors, &mut schedule, &mut outbox) {
                continue;
            }
            match news {
                News::Called => {
                    let _ = rustix::io::read(&self.shared.event, &mut [0; 8]);
                }
                News::Died(serial) => {
                    if let Some(index) = schedule.roster.index_of(serial) {
                        self.worker_died(&mut schedule, index, &mut outbox);
                    }
                }
                News::Said(serial) => {
                    let index = schedule.roster.index_of(serial);
                    let worker = index.and_then(|index| schedule.roster.get_mut(index));
                    if worker.is_some_and(|worker| worker.read_notes()) {
                        schedule.respawn.ready();
                    }
                }
            }
        }
        schedule.collect_all(&mut outbox);
        self.shared.commit(schedule, outbox, Teller::Tellers);
        Ok(())
    }

    /// A worker's process has ended: it is reaped, and removed from the schedule.
    fn worker_died(&self, schedule: &mut Schedule, index: usize, outbox: &mut Outbox) {
        let Some(worker) = schedule.roster.get_mut(index) else {
            return;
        };
        // What it said last may be why.
        worker.read_notes();
        let stage = worker.stage();
        let (ready, retired, released) =
            (stage.is_ready(), stage.is_retired(), stage.is_released());
        let ended = stage.ended_task().map(|ended| ended.failure.cause());
        let why = ended.or(stage.why().map(str::to_owned));
        // What it has begun and not ended.
        let task = worker.running_task();
        let name = worker.name.clone();
        let dedicated = worker.kind == Kind::Dedicated;
        let orderly = (retired || released || dedicated) && worker.has_finished();
        let (idle, useless) = (worker.load() == 0, worker.history.replies == 0);
        // What its tasks have started ends with it, however it ends.
        worker.process.kill_group();
        self.descriptors.remove(&worker.process, &worker.line.notes);
        let mut death = worker.process.reap();
        death.last_words = worker.last_words.take();
        schedule.recover(index, &death, outbox);
        if dedicated || released {
            return;
        }
        let replaced = (retired && orderly).then_some("replaced");
        let words = death.last_words.as_deref();
        schedule.log.restarts.add(&death, why.as_deref().or(words).or(replaced));
        let Death { pid, cause, .. } = death;
        if retired && (ready || idle) && orderly {
            schedule.log.add(Event::WorkerLeft { pid });
            return;
        }
        schedule.log.add(Event::WorkerDied { pid, name, task, cause, why: why.clone() });
        if ready {
            if !retired {
                schedule.respawn.replace_one();
            }
            if idle && useless {
                schedule.respawn.died_idle(Instant::now());
            }
        } else {
            let why = why.unwrap_or_else(|| format!("{death} before it was ready"));
            schedule.failed_to_start(&why, outbox);
        }
    }
}
