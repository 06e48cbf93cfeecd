//! Telling the receivers, without the lock: here a task's way leads back up to its future.
//!
//! Called at the end of [`Shared::commit`] by whichever thread tells, and by the threads that decode large
//! results. What changes the schedule is in [`shared`](crate::pool::shared); what is told is in
//! [`tell`](super::tell).

use super::outbox::Outbox;
use super::tell::{Told, tell};
use crate::callback_threads::CallbackThreads;
use crate::inside::within;
use crate::pool::shared::Shared;
use std::sync::Arc;
use std::time::Instant;

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

    /// Leaves large results to other threads, which decode them and tell their receivers. This thread, on
    /// which others depend, does not take long.
    pub(crate) fn deliver_large_elsewhere(&self, outbox: &mut Outbox) {
        for large in outbox.take_large() {
            self.call_later(&self.decoders, |shared| shared.deliver(large));
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
        [&self.callback_threads, &self.decoders].into_iter().filter_map(CallbackThreads::look).min()
    }

    /// True if this is one of the threads that call callbacks of this pool.
    #[must_use]
    pub fn is_callback_thread(&self) -> bool {
        self.callback_threads.is_here()
    }

    /// A task of the pool has been given a callback.
    pub fn expect_callbacks(&self) {
        self.callback_threads.prepare();
    }
}
