//! How a worker process is to be started: what it is called, where it runs, what it may use.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Longest name of a process, in bytes: it travels in one small message.
pub const LONGEST_NAME: usize = 255;

/// Where one of a process's standard streams leads.
#[derive(Clone, Debug, Default)]
pub enum Stream {
    /// Where this process's own stream leads.
    #[default]
    Inherit,
    /// Nowhere: reading finds the end, what is written is gone.
    Null,
    /// Into this descriptor.
    To(Arc<OwnedFd>),
}

/// See the module. The default is a worker that differs in nothing from its parent but that its
/// standard input is empty.
#[derive(Clone, Debug)]
pub struct Launch {
    /// What the process is called by [`crate::role`].
    pub name: String,
    /// How long it may take from its start until it comes to `init`.
    pub start_timeout: Duration,
    /// Variables that are set, or with `None` removed, on top of this process's own.
    pub environment: Vec<(OsString, Option<OsString>)>,
    /// Without this process's own environment.
    pub clear_environment: bool,
    /// The working directory.
    pub directory: Option<PathBuf>,
    /// Added to the nice value.
    pub nice: i32,
    /// The CPUs that it may use; none: those that this process may use.
    pub cpus: Vec<usize>,
    /// Standard input, output and error.
    pub stdin: Stream,
    /// Standard output.
    pub stdout: Stream,
    /// Standard error.
    pub stderr: Stream,
}

impl Default for Launch {
    fn default() -> Self {
        Launch {
            name: String::new(),
            start_timeout: Duration::from_secs(10),
            environment: Vec::new(),
            clear_environment: false,
            directory: None,
            nice: 0,
            cpus: Vec::new(),
            stdin: Stream::Null,
            stdout: Stream::Inherit,
            stderr: Stream::Inherit,
        }
    }
}

impl Stream {
    /// A descriptor for the stream whose own is `inherited`. A process without that stream gives its
    /// workers none.
    pub(crate) fn open(&self, inherited: impl std::os::fd::AsFd) -> io::Result<OwnedFd> {
        let null = || File::options().read(true).write(true).open("/dev/null").map(OwnedFd::from);
        match self {
            Stream::Inherit => {
                rustix::io::fcntl_dupfd_cloexec(inherited, 3).map_or_else(|_| null(), Ok)
            }
            Stream::Null => null(),
            Stream::To(descriptor) => Ok(rustix::io::fcntl_dupfd_cloexec(descriptor, 3)?),
        }
    }
}
