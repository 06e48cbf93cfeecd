//! Whether the calling thread is a daemon, which the threads that it creates inherit.
//!
//! [`super::shared`] sets it on each thread that it starts; [`super::ThreadBuilder`] reads it.

use std::cell::Cell;

thread_local! {
    static DAEMON: Cell<bool> = const { Cell::new(false) };
}

/// True on a thread that was started as a daemon.
pub(super) fn is_daemon() -> bool {
    DAEMON.get()
}

/// Sets whether the calling thread is a daemon.
pub(super) fn set_daemon(daemon: bool) {
    DAEMON.set(daemon);
}
