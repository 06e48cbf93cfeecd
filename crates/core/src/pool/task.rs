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

/// So many workers may be lost with a task next in their lane.
const MOST_LOST: u8 = 3;

/// A function and its encoded argument. It is one call, or, if the argument is framed, one call for each of
/// the items in it.
#[derive(Debug)]
pub struct Task {
    pub(crate) entry: EntryPoint,
    pub(crate) receiver: Arc<dyn Receiver>,
    /// Shared with the other parts of a task that was split.
    payload: Arc<Payload>,
    framed: bool,
    /// The items that have not ended, and the offset of the first of them in the payload.
    items: Range<u32>,
    offset: usize,
    /// The offset at which the last of them ends.
    end: usize,
    /// Some items of the task have ended, or belong to another part of it.
    begun: bool,
    /// How many workers have died, or could not serve any more, with this task next in their lane.
    lost: u8,
    /// `None` for most tasks: the user asks for nothing special.
    policy: Option<Box<TaskPolicy>>,
}

impl Task {
    /// A task of one call.
    #[must_use]
    pub fn single(entry: EntryPoint, payload: Payload, receiver: Arc<dyn Receiver>) -> Task {
        Task::new(entry, payload, false, 1, receiver)
    }

    /// A task of one call for each of the `items` in a payload made with
    /// [`push_argument`](crate::lane::record::push_argument). Each item ends by itself: a crash
    /// costs the item that crashed.
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
        let (offset, begun, lost, policy) = (0, false, 0, None);
        Task { entry, receiver, payload, framed, items, offset, end, begun, lost, policy }
    }

    /// The task with this policy.
    #[must_use]
    pub fn with(mut self, policy: TaskPolicy) -> Task {
        self.policy = Some(Box::new(policy));
        self
    }

    /// The task; the pool notices its end although nobody waits for it.
    #[must_use]
    pub fn watched(self) -> Task {
        self.state().set_watched();
        self
    }

    pub(crate) fn policy(&self) -> Option<&TaskPolicy> {
        self.policy.as_deref()
    }

    /// True if what it prints is to be captured.
    pub(crate) fn captures(&self) -> bool {
        self.policy().is_some_and(|policy| policy.capture && !self.framed)
    }

    /// Uses up a retry, if one is left. Returns how long to wait before it.
    pub(crate) fn retry(&mut self) -> Option<Duration> {
        let policy = self.policy.as_mut().filter(|policy| policy.retries > 0 && !self.framed)?;
        policy.retries -= 1;
        let pause = policy.backoff;
        policy.backoff = pause.saturating_mul(2);
        Some(pause)
    }

    /// A worker was lost with this task next in its lane. False: that has happened too often to be chance, so
    /// no further worker is to try: one that goes mad can hide that it has begun the task.
    #[must_use]
    pub(crate) fn survives_loss(&mut self) -> bool {
        self.lost += 1;
        self.lost < MOST_LOST
    }

    pub(crate) fn state(&self) -> &TaskState {
        self.receiver.task_state()
    }

    pub(crate) fn is_framed(&self) -> bool {
        self.framed
    }

    /// True if some of its items have ended, or belong to another part.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// The argument of the items that have not ended.
    pub(crate) fn argument(&self) -> &[u8] {
        &self.payload.bytes()[self.offset..self.end]
    }

    /// The items that have not ended.
    pub(crate) fn items(&self) -> Range<u32> {
        self.items.clone()
    }

    /// How many items have not ended.
    pub(crate) fn remaining(&self) -> u32 {
        self.items.end - self.items.start
    }

    /// Notes that the next `items` items have ended.
    pub(crate) fn advance(&mut self, items: u32) {
        self.items.start += items;
        self.begun = true;
        if self.framed {
            self.offset += arguments_len(self.argument(), items);
        }
    }

    /// Cuts off the last `items` items, as a task of their own.
    pub(crate) fn split_off(&mut self, items: u32) -> Task {
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
            lost: self.lost,
            policy: self.policy.clone(),
        };
        self.items.end = at;
        self.end = offset;
        rest
    }

    /// Tells the receiver that none of the remaining items will be answered.
    pub(crate) fn fail_all(&self, failure: &Failure) {
        for item in self.items() {
            // Nobody can have added callbacks yet.
            let _ = self.receiver.receive(item, Answer::Failed(failure.clone()));
        }
    }
}

/// Tasks for the tests of this folder. Nobody runs them.
#[cfg(test)]
pub(crate) mod samples {
    use super::Task;
    use crate::callback_threads::FollowUp;
    use crate::lane::payload::Payload;
    use crate::lane::record::{Status, push_argument};
    use crate::task::{Answer, Receiver, TaskState};
    use crate::wire::entry_point::{EntryPoint, Invoke, Output};
    use std::sync::Arc;

    /// A receiver that keeps nothing but the state.
    #[derive(Debug, Default)]
    struct Nobody(TaskState);

    impl Receiver for Nobody {
        fn task_state(&self) -> &TaskState {
            &self.0
        }

        fn receive(&self, _item: u32, _answer: Answer<'_>) -> FollowUp {
            FollowUp::None
        }
    }

    struct Nothing;

    impl<F> Invoke<F> for Nothing {
        fn invoke(_function: &F, _argument: &[u8], _output: &mut Output) -> Status {
            Status::Returned
        }
    }

    fn entry() -> EntryPoint {
        EntryPoint::new::<_, Nothing>(|| ()).unwrap()
    }

    /// A task of one call with this argument.
    pub(crate) fn single(argument: &[u8]) -> Task {
        Task::single(entry(), Payload::copy(argument), Arc::new(Nobody::default()))
    }

    /// A task of so many calls.
    pub(crate) fn framed(items: u32) -> Task {
        let mut payload = Vec::new();
        for item in 0..items {
            push_argument::<()>(&mut payload, |bytes| {
                bytes.extend(item.to_le_bytes());
                Ok(())
            })
            .unwrap();
        }
        Task::framed(entry(), Payload::new(payload), items, Arc::new(Nobody::default()))
    }
}
