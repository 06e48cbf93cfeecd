//! The name that an error gives its subject: a task or a process.

use std::sync::Arc;

/// What a future belongs to.
#[derive(Clone, Debug)]
pub(crate) enum Name {
    /// A task, by the path of its function.
    Function(&'static str),
    /// A task, by the name set in its options.
    Given(Arc<str>),
    /// A [`Process`](crate::Process), by its name.
    #[cfg(target_os = "linux")]
    Process(Arc<str>),
}

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Name::Function(path) => path,
            Name::Given(name) => name,
            #[cfg(target_os = "linux")]
            Name::Process(name) => name,
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
