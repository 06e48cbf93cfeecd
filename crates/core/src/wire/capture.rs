//! Captures what a task prints. While the task runs, its standard output and standard error lead
//! into two memory files that the parent created. The parent reads them afterwards, whatever
//! happened to the worker.

use crate::sys::control;
use rustix::fs::{FallocateFlags, MemfdFlags};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};

/// Most bytes kept of each stream; of more, the last ones.
const MOST: u64 = 16 << 20;

/// Parent: the files that receive the output of one task.
#[derive(Debug)]
pub(crate) struct Capture {
    output: File,
    errors: File,
}

impl Capture {
    /// Creates the files and sends them to the worker with `note`.
    pub(crate) fn send(socket: &OwnedFd, note: &[u8]) -> io::Result<Capture> {
        let file = || rustix::fs::memfd_create("horsepower-output", MemfdFlags::CLOEXEC);
        let (output, errors) = (File::from(file()?), File::from(file()?));
        control::send(socket, note, &[output.as_fd(), errors.as_fd()])?;
        Ok(Capture { output, errors })
    }

    /// Frees the memory of output beyond the limit.
    pub(crate) fn trim(&self) {
        for file in [&self.output, &self.errors] {
            let len = file.metadata().map_or(0, |metadata| metadata.len());
            if len > MOST {
                let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                // A failure costs memory and nothing else.
                let _ = rustix::fs::fallocate(file, flags, 0, len - MOST);
            }
        }
    }

    /// What was printed on standard output and on standard error.
    pub(crate) fn read(self) -> (Vec<u8>, Vec<u8>) {
        (read(self.output), read(self.errors))
    }
}

fn read(mut file: File) -> Vec<u8> {
    let mut bytes = Vec::new();
    let len = file.metadata().map_or(0, |metadata| metadata.len());
    // The worker has moved the file position, which both processes share.
    if file.seek(io::SeekFrom::Start(len.saturating_sub(MOST))).is_ok() {
        // Output that cannot be read is missing; there is nobody to report the error to.
        let _ = file.take(MOST).read_to_end(&mut bytes);
    }
    bytes
}

/// Worker: while this lives, the standard streams lead into the files.
#[derive(Debug)]
pub(crate) struct Capturing {
    output: OwnedFd,
    errors: OwnedFd,
}

impl Capturing {
    pub(crate) fn begin(output: &OwnedFd, errors: &OwnedFd) -> io::Result<Capturing> {
        let _ = io::stdout().flush();
        let kept = Capturing {
            output: rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?,
            errors: rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3)?,
        };
        rustix::stdio::dup2_stdout(output)?;
        rustix::stdio::dup2_stderr(errors)?;
        Ok(kept)
    }
}

impl Drop for Capturing {
    fn drop(&mut self) {
        let _ = io::stdout().flush();
        // Cannot fail: these were the standard descriptors until now.
        let _ = rustix::stdio::dup2_stdout(&self.output);
        let _ = rustix::stdio::dup2_stderr(&self.errors);
    }
}
