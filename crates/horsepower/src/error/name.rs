//! What a task is called.

use std::sync::Arc;

/// The path of its function, or the name that it was given.
#[derive(Clone, Debug)]
pub(crate) enum Name {
    Function(&'static str),
    Given(Arc<str>),
}

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Name::Function(path) => path,
            Name::Given(name) => name,
        }
    }
}

impl From<&'static str> for Name {
    fn from(path: &'static str) -> Name {
        Name::Function(path)
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
