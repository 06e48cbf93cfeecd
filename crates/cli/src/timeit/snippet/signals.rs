//! Ctrl-C and its kind, noticed while waiting, so that there is time to clean up.

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

/// The signals that ask a program to end.
const ENDING: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// As long as this lives, signals that ask for an end only make a file descriptor readable, and the
/// end of a child does so too.
pub(super) struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
    /// Signals are to do what they always do.
    over: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn new() -> io::Result<Signals> {
        let (read, write) = UnixStream::pair()?;
        let over = Arc::new(AtomicBool::new(false));
        let ignored = ignored();
        let heeded = ENDING.into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0);
        for signal in heeded.clone() {
            register_conditional_default(signal, over.clone())?;
        }
        let noticed = heeded.chain([SIGCHLD]);
        let delivery = SignalDelivery::with_pipe(read, write, SignalOnly, noticed)?;
        Ok(Signals { delivery, over })
    }

    /// An error if there was a signal that asks for an end.
    pub(super) fn look(&mut self) -> Result<(), Interrupted> {
        match self.delivery.pending().find(|signal| ENDING.contains(signal)) {
            Some(signal) => Err(Interrupted(signal)),
            None => Ok(()),
        }
    }
}

/// The signals that this process was started to ignore, a bit for each, as by `nohup` or by a shell
/// that starts it in the background; that is to stay so. None where the system does not say.
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
        // One flag and nothing that it announces: no ordering is needed.
        self.over.store(true, Ordering::Relaxed);
    }
}

/// The user, or somebody else, wants an end.
#[derive(Debug)]
pub(super) struct Interrupted(i32);

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "interrupted by signal {}", self.0)
    }
}

impl std::error::Error for Interrupted {}

impl Interrupted {
    /// Ends this process as the signal would have done, now that everything is cleaned up.
    pub(super) fn end(&self) {
        // It fails for numbers that are no signals only.
        let _ = emulate_default_handler(self.0);
    }
}
