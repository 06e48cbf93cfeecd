//! Everything that a pool knows, behind one lock.
//!
//! | file | what it owns |
//! |---|---|
//! | `schedule` | the schedule: the parts below, together |
//! | `roster` | the workers, each at its index |
//! | `queue` | the tasks that wait for room in a lane |
//! | `timers` | when the supervisor is to come by |
//! | `pace` | how long tasks take, and so how deep a lane is and how long to spin |
//! | `respawn` | how many workers to start, and when |
//!
//! and what happens to it, each file one thing that `impl`s the schedule:
//!
//! | file | what happens |
//! |---|---|
//! | `put` | step ③: tasks go into lanes |
//! | `collect` | step ⑤: replies come out of lanes |
//! | `recover` | the lane of a worker that has died is emptied |
//! | `requeue` | a task is tried again, now or later |
//! | `withdraw` | a task is taken back that has not begun |
//! | `end_task` | a running task is ended, with its worker |
//! | `deadlines` | what is due is done |
//! | `memory` | workers that use too much memory are replaced or ended |

pub(crate) mod collect;
pub(crate) mod deadlines;
pub(crate) mod end_task;
pub(crate) mod memory;
pub(crate) mod pace;
pub(crate) mod put;
pub(crate) mod queue;
pub(crate) mod recover;
pub(crate) mod requeue;
pub(crate) mod respawn;
pub(crate) mod roster;
#[allow(clippy::module_inception)]
pub(crate) mod schedule;
pub(crate) mod timers;
mod troubled;
pub(crate) mod withdraw;
