//! What an operator can see: an event for each birth, death, retry and deadline. The only test of its
//! program, because who collects events is decided once for a whole program.

use horsepower::prelude::*;
use horsepower_conformance::lab::{assert_gone, guarded};
use horsepower_conformance::roles::die;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// The texts of all events.
static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Collector;

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("horsepower")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(event.metadata().level().to_string());
        event.record(&mut text);
        SEEN.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn births_deaths_retries_and_deadlines_are_told() {
    horsepower::init();
    guarded("events", || {
        tracing::subscriber::set_global_default(Collector).unwrap();
        let pool = ProcessPoolExecutor::with_workers(1).unwrap();
        assert!(pool.task(die, "abort".to_owned()).retries(1).submit().result().is_err());
        let hang = |(): ()| loop {
            std::thread::park();
        };
        let hangs: TaskFuture<u32> =
            pool.task(hang, ()).deadline(Duration::from_millis(5)).submit();
        assert!(hangs.result().unwrap_err().is_deadline());
        let pid = pool.submit(|(): ()| std::process::id(), ()).result().unwrap();
        let pids = pool.worker_pids();
        drop(pool);
        assert_gone(&pids);

        let seen = SEEN.lock().unwrap();
        let count = |texts: &[&str]| {
            seen.iter().filter(|line| texts.iter().all(|text| line.contains(text))).count()
        };
        assert_eq!(count(&["DEBUG", "worker is started"]), 4, "{seen:#?}");
        assert_eq!(count(&["worker is started", &format!("pid={pid} ")]), 1, "{seen:#?}");
        assert_eq!(count(&["WARN", "worker has died", "Signal(6)"]), 2, "{seen:#?}");
        assert_eq!(count(&["DEBUG", "task is tried again", "die"]), 1, "{seen:#?}");
        assert_eq!(count(&["WARN", "task is past its deadline", "limit=5ms"]), 1, "{seen:#?}");
        assert_eq!(count(&["worker has died", "Signal(9)"]), 1, "{seen:#?}");
    });
}
