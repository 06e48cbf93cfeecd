//! The supervisor: the thread that starts workers, sees them die, and keeps the clocks.
//!
//! It sleeps in epoll on one descriptor for each worker's life, one for each control socket, and one
//! by which the other threads of the pool call it. The kernel ends every worker with this thread.

use super::books::Phase;
use super::clocks::FAREWELL;
use super::events::Event;
use super::member::Member;
use super::server::Server;
use super::settled::Settled;
use super::start::{How, start};
use super::{Books, Config, Method, Shared, Tell};
use crate::clock::after;
use crate::death::Death;
use crate::worker::init::Reentry;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use std::cell::RefCell;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

/// The event of [`Shared::poke`].
const POKED: u64 = 0;

pub(super) struct Supervisor {
    pub(super) shared: Arc<Shared>,
    pub(super) reentry: &'static Reentry,
    epoll: OwnedFd,
    /// Forks the workers, if that is how they are started.
    server: RefCell<Option<Server>>,
    /// Those that are to be ended and waited for, once the lock is free.
    ended_servers: RefCell<Vec<Server>>,
}

/// What a worker's descriptor tells: its serial number, which is never 0, and which of the two.
fn event(serial: u64, death: bool) -> EventData {
    EventData::new_u64(serial << 1 | u64::from(death))
}

impl Supervisor {
    pub(super) fn new(shared: Arc<Shared>, reentry: &'static Reentry) -> io::Result<Supervisor> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &shared.event, EventData::new_u64(POKED), EventFlags::IN)?;
        let (server, ended_servers) = (RefCell::default(), RefCell::default());
        Ok(Supervisor { shared, reentry, epoll, server, ended_servers })
    }

    /// Supervises until the pool has been shut down and every worker is gone. Should this thread
    /// itself fail, nobody is left waiting: the pool is broken and says so.
    pub(super) fn run(self) {
        let failed = match crate::wire::panic::catch(|| self.supervise()) {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(panic) => {
                Some(format!("{} at {}", panic.message, panic.location.unwrap_or_default()))
            }
        };
        if let Some(failed) = failed {
            self.shared.break_down(&format!("its supervisor failed: {failed}"));
            let members: Vec<_> = self.shared.lock().members.drain(..).flatten().collect();
            for mut member in members {
                member.kill();
                member.life.reap();
            }
        }
        // Nobody else looks after them; there is something to see only if this thread has failed.
        while let Some(at) = self.shared.look_after_callers() {
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
        }
        self.shared.callers.close();
        self.shared.decoders.close();
        self.shared.lock().supervisor_ended = true;
        self.shared.idle.notify_all();
    }

    fn supervise(&self) -> io::Result<()> {
        loop {
            self.ended_servers.take();
            self.start_births();
            self.start_wanted()?;
            self.keep_clocks();
            self.look_after_callers();
            if self.finished() {
                return Ok(());
            }
            self.wait()?;
        }
    }

    /// Starts the workers that tasks need now.
    fn start_wanted(&self) -> io::Result<()> {
        let mut settled = Settled::default();
        let mut books = self.shared.lock();
        while books.wanted_starts() > 0 && books.next_start.is_none_or(|at| at <= Instant::now()) {
            let (serial, place) = (books.next_serial(), books.free_place());
            drop(books);
            let forks = matches!(self.shared.config.method, Method::ForkServer(_));
            if forks && !self.has_server(&mut settled)? {
                books = self.shared.lock();
                break;
            }
            let Config { launch, initializer, .. } = &self.shared.config;
            let mut launch = launch.clone();
            // Only this thread adds members, so the place stays free.
            launch.name = format!("{}_{place}", launch.name);
            let server = self.server.borrow();
            let how = server.as_ref().map_or(How::Spawned, How::Forked);
            let started = start(self.reentry, &launch, initializer.as_deref(), how, serial);
            drop(server);
            books = self.shared.lock();
            match started {
                Ok(mut member) => {
                    if let Err(error) = self.listen_to(&member) {
                        member.kill();
                        member.life.reap();
                        books.failed_to_start(&error.to_string(), &mut settled);
                        continue;
                    }
                    let (pid, name) = (member.pid, launch.name.clone());
                    books.events.push(Event::WorkerStarted { pid, name });
                    member.name = launch.name;
                    member.keeps_time = self.shared.config.limits.idle.is_some();
                    books.replacements = books.replacements.saturating_sub(1);
                    books.add(member);
                    // The pool may have been made smaller while it was started.
                    books.retire_surplus();
                    // The first task can go into its lane while it starts.
                    self.shared.settle(books, Settled::default(), Tell::Promptly);
                    books = self.shared.lock();
                }
                Err(error) => {
                    let error = error.to_string();
                    books.events.push(Event::WorkerNotStarted { error: error.clone() });
                    // If it is the server's fault, there will be another.
                    self.drop_server(&mut books);
                    books.failed_to_start(&error, &mut settled);
                }
            }
        }
        self.shared.settle(books, settled, Tell::Promptly);
        Ok(())
    }

