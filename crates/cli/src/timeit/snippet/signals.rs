//! [`Signals`]: catches Ctrl-C and other termination signals, and in the measuring process the end of
//! the supervisor, so that processes and temporary files are removed before the process ends.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use signal_hook::consts::signal::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;
use signal_hook::low_level::emulate_default_handler;
use std::fmt;
use std::io::{self, Stdin};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The termination signals.
const TERMINATION: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// While this value lives, a termination signal or the exit of a child only ends [`Signals::wait`].
/// Dropping it restores the default actions.
pub(super) struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
    /// Set to restore the default actions.
    restore_default: Arc<AtomicBool>,
    /// In the measuring process, a pipe that nobody writes to and that ends with the supervisor.
    lifeline: Option<Stdin>,
}

impl Signals {
    /// The supervisor has no lifeline. It also catches Ctrl-Z.
    pub(super) fn new(lifeline: Option<Stdin>) -> io::Result<Signals> {
        let (read, write) = UnixStream::pair()?;
        let restore_default = Arc::new(AtomicBool::new(false));
        let ignored = ignored();
        let stop = lifeline.is_none().then_some(SIGTSTP);
        let wanted = TERMINATION.into_iter().chain(stop);
        let caught = wanted.filter(|signal| ignored & (1 << (signal - 1)) == 0);
        for signal in caught.clone() {
            register_conditional_default(signal, restore_default.clone())?;
        }
        let watched = caught.chain([SIGCHLD]);
        let delivery = SignalDelivery::with_pipe(read, write, SignalOnly, watched)?;
        Ok(Signals { delivery, restore_default, lifeline })
    }

    /// Fails if a signal has arrived, or if the supervisor is gone.
    pub(super) fn check(&mut self) -> Result<(), Interrupted> {
        let signals: Vec<_> = self.delivery.pending().collect();
        if let Some(&signal) = signals.iter().find(|signal| TERMINATION.contains(signal)) {
            return Err(Interrupted::Signal(signal));
        }
        if signals.contains(&SIGTSTP) {
            return Err(Interrupted::Stop);
        }
        // An error means that a signal came in between. It ends the next `wait`, too.
        let ended = self.lifeline.as_ref().is_some_and(|lifeline| {
            let mut lifeline = [PollFd::new(lifeline, PollFlags::IN)];
            poll(&mut lifeline, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
        });
        if ended { Err(Interrupted::Orphaned) } else { Ok(()) }
    }

    /// Waits until something may have happened: a signal, the exit of a child, the end of the
    /// supervisor, data in the pipe, or the time limit.
    pub(super) fn wait(
        &self,
        pipe: Option<BorrowedFd<'_>>,
        limit: Option<Duration>,
    ) -> io::Result<()> {
        let signals = self.delivery.get_read().as_fd();
        let lifeline = self.lifeline.as_ref().map(AsFd::as_fd);
        let sources = [Some(signals), lifeline, pipe].into_iter().flatten();
        let mut sources: Vec<_> =
            sources.map(|source| PollFd::from_borrowed_fd(source, PollFlags::IN)).collect();
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        match poll(&mut sources, limit.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
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

impl Drop for Signals {
    fn drop(&mut self) {
        // Relaxed: the flag publishes no other data.
        self.restore_default.store(true, Ordering::Relaxed);
    }
}

/// Why the work stops early.
#[derive(Debug)]
pub(super) enum Interrupted {
    /// A termination signal.
    Signal(i32),
    /// Ctrl-Z.
    Stop,
    /// The supervisor is gone.
    Orphaned,
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Interrupted::Signal(signal) => write!(f, "interrupted by signal {signal}"),
            Interrupted::Stop => f.write_str("stopped"),
            Interrupted::Orphaned => f.write_str("the supervisor is gone"),
        }
    }
}

impl std::error::Error for Interrupted {}

impl Interrupted {
    /// Applies the signal's default action: ends this process, or stops it until it is continued. Call
    /// it after all cleanup.
    pub(super) fn exit(&self) {
        let signal = match *self {
            Interrupted::Signal(signal) => signal,
            Interrupted::Stop => SIGTSTP,
            Interrupted::Orphaned => return,
        };
        // This fails only for invalid signal numbers.
        let _ = emulate_default_handler(signal);
    }
}
