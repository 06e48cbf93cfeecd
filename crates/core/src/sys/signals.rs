//! The signals with which a worker starts. One of the few files with unsafe code.
#![allow(unsafe_code)]

/// Ignored signals that stay ignored: SIGHUP, because `nohup` ignores it for everything that follows, and
/// SIGPIPE, because Rust's start-up code does.
const STAY: [libc::c_int; 2] = [libc::SIGHUP, libc::SIGPIPE];

/// Ignored in a worker, because it is no foreground process of its terminal: it may print and change
/// settings there all the same, and reading from it is an error (EIO) instead of a stop without end.
const TERMINAL: [libc::c_int; 2] = [libc::SIGTTIN, libc::SIGTTOU];

/// Gives this process, which was just started, the signals that a program expects: none blocked, none
/// ignored but those above. A program hands both down to what it starts, and its reasons are its own.
pub(crate) fn reset() {
    // SAFETY: a set of signals may have any bits, and `sigemptyset` then sets them all.
    let mut none: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: both calls only read and write the set, which lives here.
    unsafe {
        libc::sigemptyset(&raw mut none);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
    for signal in 1..=libc::SIGRTMAX() {
        let wanted = if TERMINAL.contains(&signal) { libc::SIG_IGN } else { libc::SIG_DFL };
        if STAY.contains(&signal) || is_ignored(signal) == (wanted == libc::SIG_IGN) {
            continue;
        }
        // SAFETY: neither disposition is a function, so no code is called that could be unsafe. Signals
        // that cannot be changed are refused.
        unsafe { libc::signal(signal, wanted) };
    }
}

fn is_ignored(signal: libc::c_int) -> bool {
    // SAFETY: an action may be all zeros.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: with no new action, the call only writes the old one, which lives here.
    let asked = unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) };
    asked == 0 && action.sa_sigaction == libc::SIG_IGN
}
