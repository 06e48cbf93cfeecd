//! Telling the receivers, without the lock: here a task's way leads back up to its future.
//!
//! Called at the end of [`Shared::commit`] by whichever thread tells, and by the tellers, for what
//! the supervisor has found. What changes the schedule is in [`shared`](crate::pool::shared); what is told is in
//! [`tell`](super::tell).

use super::outbox::Outbox;
use super::tell::{Told, tell};
use crate::callback_threads::CallbackThreads;
use crate::inside::within;
use crate::pool::events::Event;
use crate::pool::shared::Shared;
use std::sync::Arc;
use std::time::Instant;

/// Tells the user's subscriber, which may panic, of what has happened.
pub(crate) fn tell_events(events: Vec<Event>) {
    for event in events {
        let _ = crate::wire::panic::catch(|| event.tell());
    }
}

impl Shared {
    /// Tells the receivers of the ends in the outbox. Their callbacks are called by other threads.
    pub(crate) fn deliver(&self, outbox: Outbox) {
        if outbox.is_empty() {
            return;
        }
        let Told { over, spent, callbacks } = within(self, || tell(outbox, &self.counts));
        if !spent.is_empty() {
            self.lock().give_back_segments(spent);
        }
        for receiver in callbacks {
            // The task counts as unresolved until its callbacks were called.
            self.add_unresolved(1);
            self.call_later(&self.callback_threads, move |shared| {
                // The last to hold the receiver drops the result, and that may panic.
                let _ = crate::wire::panic::catch(|| {
                    within(shared, || {
                        receiver.call_back();
                        drop(receiver);
                    });
                });
                shared.resolved(1);
            });
        }
        self.resolved(over);
    }

    /// Leaves it to the tellers to tell of these events and ends; each large result is a call of its own,
    /// because it may take long to decode.
    pub(crate) fn deliver_elsewhere(&self, events: Vec<Event>, mut outbox: Outbox) {
        for large in outbox.take_large() {
            self.call_later(&self.tellers, |shared| shared.deliver(large));
        }
        if !events.is_empty() || !outbox.is_empty() {
            self.call_later(&self.tellers, |shared| {
                tell_events(events);
                shared.deliver(outbox);
            });
        }
    }

    /// Makes one of these threads call something that may take long.
    fn call_later(&self, threads: &CallbackThreads, call: impl FnOnce(&Shared) + Send + 'static) {
        let Some(shared): Option<Arc<Shared>> = self.me.upgrade() else { return };
        if let Some(at) = threads.call(Box::new(move || call(&shared))) {
            self.lock().timers.check_callback_threads_at(at);
            self.poke();
        }
    }

    /// Makes sure that there are threads for the calls that wait. Returns when to check again.
    pub(crate) fn check_callback_threads(&self) -> Option<Instant> {
        let callbacks = self.callback_threads.look();
        // The system gives no thread now: rather late than never.
        for call in self.callback_threads.take_stranded() {
            let _ = self.tellers.call(call);
        }
        callbacks.into_iter().chain(self.tellers.look()).min()
    }

    /// True if this is one of the threads that call callbacks of this pool.
    #[must_use]
    pub fn is_callback_thread(&self) -> bool {
        self.callback_threads.is_here()
    }

    /// A task of the pool has been given a callback.
    pub fn expect_callbacks(&self) {
        if self.is_copy() {
            return;
        }
        // If there is no thread now, there may be one later.
        let _ = self.callback_threads.prepare();
    }
}
