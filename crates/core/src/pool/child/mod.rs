//! The parent's view of one worker. The worker's own side is [`crate::worker`].
//!
//! | file | what it owns |
//! |---|---|
//! | `handle` | one worker: the parts below, together |
//! | `stage` | what it is doing, from its start to its death, and who wants it to go |
//! | `window` | the tasks in its lane |
//! | `segments` | its shared memory for large payloads |
//! | `history` | what it has been given and has done |
//! | `helper` | whether a thread helps with its lane |
//! | `process` | its process, until it has been reaped |
//! | `exec` | executing the program once more, and the first messages |
//! | `fork_server` | a process that forks workers |
//! | `start` | starting a worker, in either way |

pub(crate) mod exec;
pub(crate) mod fork_server;
pub(crate) mod handle;
pub(crate) mod helper;
pub(crate) mod history;
pub(crate) mod process;
pub(crate) mod segments;
pub(crate) mod stage;
pub(crate) mod start;
pub(crate) mod trouble;
pub(crate) mod window;
