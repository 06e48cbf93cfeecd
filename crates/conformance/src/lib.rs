//! The behaviours that every executor must show, as functions that take the kind of executor.
//!
//! Each row is named after its id in the list of behaviours that the project follows (`ex_07` is row
//! EX-07). `tests/suite.rs` runs them against every executor; a new executor is done when they pass.
//! What only processes or only threads can show is in the other files of `tests`.

#![forbid(unsafe_code)]

pub mod asynchronous;
pub mod beside;
pub mod built;
pub mod callbacks;
pub mod completion;
pub mod ends;
pub mod futures;
pub mod gate;
pub mod lab;
pub mod limits;
pub mod maps;
pub mod page;
pub mod pools;
pub mod roles;
pub mod rows;
pub mod shutdown;
pub mod suite;
pub mod terms;
pub mod waiting;
