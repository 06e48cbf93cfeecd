//! Who and where this process is.

use std::io;
use std::path::PathBuf;

/// This process: its ids, its directory, and its resources.
///
/// [`ProcessInfo::current`] reads all fields when it is called. A field that cannot be read does
/// not affect the others.
///
/// ```
/// use horsepower::info::ProcessInfo;
///
/// let me = ProcessInfo::current();
/// assert_eq!(me.pid, std::process::id());
/// match &me.cwd {
///     Ok(directory) => println!("process {} works in {}", me.pid, directory.display()),
///     Err(error) => println!("process {} works in a directory that is gone: {error}", me.pid),
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct ProcessInfo {
    /// The process id. All threads of a process share it; every child process has its own.
    pub pid: u32,
    /// The process id of the process that started this one, or of the one that adopted it after
    /// that ended; 0 if that process is in a PID namespace that this process cannot see. `None` on
    /// systems that do not record it.
    pub parent_pid: Option<u32>,
    /// The real user id, as `id -ru` prints it; `None` only where users have no number (Windows).
    pub uid: Option<u32>,
    /// The real group id, as `id -rg` prints it; `None` only where groups have no number (Windows).
    pub gid: Option<u32>,
    /// The working directory: absolute, without symbolic links, complete whatever its length and
    /// its bytes. An error of kind [`io::ErrorKind::NotFound`] if it has been removed.
    pub cwd: io::Result<PathBuf>,
    /// The file that this process executes. On Linux, ` (deleted)` is appended to the name if the
    /// file has been removed or replaced since.
    pub executable: io::Result<PathBuf>,
    /// How many threads this process has; `None` if unknown.
    pub threads: Option<u64>,
    /// Memory of this process that is in RAM, in bytes. Linux counts it approximately, and pages
    /// that are shared with other processes count fully. `None` if unknown.
    pub resident_bytes: Option<u64>,
}

impl ProcessInfo {
    /// Reads the state of this process.
    ///
    /// ```
    /// let me = horsepower::info::ProcessInfo::current();
    /// println!("{} threads", me.threads.map_or("?".to_owned(), |threads| threads.to_string()));
    /// ```
    #[must_use]
    pub fn current() -> ProcessInfo {
        let held = Held::now();
        ProcessInfo {
            pid: std::process::id(),
            parent_pid: parent_pid(),
            uid: uid(),
            gid: gid(),
            cwd: std::env::current_dir(),
            executable: std::env::current_exe(),
            threads: held.threads,
            resident_bytes: held.resident_bytes,
        }
    }
}

#[cfg(unix)]
fn parent_pid() -> Option<u32> {
    Some(std::os::unix::process::parent_id())
}

#[cfg(unix)]
fn uid() -> Option<u32> {
    Some(rustix::process::getuid().as_raw())
}

#[cfg(unix)]
fn gid() -> Option<u32> {
    Some(rustix::process::getgid().as_raw())
}

#[cfg(not(unix))]
fn parent_pid() -> Option<u32> {
    None
}

#[cfg(not(unix))]
fn uid() -> Option<u32> {
    None
}

#[cfg(not(unix))]
fn gid() -> Option<u32> {
    None
}

/// The values that only the kernel knows.
#[derive(Default)]
struct Held {
    threads: Option<u64>,
    resident_bytes: Option<u64>,
}

impl Held {
    #[cfg(target_os = "linux")]
    fn now() -> Held {
        use super::fields;
        let status = fields::read("/proc/self/status");
        Held {
            threads: fields::number(&status, "Threads"),
            resident_bytes: fields::bytes(&status, "VmRSS"),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn now() -> Held {
        Held::default()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;

    #[test]
    fn threads_are_counted() {
        let (end, ended) = mpsc::channel::<()>();
        let other = thread::spawn(move || ended.recv());
        assert!(ProcessInfo::current().threads.unwrap() >= 2);
        drop(end);
        other.join().unwrap().unwrap_err();
    }

    #[test]
    fn memory_in_use_is_counted() {
        let block = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(ProcessInfo::current().resident_bytes.unwrap() >= 60 << 20);
        drop(std::hint::black_box(block));
    }
}
