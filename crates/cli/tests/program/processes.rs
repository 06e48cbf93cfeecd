//! Finds processes by their command line.

use super::watchdog::LIMIT;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The pids of all processes whose command line contains this path.
pub(crate) fn processes_with(path: &Path) -> Vec<String> {
    let path = path.as_os_str().as_encoded_bytes();
    let processes = std::fs::read_dir("/proc").expect("there is a /proc").flatten();
    let with_path = processes.filter(|process| {
        // The process may be gone by now. A process that has exited has no command line.
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        line.windows(path.len()).any(|window| window == path)
    });
    with_path.map(|process| process.file_name().to_string_lossy().into_owned()).collect()
}

/// Waits until no command line contains this path.
pub(crate) fn await_no_process_with(path: &Path) {
    let deadline = Instant::now() + LIMIT;
    while !processes_with(path).is_empty() {
        assert!(Instant::now() < deadline, "still running: {:?}", processes_with(path));
        thread::sleep(Duration::from_millis(5));
    }
}
