//! A gate at which tasks wait, on threads or in other processes, until the test opens it.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;

/// A closed gate: a named pipe that no process has open for writing. Dropping the gate opens it, so that
/// a failing test leaves no task waiting.
#[derive(Debug)]
pub struct Gate {
    folder: tempfile::TempDir,
    open: Option<File>,
}

impl Gate {
    /// A closed gate.
    ///
    /// # Panics
    /// If the pipe cannot be made.
    #[must_use]
    pub fn new() -> Gate {
        let folder = tempfile::tempdir().expect("a folder");
        let gate = Gate { folder, open: None };
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, gate.path(), rustix::fs::FileType::Fifo, mode, 0)
            .expect("a pipe");
        gate
    }

    /// The argument for a task that waits at the gate.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("gate")
    }

    /// Lets every task pass, now and later.
    ///
    /// # Panics
    /// If the pipe has gone.
    pub fn open(&mut self) {
        let file = OpenOptions::new().read(true).write(true).open(self.path());
        self.open = Some(file.expect("the pipe"));
    }
}

impl Default for Gate {
    fn default() -> Self {
        Gate::new()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if self.open.is_none() {
            self.open();
        }
    }
}

/// Task: waits until the gate is open. Opening a named pipe for reading blocks until there is a writer.
pub fn pass(gate: PathBuf) {
    // An error means that the test is over.
    let _ = File::open(gate);
}
