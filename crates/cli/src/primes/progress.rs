//! [`Progress`]: the progress bar of a long run, drawn on standard error if that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};
use std::time::Duration;

/// Shorter runs show no bar.
const SHOW_AFTER: Duration = Duration::from_secs(1);

/// The progress bar of one run.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(executor: &'static str, numbers: usize) -> Progress {
        let target = ProgressDrawTarget::hidden();
        let bar = ProgressBar::with_draw_target(Some(numbers as u64), target)
            .with_style(style())
            .with_prefix(executor);
        Progress(bar)
    }

    /// Sets the number of completed numbers, and shows the bar once the run is long enough.
    pub(super) fn set(&self, completed: usize) {
        if self.0.is_hidden() && self.0.elapsed() >= SHOW_AFTER && io::stderr().is_terminal() {
            self.0.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.0.set_position(completed as u64);
    }

    /// Hides the bar while `write` runs, because it may write to the same terminal.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// The layout of the bar, without colours.
fn style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix} [{bar:24}] {pos}/{len}, elapsed {elapsed}, ETA {eta}")
        .expect("the template is valid")
        .progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_hidden_at_first() {
        let progress = Progress::new("inline", 2);
        progress.set(1);
        assert_eq!(progress.suspend(|| 5), 5);
        assert!(progress.0.is_hidden(), "hidden during the first second");
        progress.clear();
    }
}
