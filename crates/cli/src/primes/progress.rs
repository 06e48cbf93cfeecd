//! The progress bar: on standard error, if that is a terminal, when a race takes long.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};
use std::time::Duration;

/// A race that is shorter has no bar.
const LONG: Duration = Duration::from_secs(1);

/// The bar of one race.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(executor: &'static str, numbers: usize) -> Progress {
        let target = ProgressDrawTarget::hidden();
        let bar = ProgressBar::with_draw_target(Some(numbers as u64), target)
            .with_style(style())
            .with_prefix(executor);
        Progress(bar)
    }

    /// So many numbers have been passed.
    pub(super) fn show(&self, passed: usize) {
        if self.0.is_hidden() && self.0.elapsed() >= LONG && io::stderr().is_terminal() {
            self.0.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.0.set_position(passed as u64);
    }

    /// Writes something to the same terminal, perhaps.
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// Without colours.
fn style() -> ProgressStyle {
    ProgressStyle::with_template(
        "{prefix} [{bar:24}] {pos} of {len}, {elapsed} so far, {eta} to go",
    )
    .expect("the template is sound")
    .progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_lives_and_ends() {
        let progress = Progress::new("inline", 2);
        progress.show(1);
        assert_eq!(progress.aside(|| 5), 5);
        assert!(progress.0.is_hidden(), "not yet a second");
        progress.clear();
    }
}
