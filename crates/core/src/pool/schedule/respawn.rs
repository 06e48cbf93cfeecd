//! How many workers to start, and when: also after workers have failed to start.
//!
//! Owned by the [`Schedule`](super::schedule::Schedule), which says how much is to be done; the supervisor
//! reports every start and death.

use std::time::{Duration, Instant};

/// A pool that has failed to start a worker this often in a row, and has none, is broken.
pub(crate) const TRIES: u32 = 5;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Respawn {
    /// Workers in a row that were never ready.
    failed_starts: u32,
    /// How often in a row the kernel has refused to start one for want of something.
    refused_starts: u32,
    /// Workers in a row that have died before they did anything.
    idle_deaths: u32,
    /// When the next one may be started; `None`: at once.
    next_start: Option<Instant>,
    /// Workers that are to be started although no task needs them: for those that died.
    replacements: usize,
    fork_server: AwaitedServer,
}

/// Whether the fork server keeps workers from being started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum AwaitedServer {
    /// There is none, or it is ready.
    #[default]
    No,
    /// It is not ready yet, and has until `by` to come to `init`; `None` once it has come there.
    Yes { by: Option<Instant> },
}

/// How much there is to be done, and by how many workers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Demand {
    /// Most workers at a time.
    pub(crate) most: usize,
    /// Workers that count.
    pub(crate) living: usize,
    /// Workers with tasks.
    pub(crate) busy: usize,
    /// Tasks that wait although a worker might be started for them.
    pub(crate) backlog: usize,
    /// A worker has been started and is not ready yet. Asked for only after a
    /// [failure](Respawn::has_failed).
    pub(crate) starting: bool,
    /// The pool takes tasks, so workers that died are replaced.
    pub(crate) open: bool,
}

impl Respawn {
    /// How many workers ought to be started now.
    pub(crate) fn wanted(&self, demand: &Demand) -> usize {
        let Demand { most, living, busy, backlog, starting, open } = *demand;
        let replacements = if open { self.replacements } else { 0 };
        let needed = (busy + backlog).max(living + replacements).min(most);
        let wanted = needed.saturating_sub(living);
        if !self.has_failed() {
            return wanted;
        }
        // After a failure one at a time, until one succeeds.
        if starting { 0 } else { wanted.min(1) }
    }

    /// True if the last worker that was started was never ready.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed_starts + self.refused_starts > 0
    }

    /// A worker was started.
    pub(crate) fn started(&mut self) {
        self.refused_starts = 0;
        self.replacements = self.replacements.saturating_sub(1);
    }

    /// A worker is ready.
    pub(crate) fn ready(&mut self) {
        self.failed_starts = 0;
        self.next_start = None;
    }

    /// A worker has replied.
    pub(crate) fn replied(&mut self) {
        self.idle_deaths = 0;
    }

    /// A worker has died that is to be replaced although no task needs it.
    pub(crate) fn replace_one(&mut self) {
        self.replacements += 1;
    }

    /// A worker has died before it was given anything. The next one is not started at once, if that
    /// happens again and again.
    pub(crate) fn died_idle(&mut self, now: Instant) {
        self.idle_deaths += 1;
        if self.idle_deaths > 1 {
            self.next_start = Some(now + pause(self.idle_deaths));
        }
    }

    /// A worker was never ready. True: that has happened too often, unless another one serves.
    #[must_use]
    pub(crate) fn failed(&mut self, now: Instant) -> bool {
        self.failed_starts += 1;
        self.next_start = Some(now + pause(self.failed_starts));
        self.failed_starts >= TRIES
    }

    /// The kernel has refused to start a worker for want of something. True: so often in a row that the tasks
    /// that wait have waited long enough; then it counts anew.
    #[must_use]
    pub(crate) fn refused(&mut self, now: Instant) -> bool {
        self.refused_starts += 1;
        self.next_start = Some(now + pause(self.refused_starts));
        let too_often = self.refused_starts >= TRIES;
        if too_often {
            self.refused_starts = 0;
        }
        too_often
    }

    /// True if the next worker may be started.
    pub(crate) fn may_start(&self) -> bool {
        // Most of the time no start is delayed, and the clock need not be read.
        self.next_start.is_none_or(|at| at <= Instant::now())
    }

    /// When the next worker may be started, if not at once.
    pub(crate) fn next_start(&self) -> Option<Instant> {
        self.next_start
    }

    /// Notes whether the fork server is ready.
    pub(crate) fn set_fork_server(&mut self, awaited: AwaitedServer) {
        self.fork_server = awaited;
    }

    /// True if no worker can be started before the fork server is ready.
    pub(crate) fn awaits_fork_server(&self) -> bool {
        self.fork_server != AwaitedServer::No
    }

    /// When the fork server has to have come to `init`.
    pub(crate) fn fork_server_by(&self) -> Option<Instant> {
        match self.fork_server {
            AwaitedServer::Yes { by } => by,
            AwaitedServer::No => None,
        }
    }

    /// True, once, if the fork server has not come to `init` in time.
    pub(crate) fn fork_server_is_late(&mut self, now: Instant) -> bool {
        let late = self.fork_server_by().is_some_and(|by| by <= now);
        if late {
            self.fork_server = AwaitedServer::Yes { by: None };
        }
        late
    }
}

