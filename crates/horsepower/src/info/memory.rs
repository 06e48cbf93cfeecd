//! How much memory there is, and how much of it may be used.

/// The memory of this machine and the limit that this process's control groups set.
///
/// ```
/// let memory = horsepower::info::Memory::current();
/// if let (Some(available), Some(total)) = (memory.available_bytes, memory.total_bytes) {
///     println!("{available} of {total} bytes are available");
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Memory {
    /// RAM that the kernel manages, in bytes; `None` if unknown.
    pub total_bytes: Option<u64>,
    /// RAM that is available to new work without swapping, in bytes, as estimated by the kernel;
    /// `None` if unknown.
    pub available_bytes: Option<u64>,
    /// The lowest memory limit among the control groups (version 1 and 2) of this process, in
    /// bytes; `None` if there is no limit.
    pub cgroup_limit_bytes: Option<u64>,
}

impl Memory {
    /// Reads the machine and the limits.
    ///
    /// ```
    /// let memory = horsepower::info::Memory::current();
    /// println!("limited: {}", memory.cgroup_limit_bytes.is_some());
    /// ```
    #[must_use]
    #[cfg(target_os = "linux")]
    pub fn current() -> Memory {
        use super::{cgroup, fields};
        let meminfo = fields::read("/proc/meminfo");
        Memory {
            total_bytes: fields::bytes(&meminfo, "MemTotal"),
            available_bytes: fields::bytes(&meminfo, "MemAvailable"),
            cgroup_limit_bytes: cgroup::memory_limit("/".as_ref()),
        }
    }

    /// Reads the machine and the limits.
    #[must_use]
    #[cfg(not(target_os = "linux"))]
    pub fn current() -> Memory {
        Memory::default()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_available_than_there_is() {
        let memory = Memory::current();
        assert!(memory.available_bytes.unwrap() <= memory.total_bytes.unwrap());
        assert_ne!(memory.cgroup_limit_bytes, Some(0));
    }
}
