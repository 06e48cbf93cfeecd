//! The fork server of a pool, if its workers are started by one: started when it is needed, watched, and
//! replaced when it has ended.
//!
//! Used by the supervisor's thread alone.

use super::descriptors::{Descriptors, News};
use crate::launch::Launch;
use crate::pool::child::fork_server::ForkServer;
use crate::pool::config::{Config, Method};
use crate::pool::delivery::outbox::Outbox;
use crate::pool::events::Event;
use crate::pool::schedule::respawn::AwaitedServer;
use crate::pool::schedule::schedule::Schedule;
use crate::pool::shared::Shared;
use crate::worker::init::Reentry;
use std::cell::{RefCell, RefMut};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct ForkServers {
    /// Forks the workers.
    current: RefCell<Option<ForkServer>>,
    /// Those that are to be ended and waited for, once the lock is free.
    ended: RefCell<Vec<ForkServer>>,
}

impl ForkServers {
    /// The fork server, if there is one.
    pub(crate) fn current(&self) -> RefMut<'_, Option<ForkServer>> {
        self.current.borrow_mut()
    }

    /// Ends those that were removed, and waits for them. The lock is not held.
    pub(crate) fn reap_ended(&self) {
        self.ended.take();
    }

    /// Kills a fork server that is late. Its death is told like any other.
    pub(crate) fn kill(&self) {
        if let Some(server) = self.current.borrow().as_ref() {
            server.process.kill();
        }
    }

    /// True if there is a fork server that is ready. If there is none, starts one; it will say when it is.
    pub(crate) fn is_ready(
        &self,
        shared: &Shared,
        reentry: &Reentry,
        descriptors: &Descriptors,
        outbox: &mut Outbox,
    ) -> bool {
        let mut current = self.current.borrow_mut();
        if let Some(server) = &*current {
            shared.lock().respawn.set_fork_server(awaited(server));
            return server.ready;
        }
        let serial = shared.lock().roster.next_serial();
        let Config { launch, method, .. } = &shared.config;
        let Method::ForkServer(preload) = method else { return true };
        let launch = Launch { name: format!("{}_server", launch.name), ..launch.clone() };
        let started = ForkServer::start(reentry, &launch, preload.as_deref(), serial);
        let heard = started.and_then(|server| {
            descriptors.add(serial, &server.process, &server.line.notes)?;
            Ok(server)
        });
        match heard {
            Ok(server) => {
                let mut schedule = shared.lock();
                schedule.log.add(Event::ServerStarted { pid: server.process.pid() });
                schedule.respawn.set_fork_server(awaited(&server));
                drop(schedule);
                *current = Some(server);
            }
            Err(error) => shared.lock().not_started(&error, outbox),
        }
        false
    }

    /// Removes the fork server, if there is one. It is ended once the lock is free.
    pub(crate) fn remove(&self, descriptors: &Descriptors, schedule: &mut Schedule) {
        let Some(server) = self.current.take() else { return };
        descriptors.remove(&server.process, &server.line.notes);
        schedule.respawn.set_fork_server(AwaitedServer::No);
        schedule.log.add(Event::ServerEnded { pid: server.process.pid() });
        self.ended.borrow_mut().push(server);
    }

    /// Takes news of the fork server. False: the news is of something else.
    pub(crate) fn hear(
        &self,
        news: News,
        descriptors: &Descriptors,
        schedule: &mut Schedule,
        outbox: &mut Outbox,
    ) -> bool {
        let (News::Died(serial) | News::Said(serial)) = news else { return false };
        let mut current = self.current.borrow_mut();
        let Some(server) = current.as_mut().filter(|server| server.serial == serial) else {
            return false;
        };
        server.read_notes();
        schedule.respawn.set_fork_server(awaited(server));
        let (ready, refused) = (server.ready, server.refused.take());
        drop(current);
        if matches!(news, News::Died(_)) || refused.is_some() {
            self.remove(descriptors, schedule);
            // One that has served is replaced when it is needed.
            if !ready || refused.is_some() {
                let why = refused.unwrap_or_else(|| "the fork server died at its start".to_owned());
                schedule.failed_to_start(&why, outbox);
            }
        }
        true
    }
}

fn awaited(server: &ForkServer) -> AwaitedServer {
    if server.ready { AwaitedServer::No } else { AwaitedServer::Yes { by: server.start_by } }
}
