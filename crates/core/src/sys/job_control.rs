//! Ctrl-Z stops the workers too, and `fg` and `bg` continue them. One of the few files with unsafe code.
//!
//! Workers are in process groups of their own, so what a terminal sends to its foreground group reaches the
//! parent alone. With SIGTSTP the parent would stop, and its workers go on. So the parent handles it: it
//! stops the groups of its workers, then itself, as the signal would have done; when it is continued, it
//! continues them. Nothing is installed if the program handles or ignores the signal already; a handler that
//! it installs later takes the place of this one. SIGSTOP cannot be handled, so it stops the parent alone.
#![allow(unsafe_code)]

use std::sync::Once;
use std::sync::atomic::{AtomicI32, Ordering};

/// The process groups of workers; 0: no one. With more workers than that, some are not stopped.
static GROUPS: [AtomicI32; 1024] = [const { AtomicI32::new(0) }; 1024];

/// The process whose workers they are: a copy of it, made by a fork, has none.
static OWNER: AtomicI32 = AtomicI32::new(0);

/// From now on, this process group is stopped and continued with this process.
pub(crate) fn add(pid: u32) {
    // Relaxed, here and below: only numbers, each by itself.
    OWNER.store(std::process::id() as i32, Ordering::Relaxed);
    let free = |group: &AtomicI32| {
        group.compare_exchange(0, pid as i32, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    };
    let _ = GROUPS.iter().any(free);
}

/// The process group has ended. To be called before its number can be another's.
pub(crate) fn remove(pid: u32) {
    for group in &GROUPS {
        let _ = group.compare_exchange(pid as i32, 0, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// Handles SIGTSTP from now on, unless the program does.
pub(crate) fn watch() {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        // SAFETY: an action may be all zeros.
        let mut before: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: with no new action, the call only writes the old one, which lives here.
        let asked = unsafe { libc::sigaction(libc::SIGTSTP, std::ptr::null(), &raw mut before) };
        if asked == 0 && before.sa_sigaction == libc::SIG_DFL {
            handle();
        }
    });
}

fn handle() {
    // SAFETY: an action may be all zeros.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    let handler: extern "C" fn(libc::c_int) = on_stop;
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the action is complete, and its function only does what a handler may: see there.
    unsafe { libc::sigaction(libc::SIGTSTP, &raw const action, std::ptr::null_mut()) };
}

extern "C" fn on_stop(_: libc::c_int) {
    // SAFETY: the address of this thread's error number, which is valid while the thread lives.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: see above.
    let kept = unsafe { *errno };
    tell(libc::SIGSTOP);
    // SAFETY: all of these may be called in a handler, and only write what lives here. The signal is blocked
    // while its handler runs; once it is not, its default action stops the process, here.
    unsafe {
        libc::signal(libc::SIGTSTP, libc::SIG_DFL);
        libc::raise(libc::SIGTSTP);
        let mut stop: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut stop);
        libc::sigaddset(&raw mut stop, libc::SIGTSTP);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const stop, std::ptr::null_mut());
        // Continued.
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const stop, std::ptr::null_mut());
    }
    handle();
    tell(libc::SIGCONT);
    // SAFETY: see above.
    unsafe { *errno = kept };
}

fn tell(signal: libc::c_int) {
    // SAFETY: takes nothing and cannot fail.
    if OWNER.load(Ordering::Relaxed) != unsafe { libc::getpid() } {
        return;
    }
    for group in &GROUPS {
        let group = group.load(Ordering::Relaxed);
        if group > 0 {
            // SAFETY: `kill` may be called in a handler, and touches no memory.
            unsafe { libc::kill(-group, signal) };
        }
    }
}
