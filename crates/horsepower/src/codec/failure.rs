//! [`CodecError`]: why a value cannot be encoded, or bytes cannot be decoded.

use std::fmt;

/// What serde reports, as text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CodecError(Box<str>);

impl CodecError {
    #[cold]
    pub(super) fn new(text: impl Into<Box<str>>) -> CodecError {
        CodecError(text.into())
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CodecError {}

impl serde::ser::Error for CodecError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        CodecError::new(text.to_string())
    }
}

impl serde::de::Error for CodecError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        CodecError::new(text.to_string())
    }
}