/// How long to wait after so many failures in a row: from 10 ms, doubled each time, to 640 ms.
fn pause(failures: u32) -> Duration {
    Duration::from_millis(5 << failures.min(7))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEMAND: Demand =
        Demand { most: 8, living: 0, busy: 0, backlog: 0, starting: false, open: true };

    #[test]
    fn as_many_start_as_there_is_work_for() {
        let respawn = Respawn::default();
        let cases = [
            // living, busy, backlog: wanted
            ((0, 0, 0), 0),
            ((0, 0, 1), 1),
            ((0, 0, 7), 7),
            ((0, 0, 8), 8),
            ((0, 0, 9), 8),
            ((3, 3, 2), 2),
            ((3, 1, 2), 0),
            ((8, 8, 5), 0),
            ((9, 9, 5), 0),
        ];
        for ((living, busy, backlog), wanted) in cases {
            let demand = Demand { living, busy, backlog, ..DEMAND };
            assert_eq!(respawn.wanted(&demand), wanted, "{demand:?}");
        }
    }

    #[test]
    fn one_that_died_is_replaced_while_the_pool_is_open() {
        let mut respawn = Respawn::default();
        respawn.replace_one();
        respawn.replace_one();
        let demand = Demand { living: 7, ..DEMAND };
        assert_eq!(respawn.wanted(&demand), 1, "never more than the most");
        assert_eq!(respawn.wanted(&Demand { living: 2, ..DEMAND }), 2);
        assert_eq!(respawn.wanted(&Demand { open: false, ..demand }), 0);
        respawn.started();
        assert_eq!(respawn.wanted(&Demand { living: 3, ..DEMAND }), 1);
        respawn.started();
        respawn.started();
        assert_eq!(respawn.wanted(&Demand { living: 4, ..DEMAND }), 0);
    }

    #[test]
    fn after_a_failure_workers_start_one_at_a_time_and_later_and_later() {
        let (mut respawn, now) = (Respawn::default(), Instant::now());
        let work = Demand { backlog: 5, ..DEMAND };
        assert!(respawn.may_start());
        for (failures, millis) in [(1, 10), (2, 20), (3, 40), (4, 80), (5, 160), (6, 320), (7, 640)]
        {
            assert_eq!(respawn.failed(now), failures >= TRIES);
            assert_eq!(respawn.next_start(), Some(now + Duration::from_millis(millis)));
            assert_eq!(respawn.wanted(&work), 1);
            assert_eq!(respawn.wanted(&Demand { starting: true, ..work }), 0);
        }
        let _ = respawn.failed(now);
        assert_eq!(respawn.next_start(), Some(now + Duration::from_millis(640)), "no longer");
        let _ = respawn.failed(now + Duration::from_secs(3600));
        assert!(!respawn.may_start(), "not for an hour");
        respawn.ready();
        assert!(respawn.may_start() && !respawn.has_failed());
        assert_eq!(respawn.wanted(&work), 5);
    }

    #[test]
    fn the_first_idle_death_delays_nothing_and_a_reply_is_a_new_start() {
        let (mut respawn, now) = (Respawn::default(), Instant::now());
        respawn.died_idle(now);
        assert!(respawn.may_start());
        respawn.died_idle(now);
        assert_eq!(respawn.next_start(), Some(now + Duration::from_millis(20)));
        respawn.ready();
        respawn.replied();
        respawn.died_idle(now);
        assert!(respawn.may_start());
    }

    #[test]
    fn a_fork_server_is_late_once() {
        let (mut respawn, now) = (Respawn::default(), Instant::now());
        assert!(!respawn.awaits_fork_server() && !respawn.fork_server_is_late(now));
        respawn.set_fork_server(AwaitedServer::Yes { by: Some(now) });
        assert!(respawn.awaits_fork_server());
        assert!(respawn.fork_server_is_late(now) && !respawn.fork_server_is_late(now));
        assert!(respawn.awaits_fork_server(), "until its death is seen");
        respawn.set_fork_server(AwaitedServer::No);
        assert!(!respawn.awaits_fork_server());
    }
}
