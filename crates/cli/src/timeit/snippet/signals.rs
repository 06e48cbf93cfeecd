//! [`Signals`]: catches Ctrl-C and other termination signals, so that temporary files are removed
//! before the process ends.

use signal_hook::consts::signal::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;
use signal_hook::low_level::emulate_default_handler;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The termination signals.
const TERMINATION: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// While this value lives, a termination signal or the exit of a child only makes a file descriptor
/// readable. Dropping it restores the default actions.
pub(super) struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
    /// Set to restore the default actions.
    restore_default: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn new() -> io::Result<Signals> {
        let (read, write) = UnixStream::pair()?;
        let restore_default = Arc::new(AtomicBool::new(false));
        let ignored = ignored();
        let caught = TERMINATION.into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0);
        for signal in caught.clone() {
            register_conditional_default(signal, restore_default.clone())?;
        }
        let watched = caught.chain([SIGCHLD]);
        let delivery = SignalDelivery::with_pipe(read, write, SignalOnly, watched)?;
        Ok(Signals { delivery, restore_default })
    }

    /// Fails if a termination signal has arrived.
    pub(super) fn check(&mut self) -> Result<(), Interrupted> {
        match self.delivery.pending().find(|signal| TERMINATION.contains(signal)) {
            Some(signal) => Err(Interrupted(signal)),
            None => Ok(()),
        }
    }
}

/// The signals that this process was started with as ignored, for example by `nohup` or by a shell in
/// the background, as a bit mask. They must stay ignored. 0 where there is no `/proc`.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.delivery.get_read().as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        // Relaxed: the flag publishes no other data.
        self.restore_default.store(true, Ordering::Relaxed);
    }
}

/// The error of a termination signal.
#[derive(Debug)]
pub(super) struct Interrupted(i32);

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "interrupted by signal {}", self.0)
    }
}

impl std::error::Error for Interrupted {}

impl Interrupted {
    /// Ends this process by the signal's default action. Call it after all cleanup.
    pub(super) fn exit(&self) {
        // This fails only for invalid signal numbers.
        let _ = emulate_default_handler(self.0);
    }
}
