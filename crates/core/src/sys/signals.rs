//! The signals with which a worker starts. One of the few files with unsafe code.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicI32, Ordering};

/// Ignored signals that stay ignored: SIGHUP, because `nohup` ignores it for everything that follows, and
/// SIGPIPE, because Rust's start-up code does.
const STAY: [libc::c_int; 2] = [libc::SIGHUP, libc::SIGPIPE];

/// Ignored in a worker, because it is no foreground process of its terminal: it may print and change
/// settings there all the same, and reading from it is an error (EIO) instead of a stop without end.
const TERMINAL: [libc::c_int; 2] = [libc::SIGTTIN, libc::SIGTTOU];

/// The process id of the parent, for the handler below.
static PARENT: AtomicI32 = AtomicI32::new(0);

/// From now on a SIGTERM ends this process only if it comes from its parent or from itself. One that a
/// service manager sends to all processes of a service is for the parent, which ends its workers when their
/// tasks are done. A task may put its own handler in the place of this one.
pub(crate) fn leave_termination_to(parent: u32) {
    // Relaxed: written before the handler is there, and read by this thread alone until then.
    PARENT.store(parent as i32, Ordering::Relaxed);
    if is_ignored(libc::SIGTERM) {
        return;
    }
    // SAFETY: an action may be all zeros.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_terminate;
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
    // SAFETY: the action is complete, and its function only does what a handler may: see there.
    unsafe { libc::sigaction(libc::SIGTERM, &raw const action, std::ptr::null_mut()) };
}

extern "C" fn on_terminate(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid one, and this signal has a sender.
    let sender = unsafe { (*info).si_pid() };
    // SAFETY: takes nothing and cannot fail.
    let own = unsafe { libc::getpid() };
    // Relaxed: see above.
    if sender != PARENT.load(Ordering::Relaxed) && sender != own {
        return;
    }
    // SAFETY: an action may be all zeros, and the call, which a handler may make, only writes it.
    let now: libc::sigaction = unsafe {
        let mut now = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut now);
        now
    };
    if now.sa_sigaction != on_terminate as *const () as usize {
        // A task has put its own handler in the place of this one, and that has called it: it decides.
        return;
    }
    // SAFETY: both may be called in a handler. The signal comes again when this one returns, and then ends
    // the process.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

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
