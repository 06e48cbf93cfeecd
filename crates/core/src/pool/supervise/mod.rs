//! The thread that starts workers, sees them die, and does what is due.
//!
//! | file | what it owns |
//! |---|---|
//! | `supervisor` | the thread: its loop, and what it does with news |
//! | `descriptors` | what it sleeps on |
//! | `starts` | starting the workers that are wanted |
//! | `due` | ending workers whose time is over |
//! | `fork_servers` | the fork server, if workers are started by one |

pub(crate) mod descriptors;
pub(crate) mod due;
pub(crate) mod fork_servers;
pub(crate) mod starts;
pub(crate) mod supervisor;
