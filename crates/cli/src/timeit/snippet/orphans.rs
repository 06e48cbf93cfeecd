//! [`Orphans`]: the processes that the code, or the compiler, has started and left behind.
//!
//! A process whose parent has ended gets a new parent: the nearest ancestor that asked for orphans.
//! Both processes of the command ask for them, and end them before they end. Only Linux can do this;
//! elsewhere the process group of the code is all that is ended.

/// While this value lives, this process adopts the orphans among its descendants. Dropping it kills all
/// children of this process, until there is none.
pub(super) struct Orphans(());

impl Orphans {
    /// # Errors
    /// If the system refuses.
    pub(super) fn adopt() -> std::io::Result<Orphans> {
        #[cfg(target_os = "linux")]
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        Ok(Orphans(()))
    }
}

impl Drop for Orphans {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        linux::end_children();
    }
}

/// Stops all descendants of this process, as Ctrl-Z does for a process group, or continues them.
pub(super) fn pause(paused: bool) {
    #[cfg(target_os = "linux")]
    linux::send_to_descendants(if paused {
        rustix::process::Signal::STOP
    } else {
        rustix::process::Signal::CONT
    });
    #[cfg(not(target_os = "linux"))]
    let _ = paused;
}

#[cfg(target_os = "linux")]
mod linux {
    use rustix::io::Errno;
    use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, wait};
    use std::fs;

    /// Kills the children of this process, then the orphans that it adopts by that, and so on.
    pub(super) fn end_children() {
        loop {
            let children = children_of(&[getpid()], &processes());
            // Only this process reaps its children, so the ids are still theirs. One that changed its
            // user, such as `sudo`, cannot be killed.
            let kill = |child: &&Pid| kill_process(**child, Signal::KILL).is_ok();
            if children.iter().filter(kill).count() == 0 {
                return;
            }
            loop {
                match wait(WaitOptions::empty()) {
                    Err(Errno::INTR) => {}
                    // No child is left: what they have left behind comes in the next round.
                    Err(_) => return,
                    Ok(_) => break,
                }
            }
        }
    }

    pub(super) fn send_to_descendants(signal: Signal) {
        let processes = processes();
        let mut generation = vec![getpid()];
        while !generation.is_empty() {
            generation = children_of(&generation, &processes);
            for &process in &generation {
                // An error means that it has just ended, or that it has another user.
                let _ = kill_process(process, signal);
            }
        }
    }

    fn children_of(parents: &[Pid], processes: &[(Pid, Pid)]) -> Vec<Pid> {
        let children = processes.iter().filter(|(_, parent)| parents.contains(parent));
        children.map(|&(child, _)| child).collect()
    }

    /// All processes, each with its parent.
    fn processes() -> Vec<(Pid, Pid)> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let process = |entry: fs::DirEntry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read(entry.path().join("stat")).ok()?;
            Some((Pid::from_raw(pid)?, parent(&String::from_utf8_lossy(&stat))?))
        };
        entries.filter_map(process).collect()
    }

    /// The parent in the text of `/proc/PID/stat`: `PID (NAME) STATE PARENT …`. The name may contain
    /// anything, parentheses too.
    fn parent(stat: &str) -> Option<Pid> {
        let (_, after_name) = stat.rsplit_once(')')?;
        Pid::from_raw(after_name.split_ascii_whitespace().nth(1)?.parse().ok()?)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_parent_follows_the_last_parenthesis() {
            assert_eq!(parent("7 (a b) S) R 42 7 7"), Pid::from_raw(42));
            assert_eq!(parent("1 (init) S 0 1 1"), None);
            assert_eq!(parent(""), None);
        }

        #[test]
        fn a_child_is_among_the_processes() {
            let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
            let pid = Pid::from_child(&child);
            let found = children_of(&[getpid()], &processes());
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(found.contains(&pid));
        }
    }
}