    /// True if there is a fork server that is ready. If there is none, starts one; it will say when it
    /// is.
    fn has_server(&self, settled: &mut Settled) -> io::Result<bool> {
        let mut server = self.server.borrow_mut();
        if let Some(server) = &*server {
            let ready = server.ready;
            self.shared.lock().awaits_server = !ready;
            return Ok(ready);
        }
        let mut books = self.shared.lock();
        let serial = books.next_serial();
        drop(books);
        let Config { launch, method, .. } = &self.shared.config;
        let Method::ForkServer(preload) = method else { return Ok(true) };
        let mut launch = launch.clone();
        launch.name.push_str("_server");
        match Server::start(self.reentry, &launch, preload.as_deref(), serial) {
            Ok(new) => {
                let (death, notes) = (event(serial, true), event(serial, false));
                epoll::add(&self.epoll, &new.life, death, EventFlags::IN)?;
                epoll::add(&self.epoll, &new.control, notes, EventFlags::IN | EventFlags::ET)?;
                let mut books = self.shared.lock();
                books.events.push(Event::ServerStarted { pid: new.life.pid() });
                books.server_deadline = new.deadline;
                books.awaits_server = true;
                drop(books);
                *server = Some(new);
            }
            Err(error) => self.shared.lock().failed_to_start(&error.to_string(), settled),
        }
        Ok(false)
    }

    /// Ends the fork server, if there is one.
    fn drop_server(&self, books: &mut Books) {
        let Some(server) = self.server.take() else { return };
        // A copy of the descriptor in a worker would keep epoll telling of it for ever.
        let _ = epoll::delete(&self.epoll, &server.life);
        let _ = epoll::delete(&self.epoll, &server.control);
        books.server_deadline = None;
        books.awaits_server = false;
        books.events.push(Event::ServerEnded { pid: server.life.pid() });
        self.ended_servers.borrow_mut().push(server);
    }

    /// Sees to the fork server, about which there is news. False: the event was about something else.
    fn see_to_server(&self, event: u64, books: &mut Books, settled: &mut Settled) -> bool {
        let mut place = self.server.borrow_mut();
        let Some(server) = place.as_mut().filter(|server| server.serial == event >> 1) else {
            return false;
        };
        server.read_notes();
        books.server_deadline = server.deadline;
        books.awaits_server = !server.ready;
        let dead = event & 1 == 1;
        if dead || server.refused.is_some() {
            let (ready, refused) = (server.ready, server.refused.take());
            drop(place);
            self.drop_server(books);
            // One that has served is replaced when it is needed.
            if !ready || refused.is_some() {
                let why = refused.unwrap_or_else(|| "the fork server died at its start".to_owned());
                books.failed_to_start(&why, settled);
            }
        }
        true
    }

    /// Has epoll tell of the worker's death, and of what it says.
    pub(super) fn listen_to(&self, member: &Member) -> io::Result<()> {
        let (death, notes) = (event(member.serial, true), event(member.serial, false));
        epoll::add(&self.epoll, &member.life, death, EventFlags::IN)?;
        // Edge-triggered: the end of the worker's side is no news for ever.
        epoll::add(&self.epoll, &member.control, notes, EventFlags::IN | EventFlags::ET)?;
        Ok(())
    }

    /// Ends workers that are past their time or have been condemned, and lets the others go when
    /// there will be no more work.
    fn keep_clocks(&self) {
        let mut books = self.shared.lock();
        let over = !matches!(books.phase, Phase::Open) && self.shared.all_resolved();
        let now = Instant::now();
        let timeout = self.shared.config.launch.start_timeout;
        let mut started = false;
        let mut settled = Settled::default();
        books.strike(&mut settled);
        for (_, member) in books.members_mut() {
            if over && !member.leaving {
                member.leaving = true;
                member.lane.ring().leave();
            }
            if (over && !member.ready || member.is_useless()) && !member.killed {
                member.kill();
            }
            if over && member.deadline.is_none() {
                member.deadline = Some(after(now, FAREWELL));
            }
            let late = member.deadline.is_some_and(|deadline| now >= deadline);
            if late && !member.ready && (!member.leaving || member.retired) {
                // It may have said so while this thread was busy.
                if let Some(why) = member.read_notes() {
                    member.condemned.get_or_insert(why);
                }
                started |= member.ready;
                if !member.ready && member.deadline.is_some() {
                    member.condemned.get_or_insert(format!(
                        "worker process {} did not report ready within {timeout:?} and was ended. \
                         Does the program come to `horsepower::init()` when it is started with the \
                         same arguments, and without waiting for anything before?",
                        member.pid
                    ));
                }
            }
            let condemned = member.condemned.is_some() && member.grace.is_none();
            if (condemned || member.leaving && late) && !member.killed {
                member.kill();
            }
        }
        if started {
            books.started();
        }
        if books.server_deadline.is_some_and(|deadline| now >= deadline) {
            books.server_deadline = None;
            if let Some(server) = self.server.borrow().as_ref() {
                // Its death is told like any other.
                server.life.kill();
            }
        }
        books.wake_attendants();
        self.shared.settle(books, settled, Tell::Promptly);
    }

