//! The check that the builders of all executors share.

use crate::error::{Error, Kind};

/// Refuses a setting that is 0.
pub(super) fn at_least_one(what: &str, number: usize) -> Result<(), Error> {
    match number {
        0 => Err(Error::new(Kind::Invalid(format!("{what} must be greater than 0")))),
        _ => Ok(()),
    }
}
