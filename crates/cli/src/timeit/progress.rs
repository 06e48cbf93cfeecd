//! [`Progress`]: one line that tells what a long run is doing, on standard error if that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::Cell;
use std::io::{self, IsTerminal};
use std::time::Duration;

/// Shorter runs show nothing.
const SHOW_AFTER: Duration = Duration::from_secs(1);

/// The line. Dropping it clears it. It is drawn only when it changes: a timer would disturb the timing.
pub(super) struct Progress {
    bar: ProgressBar,
    /// Whether the line is still to be shown.
    wanted: Cell<bool>,
}

impl Progress {
    pub(super) fn new(wanted: bool) -> Progress {
        let style = ProgressStyle::with_template("{msg}").expect("the template is valid");
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Progress {
            bar: bar.with_style(style),
            wanted: Cell::new(wanted && io::stderr().is_terminal()),
        }
    }

    /// Sets what is being done.
    pub(super) fn set(&self, what: String) {
        self.bar.set_message(what);
        self.show_if_due();
    }

    /// How long until the line is due, if it is not shown yet.
    pub(super) fn due_in(&self) -> Option<Duration> {
        self.wanted.get().then(|| SHOW_AFTER.saturating_sub(self.bar.elapsed()))
    }

    pub(super) fn show_if_due(&self) {
        if self.due_in() == Some(Duration::ZERO) {
            self.wanted.set(false);
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.tick();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unwanted_line_is_never_due() {
        let progress = Progress::new(false);
        progress.set("compiling".to_owned());
        assert_eq!(progress.due_in(), None);
        assert!(progress.bar.is_hidden());
    }
}
