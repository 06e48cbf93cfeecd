//! Keeping what a task prints: while it runs, standard output and standard error lead into two files
//! in memory that the parent has made and reads afterwards, whatever has become of the worker.

use crate::sys::control::{self, Send};
use rustix::fs::{FallocateFlags, MemfdFlags};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};

/// Most bytes of each stream that are handed over; of more, the last ones.
const MOST: u64 = 16 << 20;

/// Parent: where the output of one task goes.
#[derive(Debug)]
pub(crate) struct Capture {
    output: File,
    errors: File,
}

impl Capture {
    /// Makes the files and sends them to the worker with `note`.
    pub(crate) fn send(socket: &OwnedFd, note: &[u8]) -> io::Result<Capture> {
        let file = || rustix::fs::memfd_create("horsepower-output", MemfdFlags::CLOEXEC);
        let (output, errors) = (File::from(file()?), File::from(file()?));
        control::send(socket, note, &[output.as_fd(), errors.as_fd()], Send::Now)?;
        Ok(Capture { output, errors })
    }

    /// Frees the memory of what will not be handed over.
    pub(crate) fn trim(&self) {
        for file in [&self.output, &self.errors] {
            let len = file.metadata().map_or(0, |metadata| metadata.len());
            if len > MOST {
                let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                // If it fails, that costs memory and nothing else.
                let _ = rustix::fs::fallocate(file, flags, 0, len - MOST);
            }
        }
    }

    /// What was printed: standard output, and standard error.
    pub(crate) fn read(self) -> (Vec<u8>, Vec<u8>) {
        (read(self.output), read(self.errors))
    }
}

fn read(mut file: File) -> Vec<u8> {
    let mut bytes = Vec::new();
    let len = file.metadata().map_or(0, |metadata| metadata.len());
    // The worker has moved the place in the file, which both share.
    if file.seek(io::SeekFrom::Start(len.saturating_sub(MOST))).is_ok() {
        // What cannot be read is missing; there is nobody to tell.
        let _ = file.take(MOST).read_to_end(&mut bytes);
    }
    bytes
}

/// Worker: the standard streams lead into the files until this is dropped.
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
        // They were these descriptors a moment ago.
        let _ = rustix::stdio::dup2_stdout(&self.output);
        let _ = rustix::stdio::dup2_stderr(&self.errors);
    }
}
