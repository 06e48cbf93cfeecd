//! A subscriber of tracing events for the tests: it calls a function with each event.

use std::fmt::{Debug, Write as _};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Calls the function with the text of each event of this library from now on, for the rest of the
/// program: its level, then each field as ` name=value`.
///
/// # Panics
/// If the program has a global subscriber already.
pub fn on_event(tell: impl Fn(String) + Send + Sync + 'static) {
    tracing::subscriber::set_global_default(OnEvent(tell)).expect("no other subscriber");
}

struct OnEvent<F>(F);

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl<F: Fn(String) + Send + Sync + 'static> Subscriber for OnEvent<F> {
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
        (self.0)(text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
