//! The conformance suite: what every executor must do, as functions that take the place where tasks run.
//!
//! Such a function is a row. Its name begins with the id of its behaviour in `behaviours.txt`: `ex_07`
//! checks EX-07. `tests/suite.rs` lists every row with the group of places that can show it, so
//! `git grep ex_07` finds the row and where it runs. A new executor is done when its rows pass; see
//! [`place`] for how to add one. The other files of `tests` check what only processes or only threads
//! can show.

#![forbid(unsafe_code)]

pub mod asynchronous;
pub mod built;
pub mod callbacks;
pub mod completion;
pub mod concurrent;
pub mod ends;
pub mod futures;
pub mod gate;
pub mod harness;
pub mod limits;
pub mod maps;
pub mod page;
pub mod place;
pub mod pools;
pub mod rows;
pub mod shutdown;
pub mod socket;
pub mod streams;
pub mod subprocess;
pub mod subscriber;
pub mod suite;
pub mod task_options;
pub mod values;
pub mod waiting;
