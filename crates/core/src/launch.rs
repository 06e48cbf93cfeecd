//! How a worker process is to be started: what it is called, where it runs, what it may use.

use rustix::thread::CpuSet;
use std::ffi::{OsStr, OsString};
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

/// Two streams into the same descriptor are the same.
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

/// See the module. The default is a worker that differs in nothing from its parent but that its
/// standard input is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// What the process is called by [`crate::worker::role`].
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
    /// Looks for what no process can be started with.
    ///
    /// # Errors
    /// What is wrong, as a sentence that names the setting.
    pub fn check(&self) -> Result<(), String> {
        if self.name.len() > LONGEST_NAME {
            return Err(format!(
                "a name of {} bytes is too long; at most {LONGEST_NAME}",
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
            return Err(format!("the working directory {directory:?} has a NUL byte"));
        }
        if self.cpus.as_ref().is_some_and(Vec::is_empty) {
            return Err("a process cannot run without a CPU, and `cpu_affinity` names none".into());
        }
        match self.cpus.iter().flatten().find(|&&cpu| cpu >= CpuSet::MAX_CPU) {
            Some(cpu) => {
                Err(format!("there is no CPU {cpu}; the last one can be {}", CpuSet::MAX_CPU - 1))
            }
            None => Ok(()),
        }
    }

    /// The CPUs, a bit for each.
    pub(crate) fn cpu_bits(&self) -> Vec<u8> {
        let cpus = self.cpus.iter().flatten();
        let bytes = cpus.clone().max().map_or(0, |most| most / 8 + 1);
        let mut bits = vec![0; bytes];
        cpus.for_each(|cpu| bits[cpu / 8] |= 1 << (cpu % 8));
        bits
    }
}

/// Gives this thread, and those that it will start, less than others have.
///
/// # Errors
/// What cannot be set, and why.
pub(crate) fn restrict(nice: i8, cpu_bits: &[u8]) -> Result<(), String> {
    if nice != 0 {
        let set = rustix::process::getpriority_process(None)
            .and_then(|own| rustix::process::setpriority_process(None, own + i32::from(nice)));
        set.map_err(|error| format!("the nice value cannot be changed by {nice}: {error}"))?;
    }
    if !cpu_bits.is_empty() {
        let set_bits =
            (0..cpu_bits.len() * 8).filter(|cpu| cpu_bits[cpu / 8] >> (cpu % 8) & 1 == 1);
        let cpus: Vec<usize> = set_bits.take_while(|&cpu| cpu < CpuSet::MAX_CPU).collect();
        let mut set = CpuSet::new();
        cpus.iter().for_each(|&cpu| set.set(cpu));
        rustix::thread::sched_setaffinity(None, &set)
            .map_err(|error| format!("the CPUs {cpus:?} cannot be used: {error}"))?;
    }
    Ok(())
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
