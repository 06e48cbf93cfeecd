//! Whether the calling thread is a daemon, for the threads that it makes.
//!
//! Set by [`super::shared`] on each thread that it starts, read by [`super::ThreadBuilder`].

use std::cell::Cell;

thread_local! {
    static DAEMON: Cell<bool> = const { Cell::new(false) };
}

/// True on a thread that was started as a daemon; no other thread is one.
pub(super) fn is_daemon() -> bool {
    DAEMON.get()
}

/// Says of the calling thread whether it is a daemon.
pub(super) fn set_daemon(daemon: bool) {
    DAEMON.set(daemon);
}
