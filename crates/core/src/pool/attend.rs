//! A thread that waits for one task attends the lane that the task is in: it spins or sleeps on the
//! lane's bell and collects replies itself, its own and others', instead of waiting for another
//! thread to be scheduled. One thread attends a lane at a time.

use super::member::Member;
use super::place::Place;
use super::settled::Settled;
use super::{Shared, Tell};
use crate::lane::ring::Seen;
use crate::task::TaskState;
use std::time::{Duration, Instant};

/// What came of an offer to help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Helped {
    /// Something happened, or the time is over: look again.
    LookAgain,
    /// The task is in no lane, or another thread attends it already. Its end will be told without
    /// this thread's help: sleep until then.
    NotNeeded,
}

impl Shared {
    /// Called by a thread that waits for the task with this tag to end, no longer than until
    /// `deadline`.
    pub fn help(&self, tag: &TaskState, deadline: Option<Instant>) -> Helped {
        let mut books = self.lock();
        let Place::Lane(index, _) = tag.place() else {
            books.watch(tag);
            let deferred = !books.deferred.is_empty();
            self.settle(books, Settled::default(), Tell::Here);
            return if deferred { Helped::LookAgain } else { Helped::NotNeeded };
        };
        let mut settled = Settled::default();
        books.collect(index, &mut settled);
        if !settled.is_empty() || !books.deferred.is_empty() {
            self.settle(books, settled, Tell::Here);
            return Helped::LookAgain;
        }
        let spin = books.spin();
        // From a lane whose worker is to be ended, nothing is collected before it has.
        let attendable = |member: &&mut Member| !member.attended && member.condemned.is_none();
        let Some(member) = books.members[index].as_mut().filter(attendable) else {
            books.watch(tag);
            self.settle(books, settled, Tell::Here);
            return Helped::NotNeeded;
        };
        member.attended = true;
        // A worker that has yet to wake up may need this very CPU for it: spinning would keep it away.
        let spin = if member.slept { Duration::ZERO } else { spin };
        let (lane, head, serial) = (member.lane.clone(), member.head, member.serial);
        let changes = lane.changes();
        drop(books);

        // News is a reply at `head`; and whatever another thread has taken out of the lane, a reply or
        // a task that was cancelled, moved, or buried with its worker.
        let ring = lane.ring();
        let news =
            || lane.changes() != changes || !matches!(ring.look(head), Seen::Ready | Seen::Running);
        let now = Instant::now();
        let patience = deadline.map(|deadline| deadline.saturating_duration_since(now));
        if !spins_until(now, spin.min(patience.unwrap_or(spin)), &news) {
            ring.bell().attend(news, patience);
        }

        let mut books = self.lock();
        if let Some(member) = books.member(index, serial) {
            member.attended = false;
            books.collect(index, &mut settled);
        }
        self.settle(books, settled, Tell::Here);
        Helped::LookAgain
    }
}

/// Looks for `news` again and again, for `spin` from `start`.
fn spins_until(start: Instant, spin: Duration, news: &impl Fn() -> bool) -> bool {
    while !spin.is_zero() {
        for _ in 0..16 {
            if news() {
                return true;
            }
            std::hint::spin_loop();
        }
        if start.elapsed() >= spin {
            break;
        }
    }
    false
}
