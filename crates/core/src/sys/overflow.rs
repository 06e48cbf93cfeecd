//! Telling of a stack overflow. One of the few files with unsafe code.
//!
//! The standard library's handler of SIGSEGV prints a sentence and aborts, so from outside the end looks like
//! any other abort. The handler here comes before it, writes what it was given if the fault is at the end
//! of the stack, and leaves the rest to the handler that was there.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::{Arc, OnceLock};

struct Overflow {
    /// The addresses that a thread touches when its stack is used up.
    guard: std::ops::Range<usize>,
    pipe: Arc<OwnedFd>,
    words: Vec<u8>,
    before: libc::sigaction,
}

static OVERFLOW: OnceLock<Overflow> = OnceLock::new();

/// How far below its stack a thread may touch first: large frames are touched page by page, but the kernel
/// keeps a gap of its own.
const BELOW: usize = 2 << 20;

/// How far above the end of its stack: the guard pages are counted as part of it by some C libraries.
const ABOVE: usize = 64 << 10;

/// If this thread overflows its stack, `words` are written into `pipe` before the process ends. The first call
/// in a process counts. If the C library does not say where the stack is, nothing happens.
pub(crate) fn tell(pipe: Arc<OwnedFd>, words: Vec<u8>) {
    let Some(end) = end_of_stack() else { return };
    let guard = end.saturating_sub(BELOW)..end.saturating_add(ABOVE);
    // SAFETY: an action may be all zeros.
    let mut before: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: with no new action, the call only writes the old one, which lives here.
    let asked = unsafe { libc::sigaction(libc::SIGSEGV, std::ptr::null(), &raw mut before) };
    // Without the alternate stack that comes with the standard library's handler, none could run.
    if asked != 0 || before.sa_flags & libc::SA_ONSTACK == 0 {
        return;
    }
    let overflow = Overflow { guard, pipe, words, before };
    if OVERFLOW.set(overflow).is_err() {
        return;
    }
    let mut action = before;
    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_fault;
    action.sa_sigaction = handler as *const () as usize;
    // SAFETY: the action is complete, and its function only does what a handler may: see there.
    unsafe { libc::sigaction(libc::SIGSEGV, &raw const action, std::ptr::null_mut()) };
}

extern "C" fn on_fault(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let Some(overflow) = OVERFLOW.get() else { return };
    // SAFETY: the kernel passes a valid one, and this signal has an address.
    let address = unsafe { (*info).si_addr() } as usize;
    if overflow.guard.contains(&address) {
        // SAFETY: `write` may be called in a handler, and the bytes live for ever.
        unsafe {
            libc::write(
                overflow.pipe.as_raw_fd(),
                overflow.words.as_ptr().cast(),
                overflow.words.len(),
            )
        };
    }
    // SAFETY: `sigaction` may be called in a handler. When this one returns, the fault comes again, to the
    // handler that was there before.
    unsafe { libc::sigaction(signal, &raw const overflow.before, std::ptr::null_mut()) };
}

/// The lowest address of this thread's stack.
fn end_of_stack() -> Option<usize> {
    // SAFETY: the attributes are filled by the first call, read by the second, and freed by the third; all of
    // it lives here.
    unsafe {
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        if libc::pthread_getattr_np(libc::pthread_self(), &raw mut attributes) != 0 {
            return None;
        }
        let (mut low, mut size) = (std::ptr::null_mut(), 0);
        let asked = libc::pthread_attr_getstack(&raw const attributes, &raw mut low, &raw mut size);
        libc::pthread_attr_destroy(&raw mut attributes);
        (asked == 0).then(|| low.addr())
    }
}
