//! [`Error`]: the one error of this crate.
//!
//! `error` is the type and its predicates, `kind` what can go wrong and its sentences, `name` what a task is
//! called.

#[allow(clippy::module_inception)]
mod error;
mod kind;
mod name;

pub use error::Error;
pub(crate) use error::{AGAIN, NOT_STARTED};
pub(crate) use kind::Kind;
pub(crate) use name::Name;
