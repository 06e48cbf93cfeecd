//! [`Message`]: a task in the form for backends that send tasks to other processes.

use crate::task::TaskOutput;
use horsepower_core::callback_threads::FollowUp;
use horsepower_core::entry_point::EntryPoint;
use horsepower_core::payload::Payload;
use horsepower_core::task::{Answer, Failure, Receiver, TaskPolicy, TaskState};
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// A task as bytes: which function of this program to call, with which argument, and where to
/// answer.
///
/// # Format
///
/// - [`entry`](Self::entry) names the function in every process of the same build of the program:
///   [`EntryPoint::encode`], [`EntryPoint::decode`]. A process of another build refuses the name.
/// - [`payload`](Self::payload) is the encoded argument of one call if [`items`](Self::items) is
///   `None`. Otherwise it holds that many arguments, each as its length (8 bytes, little-endian)
///   followed by its bytes; [`arguments`](crate::backend::arguments) iterates over them. Each is a separate
///   call with its own answer: item 0, 1, 2, …
/// - An answer is a record, which [`EntryPoint::call`] makes in the process that runs the function
///   and [`Reply::answer`] reads: first 8 bytes, little-endian, with the length of what follows
///   times 256 plus a status; then the encoded result (status 0) or a description of the failure.
///
/// ```
/// use horsepower::backend::{EntryPoint, Message, arguments};
///
/// /// What a backend does with a message, here without another process in between.
/// fn run(message: Message) {
///     let name = message.entry.encode().expect("this program's file can be read");
///     let payload = message.payload.bytes().to_vec();
///     let items = message.items;
///     // … both travel to another process of the same build, which does this:
///     let entry = EntryPoint::decode(&name).expect("the same build");
///     let answers: Vec<Vec<u8>> = match items {
///         None => vec![entry.call(&payload)],
///         Some(_) => arguments(&payload).map(|argument| entry.call(argument)).collect(),
///     };
///     // … the answers travel back:
///     for (item, answer) in (0..).zip(&answers) {
///         if let Some(callbacks) = message.reply.answer(item, answer) {
///             std::thread::spawn(|| callbacks.call());
///         }
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Message {
    /// The function.
    pub entry: EntryPoint,
    /// The encoded argument, or the arguments of several items.
    pub payload: Payload,
    /// How many items the payload holds, if it is framed; `None`: the argument of one call.
    pub items: Option<NonZeroU32>,
    /// The options that the backend has to honour, if any. A backend only gets options that it
    /// [supports](super::Backend::can).
    pub policy: Option<TaskPolicy>,
    /// Where to answer.
    pub reply: Reply,
}

impl Message {
    pub(super) fn single(
        entry: EntryPoint,
        payload: Payload,
        policy: Option<TaskPolicy>,
        receiver: Arc<dyn Receiver>,
    ) -> Message {
        Message { entry, payload, items: None, policy, reply: Reply::new(receiver, 1) }
    }

    pub(super) fn framed(
        entry: EntryPoint,
        payload: Payload,
        items: NonZeroU32,
        policy: Option<TaskPolicy>,
        receiver: Arc<dyn Receiver>,
    ) -> Message {
        let reply = Reply::new(receiver, items.get());
        Message { entry, payload, items: Some(items), policy, reply }
    }
}

/// Where a backend answers a [`Message`]: once per item, in any order, on any thread. If an item is
/// answered repeatedly, the first answer counts. When this is dropped, items without an answer fail
/// with an error that says that the backend lost them.
///
/// Answering runs user code: `Deserialize` and wakers. So a backend must not answer while it holds a lock.
/// Done-callbacks may take any amount of time, so they are returned, to be called elsewhere.
pub struct Reply {
    receiver: Option<Arc<dyn Receiver>>,
    items: u32,
}

impl Reply {
    fn new(receiver: Arc<dyn Receiver>, items: u32) -> Reply {
        Reply { receiver: Some(receiver), items }
    }

    /// The receiver, for the process pool, which answers it directly.
    pub(super) fn into_receiver(mut self) -> Arc<dyn Receiver> {
        match self.receiver.take() {
            Some(receiver) => receiver,
            None => unreachable!("only `into_receiver` and `drop` take it"),
        }
    }

    fn receiver(&self) -> &dyn Receiver {
        match &self.receiver {
            Some(receiver) => &**receiver,
            None => unreachable!("it is only taken together with the reply"),
        }
    }

    /// Identifies the task in calls of [`Control`](super::Control).
    #[must_use]
    pub fn task_state(&self) -> &TaskState {
        self.receiver().task_state()
    }

    /// How many answers are expected.
    #[must_use]
    pub fn items(&self) -> u32 {
        self.items
    }

    /// To be called before the task starts, by a backend without a [`Control`](super::Control): from now on
    /// its future says that it runs, and cannot be cancelled. False: it was cancelled, and must not start.
    #[must_use]
    pub fn begin(&self) -> bool {
        self.receiver().begin()
    }

    /// Answers an item with the record that [`EntryPoint::call`] made. A damaged record fails the
    /// item.
    ///
    /// If this ends the task and the task has done-callbacks, they are returned, to be called where
    /// they may take their time. Nobody sees the end of the task before they were called.
    pub fn answer(&self, item: u32, record: &[u8]) -> Option<Callbacks> {
        let answer = Answer::from_record(record).unwrap_or_else(|| {
            Answer::Failed(Failure::Damaged(format!("{} bytes that are no record", record.len())))
        });
        self.tell(item, answer)
    }

    /// Fails one item. Returns what [`answer`](Self::answer) returns.
    pub fn fail(&self, item: u32, failure: Failure) -> Option<Callbacks> {
        self.tell(item, Answer::Failed(failure))
    }

    /// Fails all items that have no answer yet. Returns what [`answer`](Self::answer) returns.
    pub fn fail_all(&self, failure: &Failure) -> Option<Callbacks> {
        let mut callbacks = None;
        for item in 0..self.items {
            callbacks = callbacks.or(self.fail(item, failure.clone()));
        }
        callbacks
    }

    /// Stores what the task printed, if [`TaskPolicy::capture`] is set. Call it before the answer.
    pub fn printed(&self, output: TaskOutput) {
        self.receiver().printed(output.stdout, output.stderr);
    }

    /// Reports how long `items` items took where they ran; a `map` sizes its chunks accordingly.
    pub fn took(&self, items: u32, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.receiver().spent(items, nanos);
    }

    fn tell(&self, item: u32, answer: Answer<'_>) -> Option<Callbacks> {
        let left = self.receiver().receive(item, answer);
        let receiver = self.receiver.as_ref().filter(|_| left == FollowUp::Callbacks)?;
        Some(Callbacks(receiver.clone()))
    }
}

/// The done-callbacks of a task that has ended. Dropping it calls them, on the thread that drops it.
#[must_use = "the callbacks are called where this is dropped"]
pub struct Callbacks(Arc<dyn Receiver>);

impl Callbacks {
    /// Calls them, on this thread. They may take as long as they like, and their panics are reported on
    /// standard error.
    pub fn call(self) {}
}

impl Drop for Callbacks {
    fn drop(&mut self) {
        self.0.call_back();
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callbacks")
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if self.receiver.is_some() {
            // Items that already have an answer keep it.
            drop(self.fail_all(&Failure::Lost));
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({} items)", self.items)
    }
}
