//! What the supervisor sleeps on: for each process its pidfd and its note pipe, and one descriptor by
//! which the other threads of the pool call it.

use crate::pool::child::process::ChildProcess;
use crate::sys::notes::NoteReader;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use smallvec::SmallVec;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::time::Instant;

/// The data of the event by which the supervisor is called. No process has this serial number.
const CALLED: u64 = 0;

/// Most news that are taken at a time.
const MOST: usize = 64;

/// An epoll descriptor.
#[derive(Debug)]
pub(crate) struct Descriptors(OwnedFd);

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Another thread has called the supervisor.
    Called,
    /// The process with this serial number has ended.
    Died(u64),
    /// The process with this serial number has said something.
    Said(u64),
}

impl Descriptors {
    /// Only `call`, an eventfd, so far.
    pub(crate) fn new(call: &OwnedFd) -> io::Result<Descriptors> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, call, EventData::new_u64(CALLED), EventFlags::IN)?;
        Ok(Descriptors(epoll))
    }

    /// From now on tells of the death of a process and of what it says.
    pub(crate) fn add(
        &self,
        serial: u64,
        process: &ChildProcess,
        notes: &NoteReader,
    ) -> io::Result<()> {
        epoll::add(&self.0, process, data(serial, true), EventFlags::IN)?;
        // Edge-triggered: that the worker has closed its end is news once.
        epoll::add(&self.0, notes, data(serial, false), EventFlags::IN | EventFlags::ET)?;
        Ok(())
    }

    /// Tells of this process no more. To be called although the descriptors are about to be closed: with a
    /// copy in a forked process, epoll would tell of them for ever.
    pub(crate) fn remove(&self, process: &ChildProcess, notes: &NoteReader) {
        let _ = epoll::delete(&self.0, process);
        let _ = epoll::delete(&self.0, notes);
    }

    /// Sleeps until there is news, or until the time has come.
    pub(crate) fn wait(&self, until: Option<Instant>) -> io::Result<SmallVec<[News; MOST]>> {
        let timeout = until.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let mut space = [MaybeUninit::<epoll::Event>::uninit(); MOST];
        match epoll::wait(&self.0, &mut space, timeout.as_ref()) {
            Err(rustix::io::Errno::INTR) => Ok(SmallVec::new()),
            Err(error) => Err(error.into()),
            Ok((events, _)) => Ok(events.iter().map(|event| news(event.data.u64())).collect()),
        }
    }
}

fn data(serial: u64, death: bool) -> EventData {
    EventData::new_u64(serial << 1 | u64::from(death))
}

fn news(data: u64) -> News {
    match (data, data & 1 == 1) {
        (CALLED, _) => News::Called,
        (_, true) => News::Died(data >> 1),
        (_, false) => News::Said(data >> 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_says_of_which_process_it_is() {
        assert_eq!(news(CALLED), News::Called);
        for serial in [1, 2, 3, u64::MAX >> 1] {
            assert_eq!(news(data(serial, true).u64()), News::Died(serial));
            assert_eq!(news(data(serial, false).u64()), News::Said(serial));
        }
    }

    #[test]
    fn a_call_is_heard() {
        let call = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).unwrap();
        let descriptors = Descriptors::new(&call).unwrap();
        assert!(descriptors.wait(Some(Instant::now())).unwrap().is_empty());
        rustix::io::write(&call, &1_u64.to_ne_bytes()).unwrap();
        assert_eq!(descriptors.wait(None).unwrap()[..], [News::Called]);
    }
}
