//! A task as the pool knows it: which function, which argument, how much of it is left.
//!
//! Made by the `horsepower` crate, which submits it; moved between queue, lane and outbox by the pool.

use crate::lane::payload::Payload;
use crate::lane::record::arguments_len;
use crate::task::{Answer, Failure, Receiver, TaskPolicy, TaskState};
use crate::wire::entry_point::EntryPoint;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// A function and its encoded argument: one call, or, if the argument is framed, one call for each
/// of its items.
#[derive(Debug)]
pub struct Task {
    pub(super) entry: EntryPoint,
    pub(super) receiver: Arc<dyn Receiver>,
    /// Shared with the other parts of a task that was split.
    payload: Arc<Payload>,
    framed: bool,
    /// The items that have not ended, and where in the payload the first of them begins.
    items: Range<u32>,
    offset: usize,
    /// Where the last of them ends.
    end: usize,
    /// Some of its items have ended, or are with another part.
    begun: bool,
    /// `None`: nothing special, as with most tasks.
    policy: Option<Box<TaskPolicy>>,
}

impl Task {
    /// A task of one call.
    #[must_use]
    pub fn single(entry: EntryPoint, payload: Payload, receiver: Arc<dyn Receiver>) -> Task {
        Task::new(entry, payload, false, 1, receiver)
    }

    /// A task of one call for each of the `items` in a payload made with
    /// [`push_argument`](crate::lane::record::push_argument). Each item ends by itself: what a crash costs
    /// is the item that crashed.
    #[must_use]
    pub fn framed(
        entry: EntryPoint,
        payload: Payload,
        items: u32,
        receiver: Arc<dyn Receiver>,
    ) -> Task {
        Task::new(entry, payload, true, items, receiver)
    }

    fn new(
        entry: EntryPoint,
        payload: Payload,
        framed: bool,
        items: u32,
        receiver: Arc<dyn Receiver>,
    ) -> Task {
        let end = payload.bytes().len();
        let payload = Arc::new(payload);
        let items = 0..items;
        let (offset, begun, policy) = (0, false, None);
        Task { entry, receiver, payload, framed, items, offset, end, begun, policy }
    }

    /// The task with this policy.
    #[must_use]
    pub fn with(mut self, policy: TaskPolicy) -> Task {
        self.policy = Some(Box::new(policy));
        self
    }

    /// The task, whose end is to be noticed although nobody waits for it.
    #[must_use]
    pub fn watched(self) -> Task {
        self.state().set_watched();
        self
    }

    pub(super) fn policy(&self) -> Option<&TaskPolicy> {
        self.policy.as_deref()
    }

    /// True if what it prints is to be kept.
    pub(super) fn captures(&self) -> bool {
        self.policy().is_some_and(|policy| policy.capture && !self.framed)
    }

    /// Uses up a retry, if one is left. Returns how long to wait before it.
    pub(super) fn retry(&mut self) -> Option<Duration> {
        let policy = self.policy.as_mut().filter(|policy| policy.retries > 0 && !self.framed)?;
        policy.retries -= 1;
        let pause = policy.backoff;
        policy.backoff = pause.saturating_mul(2);
        Some(pause)
    }

    pub(super) fn state(&self) -> &TaskState {
        self.receiver.tag()
    }

    pub(super) fn is_framed(&self) -> bool {
        self.framed
    }

    /// True if some of its items have ended, or are with another part.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// The argument of the items that have not ended.
    pub(super) fn argument(&self) -> &[u8] {
        &self.payload.bytes()[self.offset..self.end]
    }

    /// The items that have not ended.
    pub(super) fn items(&self) -> Range<u32> {
        self.items.clone()
    }

    /// How many items have not ended.
    pub(super) fn remaining(&self) -> u32 {
        self.items.end - self.items.start
    }

    /// Notes that the next `items` items have ended.
    pub(super) fn advance(&mut self, items: u32) {
        self.items.start += items;
        self.begun = true;
        if self.framed {
            self.offset += arguments_len(self.argument(), items);
        }
    }

    /// Cuts off the last `items` items, as a task of their own.
    pub(super) fn split_off(&mut self, items: u32) -> Task {
        let at = self.items.end - items;
        self.begun = true;
        let offset = self.offset + arguments_len(self.argument(), at - self.items.start);
        let rest = Task {
            entry: self.entry,
            receiver: self.receiver.clone(),
            payload: self.payload.clone(),
            framed: true,
            items: at..self.items.end,
            offset,
            end: self.end,
            begun: true,
            policy: self.policy.clone(),
        };
        self.items.end = at;
        self.end = offset;
        rest
    }

    /// Tells the receiver that none of the remaining items will be answered.
    pub(super) fn fail_all(&self, failure: &Failure) {
        for item in self.items() {
            // Nobody could add callbacks yet.
            let _ = self.receiver.receive(item, Answer::Failed(failure.clone()));
        }
    }
}
