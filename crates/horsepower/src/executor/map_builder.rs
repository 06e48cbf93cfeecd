//! [`MapBuilder`]: a function, its items and the options of a `map`, before it starts.

use crate::map::{Map, MapOptions, OnError, Progress};
use std::fmt;
use std::time::Duration;

/// A function, the items to call it with, and options, created by
/// [`Executor::tasks`](crate::Executor::tasks). [`map`](Self::map) starts it.
#[must_use = "`map` starts the calls"]
pub struct MapBuilder<'e, R> {
    options: MapOptions,
    start: Box<dyn FnOnce(MapOptions) -> Map<'e, R> + 'e>,
}

impl<'e, R> MapBuilder<'e, R> {
    pub(crate) fn new(start: impl FnOnce(MapOptions) -> Map<'e, R> + 'e) -> MapBuilder<'e, R> {
        MapBuilder { options: MapOptions::new(), start: Box::new(start) }
    }

    fn with(mut self, change: impl FnOnce(MapOptions) -> MapOptions) -> Self {
        self.options = change(self.options);
        self
    }

    /// Replaces all options set so far.
    pub fn options(mut self, options: MapOptions) -> Self {
        self.options = options;
        self
    }

    /// See [`MapOptions::chunk_size`].
    ///
    /// # Panics
    /// If it is 0.
    pub fn chunk_size(self, items: usize) -> Self {
        self.with(|options| options.chunk_size(items))
    }

    /// See [`MapOptions::window`].
    ///
    /// # Panics
    /// If it is 0.
    pub fn window(self, items: usize) -> Self {
        self.with(|options| options.window(items))
    }

    /// See [`MapOptions::on_error`].
    pub fn on_error(self, on_error: OnError) -> Self {
        self.with(|options| options.on_error(on_error))
    }

    /// See [`MapOptions::unordered`].
    pub fn unordered(self) -> Self {
        self.with(MapOptions::unordered)
    }

    /// See [`MapOptions::total_deadline`].
    pub fn total_deadline(self, deadline: Duration) -> Self {
        self.with(|options| options.total_deadline(deadline))
    }

    /// See [`MapOptions::deadline`].
    pub fn deadline(self, deadline: Duration) -> Self {
        self.with(|options| options.deadline(deadline))
    }

    /// See [`MapOptions::grace`].
    pub fn grace(self, grace: Duration) -> Self {
        self.with(|options| options.grace(grace))
    }

    /// See [`MapOptions::progress`].
    pub fn progress(self, callback: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.with(|options| options.progress(callback))
    }

    /// See [`MapOptions::progress_bar`].
    #[cfg(feature = "indicatif")]
    pub fn progress_bar(self, bar: indicatif::ProgressBar) -> Self {
        self.with(|options| options.progress_bar(bar))
    }

    /// Starts the calls and returns the iterator over the results, like
    /// [`Executor::map`](crate::Executor::map).
    ///
    /// # Panics
    /// Like that method.
    pub fn map(self) -> Map<'e, R> {
        (self.start)(self.options)
    }
}

impl<R> fmt::Debug for MapBuilder<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MapBuilder({:?})", self.options)
    }
}
