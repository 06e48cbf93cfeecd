//! A process for one task alone: it is started for the task, runs it, and ends.
//!
//! It is a worker like any other: started, fed, watched and buried by the supervisor of a pool that
//! has no workers of its own, of which there is one in a program. What differs is that its one task is
//! in the lane from the start, that it is told at once to leave when it is done, and that if it
//! dies before it has begun, the task does not go to another.

use super::books::Phase;
use super::life::ChildProcess;
use super::member::{Member, Segment};
use super::settled::Settled;
use super::start::{How, start};
use super::supervisor::Supervisor;
use super::task::Task;
use super::{Config, Pool, PoolError, Shared, Tell};
use crate::lane::BLOCK_LEN;
use crate::launch::Launch;
use std::io;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

/// A process that somebody wants to be started.
#[derive(Debug)]
pub(super) struct Birth {
    launch: Launch,
    task: Task,
    answer: SyncSender<io::Result<Arc<ChildProcess>>>,
}

/// The pool, and the process that has made it: in a copy of that, made by a fork, its thread is not there.
static DEDICATED_POOL: Mutex<Option<(u32, Arc<Pool>)>> = Mutex::new(None);

/// The pool that starts processes for single tasks, and sees to them as long as this process lives.
///
/// # Errors
/// If it is not there yet and cannot be made.
pub fn dedicated_pool() -> Result<Arc<Pool>, PoolError> {
    let mut dedicated_pool = DEDICATED_POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let pid = std::process::id();
    match &*dedicated_pool {
        Some((maker, pool)) if *maker == pid && pool.shared.is_open() => Ok(pool.clone()),
        _ => {
            let pool = Arc::new(Pool::new(Config { workers: 0, ..Config::default() })?);
            // One that was broken has ended; one of another process would be waited for in vain.
            std::mem::forget(dedicated_pool.replace((pid, pool.clone())));
            Ok(pool)
        }
    }
}

/// The names and process ids of the processes for single tasks that live now.
#[must_use]
pub fn dedicated_processes() -> Vec<(String, u32)> {
    let dedicated_pool = DEDICATED_POOL.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let Some((_, dedicated_pool)) =
        dedicated_pool.filter(|(maker, _)| *maker == std::process::id())
    else {
        return vec![];
    };
    let books = dedicated_pool.shared.lock();
    books.members().map(|(_, member)| (member.name.clone(), member.pid)).collect()
}

impl Shared {
    /// Starts a process for one task. Its receiver is told of the end at the latest when the process
    /// has ended.
    ///
    /// # Errors
    /// Why there is none; the receiver is then told nothing.
    pub fn start_dedicated(&self, launch: Launch, task: Task) -> io::Result<Arc<ChildProcess>> {
        let ended = || io::Error::other("the thread that starts processes has ended");
        let (answer, started) = mpsc::sync_channel(1);
        let mut books = self.lock();
        if !matches!(books.phase, Phase::Open) {
            return Err(ended());
        }
        books.births.push_back(Birth { launch, task, answer });
        drop(books);
        self.poke();
        started.recv().unwrap_or_else(|_| Err(ended()))
    }
}

impl Supervisor {
    /// Starts the processes that were asked for.
    pub(super) fn start_births(&self) {
        loop {
            let mut books = self.shared.lock();
            let Some(birth) = books.births.pop_front() else { return };
            let serial = books.next_serial();
            drop(books);
            let Birth { launch, task, answer } = birth;
            // If nobody waits for the answer any more, the process runs all the same.
            let _ = answer.send(self.start_dedicated(launch, task, serial));
        }
    }

    fn start_dedicated(
        &self,
        launch: Launch,
        task: Task,
        serial: u64,
    ) -> io::Result<Arc<ChildProcess>> {
        let mut member = start(self.reentry, &launch, None, How::Alone, serial)?;
        member.name = launch.name;
        let prepared =
            self.listen_to(&member).and_then(|()| own_segment(&mut member, task.argument()));
        let segment = prepared.inspect_err(|_| {
            member.kill();
            member.life.reap();
        })?;
        let life = member.life.clone();
        let lane = member.lane.clone();
        self.shared.accept_one();
        let mut books = self.shared.lock();
        let index = books.add(member);
        books.put(index, task, segment);
        self.shared.settle(books, Settled::default(), Tell::Promptly);
        lane.ring().leave();
        Ok(life)
    }
}

/// A segment with the argument, if it is too large for the lane. The lock is not held.
fn own_segment(member: &mut Member, argument: &[u8]) -> io::Result<Option<Segment>> {
    if argument.len() <= BLOCK_LEN {
        return Ok(None);
    }
    let segment = member.segment(argument.len())?;
    segment.memory.write(0, argument);
    Ok(Some(segment))
}
