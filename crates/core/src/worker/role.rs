//! What this process is to horsepower: the program itself, or a process that it has started.
//!
//! Set by [`crate::worker`] from the hello.

use std::sync::OnceLock;

/// What a process that was started by another is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// What its parent calls it.
    pub name: String,
    /// The process id of the parent.
    pub parent: u32,
    /// What the parent is called; empty if it was not started by horsepower.
    pub parent_name: String,
    /// How many such processes are above it, itself included.
    pub depth: u8,
    /// It was forked by a fork server, not started afresh.
    pub forked: bool,
    /// It runs one function and ends; else it is a worker of a pool.
    pub alone: bool,
}

static ROLE: OnceLock<Role> = OnceLock::new();

/// What a fork server is, and its workers until they know better.
static SERVER: OnceLock<Role> = OnceLock::new();

/// The role of this process; `None` in a program that was started by others.
pub fn role() -> Option<&'static Role> {
    ROLE.get().or_else(|| SERVER.get())
}

pub(crate) fn set_server(role: Role) {
    // A process gets one hello.
    let _ = SERVER.set(role);
}

pub(crate) fn set_role(role: Role) {
    // A process gets one hello.
    let _ = ROLE.set(role);
}
