//! What a backend of another crate may do with the tasks that it is given, and get wrong with them.

use horsepower::backend::{Backend, Carrier, Message, MessageRunner};
use horsepower::{Error, Executor, ShutdownOptions, Stats};
use std::mem;
use std::sync::Mutex;

/// Keeps what it is given, for the test to answer.
#[derive(Default)]
struct Held(Mutex<Vec<Message>>);

impl Held {
    /// Takes the messages, in the order in which they were submitted.
    fn take<const N: usize>(&self) -> [Message; N] {
        mem::take(&mut *self.0.lock().unwrap()).try_into().expect("as many messages")
    }
}

impl MessageRunner for Held {
    fn start(&self, message: Message) {
        self.0.lock().unwrap().push(message);
    }
}

impl Backend for Held {
    fn carrier(&self) -> Carrier<'_> {
        Carrier::Messages(self)
    }

    fn parallelism(&self) -> usize {
        1
    }

    fn snapshot(&self) -> Stats {
        Stats::default()
    }

    fn stop(&self, _how: ShutdownOptions) -> Result<(), Error> {
        Ok(())
    }
}

fn double(n: u32) -> u32 {
    n * 2
}

#[test]
fn a_damaged_answer_is_the_error_of_its_task() {
    let held = Held::default();
    for damaged in [&b""[..], b"junk", &[0xff; 64]] {
        let future = held.submit(double, 1);
        let [message] = held.take();
        assert!(message.reply.answer(0, damaged).is_none(), "no callbacks");
        let error = future.result().unwrap_err();
        assert!(error.is_protocol(), "{error}");
        assert_eq!(error.worker_pid(), None, "nobody knows who damaged it");
        assert!(error.to_string().contains("the answer arrived damaged"), "{error}");
    }
}

#[test]
fn a_message_that_is_dropped_fails_its_task() {
    let held = Held::default();
    let future = held.submit(double, 1);
    let [message] = held.take();
    drop(message);
    assert!(future.result().unwrap_err().to_string().contains("without an answer"));
}

#[test]
fn the_first_answer_counts() {
    let held = Held::default();
    let future = held.submit(double, 21);
    let [message] = held.take();
    let record = message.entry.call(message.payload.bytes());
    assert!(message.reply.answer(0, &record).is_none());
    assert!(message.reply.answer(0, b"junk").is_none());
    drop(message);
    assert_eq!(future.result().unwrap(), 42);
}

#[test]
fn a_task_can_be_cancelled_until_the_backend_says_that_it_begins() {
    let held = Held::default();
    let (begun, cancelled) = (held.submit(double, 1), held.submit(double, 2));
    let [first, second] = held.take();
    assert!(first.reply.begin());
    assert!(begun.is_running() && !begun.cancel());
    assert!(cancelled.cancel() && !second.reply.begin(), "it must not start");
    assert!(first.reply.answer(0, &first.entry.call(first.payload.bytes())).is_none());
    assert_eq!(begun.result().unwrap(), 2);
    assert!(cancelled.result().unwrap_err().is_cancelled());
}
