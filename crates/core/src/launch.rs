//! How to start a worker process: its name, its environment, and the resources that it may use.

use rustix::thread::CpuSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Longest name of a process in bytes: it has to fit into one small message.
pub const LONGEST_NAME: usize = 255;

/// What one of a process's standard streams is connected to.
#[derive(Clone, Debug, Default)]
pub enum Stream {
    /// This process's own stream.
    #[default]
    Inherit,
    /// Nothing: reads return end of file, writes are discarded.
    Null,
    /// This descriptor.
    To(Arc<OwnedFd>),
}

/// Two streams to the same descriptor are equal.
impl PartialEq for Stream {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Stream::Inherit, Stream::Inherit) | (Stream::Null, Stream::Null) => true,
            (Stream::To(one), Stream::To(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for Stream {}

/// See the module. By default a worker differs from its parent only in that its standard input is
/// empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The name that [`crate::worker::role`] reports in the process.
    pub name: String,
    /// How long the process may take from its start until it reaches `init`.
    pub start_timeout: Duration,
    /// Variables to set, or with `None` to remove, on top of this process's environment.
    pub environment: Vec<(OsString, Option<OsString>)>,
    /// Do not inherit this process's environment.
    pub clear_environment: bool,
    /// The working directory.
    pub directory: Option<PathBuf>,
    /// Increment of the nice value.
    pub nice: i8,
    /// The CPUs that it may use; `None`: those that this process may use.
    pub cpus: Option<Vec<usize>>,
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
            cpus: None,
            stdin: Stream::Null,
            stdout: Stream::Inherit,
            stderr: Stream::Inherit,
        }
    }
}

impl Launch {
    /// Rejects settings with which no process can be started.
    ///
    /// # Errors
    /// A sentence that names the setting and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        if self.name.len() > LONGEST_NAME {
            return Err(format!(
                "the name has {} bytes; at most {LONGEST_NAME} are allowed",
                self.name.len()
            ));
        }
        let nul = |text: &OsStr| text.as_encoded_bytes().contains(&0);
        for (name, value) in &self.environment {
            let bad = name.is_empty() || nul(name) || name.as_encoded_bytes().contains(&b'=');
            if bad || value.as_ref().is_some_and(|value| nul(value)) {
                return Err(format!(
                    "the environment variable {name:?} cannot be set: a name is not empty and has no \
                     '=', and neither name nor value has a NUL byte"
                ));
            }
        }
        if let Some(directory) = self.directory.as_ref().filter(|path| nul(path.as_os_str())) {
            return Err(format!("the working directory {directory:?} contains a NUL byte"));
        }
        if self.cpus.as_ref().is_some_and(Vec::is_empty) {
            return Err("`cpu_affinity` must name at least one CPU".into());
        }
        match self.cpus.iter().flatten().find(|&&cpu| cpu >= CpuSet::MAX_CPU) {
            Some(cpu) => Err(format!(
                "CPU number {cpu} is too large; the highest supported number is {}",
                CpuSet::MAX_CPU - 1
            )),
            None => Ok(()),
        }
    }

    /// The CPUs as a bit mask.
    pub(crate) fn cpu_bits(&self) -> Vec<u8> {
        let cpus = self.cpus.iter().flatten();
        let bytes = cpus.clone().max().map_or(0, |most| most / 8 + 1);
        let mut bits = vec![0; bytes];
        cpus.for_each(|cpu| bits[cpu / 8] |= 1 << (cpu % 8));
        bits
    }
}

/// Applies nice value and CPU affinity to this thread and to threads that it starts later.
///
/// # Errors
/// What cannot be set, and why.
pub(crate) fn restrict(nice: i8, cpu_bits: &[u8]) -> Result<(), String> {
    if nice != 0 {
        let set = rustix::process::getpriority_process(None)
            .and_then(|own| rustix::process::setpriority_process(None, own + i32::from(nice)));
        set.map_err(|error| format!("cannot change the nice value by {nice}: {error}"))?;
    }
    if !cpu_bits.is_empty() {
        let set_bits =
            (0..cpu_bits.len() * 8).filter(|cpu| cpu_bits[cpu / 8] >> (cpu % 8) & 1 == 1);
        let cpus: Vec<usize> = set_bits.take_while(|&cpu| cpu < CpuSet::MAX_CPU).collect();
        let mut set = CpuSet::new();
        cpus.iter().for_each(|&cpu| set.set(cpu));
        rustix::thread::sched_setaffinity(None, &set).map_err(|error| {
            format!("cannot restrict the process to the CPUs {cpus:?}: {error}")
        })?;
    }
    Ok(())
}

impl Stream {
    /// Opens a descriptor for this stream; `inherited` is this process's own. A process without
    /// that stream cannot pass it on and gives its workers none.
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
