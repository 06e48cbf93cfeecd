//! The role of this process: the program itself, or a process that horsepower started.
//!
//! Set by [`crate::worker`] from the handshake.

use std::sync::OnceLock;

/// The role of a process that horsepower started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The name that its parent gave it.
    pub name: String,
    /// The process id of the parent.
    pub parent: u32,
    /// The name of the parent; empty if horsepower did not start the parent.
    pub parent_name: String,
    /// How many such processes are above the program's first process, including this one.
    pub depth: u8,
    /// A fork server forked it, instead of executing the program again.
    pub forked: bool,
    /// It runs one function and exits; otherwise it is a worker of a pool.
    pub dedicated: bool,
}

static ROLE: OnceLock<Role> = OnceLock::new();

/// The role of a fork server, and of its workers until their own handshake.
static SERVER: OnceLock<Role> = OnceLock::new();

/// The role of this process; `None` in a program that horsepower did not start.
pub fn role() -> Option<&'static Role> {
    ROLE.get().or_else(|| SERVER.get())
}

pub(crate) fn set_server(role: Role) {
    // A process gets one handshake.
    let _ = SERVER.set(role);
}

pub(crate) fn set_role(role: Role) {
    // A process gets one handshake.
    let _ = ROLE.set(role);
}
