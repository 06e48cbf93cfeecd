//! What a task is to every place that runs tasks, on every platform.
//!
//! | file | what it owns |
//! |---|---|
//! | `state` | what whoever runs a task notes about it |
//! | `policy` | what the user asks for a task beyond being run |
//! | `receiver` | who is told of the end of a task, and what they are told |
//! | `patience` | how long one worker keeps the items of one task to itself |
//!
//! Used by [`crate::pool`], where there are processes, and by the executors of the `horsepower` crate.

pub mod patience;
pub mod policy;
pub mod receiver;
pub mod state;

pub use patience::PATIENCE;
pub use policy::TaskPolicy;
pub use receiver::{Answer, Failure, Receiver};
pub use state::TaskState;