    /// Sees to it that there is somebody to make the next call.
    fn look_after_callers(&self) {
        let due = self.shared.lock().is_time_for_callers();
        if let Some(at) = due.then(|| self.shared.look_after_callers()).flatten() {
            self.shared.lock().look_after_callers(at);
        }
    }

    /// True if the pool has been shut down and nothing is left of it.
    fn finished(&self) -> bool {
        let books = self.shared.lock();
        let over = self.shared.closing.load(std::sync::atomic::Ordering::SeqCst);
        over && self.shared.all_resolved() && books.members().next().is_none()
    }

    /// Sleeps until something happens or a clock strikes, and sees to it.
    fn wait(&self) -> io::Result<()> {
        let next_clock = self.shared.lock().next_clock();
        let timeout = next_clock.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = timeout.map(|timeout| rustix::event::Timespec {
            tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let mut space = [MaybeUninit::<epoll::Event>::uninit(); 64];
        let (events, _) = match epoll::wait(&self.epoll, &mut space, timeout.as_ref()) {
            Err(rustix::io::Errno::INTR) => return Ok(()),
            other => other?,
        };
        let mut settled = Settled::default();
        let mut books = self.shared.lock();
        for event in events.iter().map(|event| event.data.u64()) {
            if event == POKED {
                let _ = rustix::io::read(&self.shared.event, &mut [0; 8]);
                continue;
            }
            if self.see_to_server(event, &mut books, &mut settled) {
                continue;
            }
            let index = books.members().find(|(_, m)| m.serial == event >> 1).map(|(i, _)| i);
            let Some(index) = index else { continue };
            if event & 1 == 1 {
                self.died(&mut books, index, &mut settled);
            } else if let Some(member) = &mut books.members[index] {
                let was_ready = member.ready;
                let refused = member.read_notes();
                let ready = member.ready && !was_ready;
                if let Some(why) = refused {
                    member.condemned.get_or_insert(why);
                }
                if ready {
                    books.started();
                }
            }
        }
        books.collect_all(&mut settled);
        self.shared.settle(books, settled, Tell::Promptly);
        Ok(())
    }

    /// A worker's process has ended.
    fn died(&self, books: &mut Books, index: usize, settled: &mut Settled) {
        let Some(member) = &mut books.members[index] else {
            return;
        };
        // What it said last may be why.
        if let Some(why) = member.read_notes() {
            member.condemned.get_or_insert(why);
        }
        let (ready, leaving, condemned) = (member.ready, member.leaving, member.condemned.clone());
        let (alone, retired) = (member.alone, member.retired);
        // What a process leaves behind when it ends as it should is its own affair.
        let orderly = (leaving || alone) && member.has_finished();
        let (idle, useless) = (member.load() == 0, member.replies == 0);
        if !orderly {
            member.life.kill_group();
        }
        // A copy of the descriptor in a forked process would keep epoll telling of it for ever.
        let _ = epoll::delete(&self.epoll, &member.life);
        let _ = epoll::delete(&self.epoll, &member.control);
        let death = member.life.reap();
        books.bury(index, &death, settled);
        let Death { pid, cause } = death;
        if alone || (leaving && !retired) {
            return;
        }
        let replaced = (retired && orderly).then(|| "replaced".to_owned());
        books.obituaries.add(&death, condemned.clone().or(replaced));
        if retired && (ready || idle) && orderly {
            books.events.push(Event::WorkerLeft { pid });
            return;
        }
        books.events.push(Event::WorkerDied { pid, cause, why: condemned.clone() });
        if ready {
            books.replacements += usize::from(!retired);
            if idle && useless {
                books.died_idle();
            }
        } else {
            let why = condemned.unwrap_or_else(|| format!("{death} before it was ready"));
            books.failed_to_start(&why, settled);
        }
    }
}
