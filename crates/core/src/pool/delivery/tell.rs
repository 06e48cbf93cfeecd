//! Telling receivers how their tasks ended.
//!
//! Called by [`deliver`](super::deliver) without the lock. Receivers run code of the user: `Deserialize`,
//! wakers, `Drop`. Their panics are their own.

use super::outbox::{End, Outbox, Outcome, Reply, SpentSegment};
use crate::callback_threads::FollowUp;
use crate::lane::payload::Encoded;
use crate::lane::record::{Status, next_record};
use crate::pool::counts::Counts;
use crate::task::{Answer, Failure, Receiver};
use crate::wire::panic::catch;
use std::ops::Range;
use std::sync::Arc;

/// What is left to do after the receivers were told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// How many tasks are over.
    pub(crate) over: usize,
    /// Segments that are free again.
    pub(crate) spent: Vec<SpentSegment>,
    /// Receivers whose callbacks are to be called.
    pub(crate) callbacks: Vec<Arc<dyn Receiver>>,
}

/// Tells every receiver in the outbox, and drops what is to be dropped without the lock.
pub(crate) fn tell(outbox: Outbox, counts: &Counts) -> Told {
    let mut told = Told::default();
    for end in outbox.ends {
        told.over += usize::from(end.over);
        let left = catch(|| tell_end(end, counts, &mut told.spent));
        told.callbacks.extend(left.ok().flatten());
    }
    for task in outbox.discarded {
        let _ = catch(|| drop(task));
    }
    for receiver in outbox.released {
        let _ = catch(|| drop(receiver));
    }
    told
}

/// Returns the receiver if it has callbacks to be called; else it may be dropped here, with the result.
fn tell_end(end: End, counts: &Counts, spent: &mut Vec<SpentSegment>) -> Option<Arc<dyn Receiver>> {
    let End { receiver, items, nanos, outcome, capture, over: _, whole: _task } = end;
    if let Some(capture) = capture {
        let (output, errors) = capture.read();
        receiver.printed(output, errors);
    }
    if nanos > 0 {
        receiver.spent(items.end - items.start, nanos);
    }
    let left = match outcome {
        Outcome::Failed(failure) => {
            let cancelled = matches!(failure, Failure::Cancelled | Failure::Killed { .. });
            let counter = if cancelled { &counts.cancelled } else { &counts.failed };
            counts.add(counter, u64::from(items.end - items.start));
            let tell = |item| tell_item(&*receiver, item, Answer::Failed(failure.clone()));
            items.map(tell).fold(FollowUp::None, FollowUp::or)
        }
        Outcome::Replied { pid, reply: Reply::Own(bytes) } => {
            tell_records(&*receiver, items, pid, Encoded::own(&bytes), counts)
        }
        Outcome::Replied { pid, reply: Reply::Segment { segment, length, index, serial } } => {
            let left = Encoded::shared(&segment.memory, 0, length)
                .map_or(FollowUp::None, |bytes| {
                    tell_records(&*receiver, items, pid, bytes, counts)
                });
            spent.push((index, serial, segment));
            left
        }
    };
    (left == FollowUp::Callbacks).then_some(receiver)
}

/// Tells the receiver of each record. The records have been checked, but the worker may have changed those
/// in a segment since.
fn tell_records(
    receiver: &dyn Receiver,
    items: Range<u32>,
    pid: u32,
    bytes: Encoded<'_>,
    counts: &Counts,
) -> FollowUp {
    let (mut start, mut left) = (0, FollowUp::None);
    for item in items {
        let answer = match next_record(bytes, &mut start) {
            Some((Status::Returned, bytes)) => Answer::Returned(bytes),
            Some((status, body)) => {
                Answer::Failed(Failure::from_record(status, body).unwrap_or_else(|| {
                    Failure::Protocol { pid, what: "its report of a failure is damaged".to_owned() }
                }))
            }
            None => Answer::Failed(Failure::Protocol {
                pid,
                what: "its results were changed after they were sent".to_owned(),
            }),
        };
        // Before anybody can see that it has ended.
        let counter = match answer {
            Answer::Returned(_) => &counts.done,
            Answer::Failed(_) => &counts.failed,
        };
        counts.add(counter, 1);
        left = left.or(tell_item(receiver, item, answer));
    }
    left
}

/// Tells the receiver of one item. Its panic must not keep the others from being told.
fn tell_item(receiver: &dyn Receiver, item: u32, answer: Answer<'_>) -> FollowUp {
    catch(|| receiver.receive(item, answer)).unwrap_or(FollowUp::None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::payload::Payload;
    use crate::lane::record::header;
    use crate::pool::task::Task;
    use crate::pool::task::samples::single;
    use crate::task::TaskState;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Keeps the items that it was told of, has callbacks, and panics at this item.
    #[derive(Debug, Default)]
    struct Recorder {
        state: TaskState,
        told: Mutex<Vec<(u32, bool)>>,
        panics_at: Option<u32>,
    }

    impl Receiver for Recorder {
        fn task_state(&self) -> &TaskState {
            &self.state
        }

        fn receive(&self, item: u32, answer: Answer<'_>) -> FollowUp {
            let returned = matches!(answer, Answer::Returned(_));
            self.told.lock().unwrap().push((item, returned));
            assert_ne!(self.panics_at, Some(item), "on purpose");
            FollowUp::Callbacks
        }
    }

    fn framed(recorder: &Arc<Recorder>, items: u32) -> Task {
        let entry = single(b"").entry;
        Task::framed(entry, Payload::new(Vec::new()), items, recorder.clone())
    }

    fn read(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    #[test]
    fn one_that_panics_keeps_no_other_from_being_told() {
        let (counts, mut outbox) = (Counts::default(), Outbox::default());
        let recorder = Arc::new(Recorder { panics_at: Some(0), ..Recorder::default() });
        outbox.fail(framed(&recorder, 3), Failure::Cancelled);
        let told = tell(outbox, &counts);
        assert_eq!(*recorder.told.lock().unwrap(), [(0, false), (1, false), (2, false)]);
        assert_eq!((told.over, told.callbacks.len(), read(&counts.cancelled)), (1, 1, 3));
    }

    #[test]
    fn each_record_is_an_answer_and_one_that_is_missing_is_a_failure() {
        let (counts, mut outbox) = (Counts::default(), Outbox::default());
        let recorder = Arc::new(Recorder::default());
        let mut bytes: Vec<u8> = Vec::new();
        for (status, body) in [(Status::Returned, "one"), (Status::NotEncoded, "two")] {
            bytes.extend(header(status, body.len()));
            bytes.extend(body.bytes());
        }
        outbox.ends.push(End {
            receiver: recorder.clone(),
            items: 4..7,
            nanos: 1,
            outcome: Outcome::Replied { pid: 1, reply: Reply::Own(bytes.into()) },
            capture: None,
            over: false,
            whole: None,
        });
        let told = tell(outbox, &counts);
        assert_eq!(*recorder.told.lock().unwrap(), [(4, true), (5, false), (6, false)]);
        assert_eq!((told.over, read(&counts.done), read(&counts.failed)), (0, 1, 2));
    }
}
