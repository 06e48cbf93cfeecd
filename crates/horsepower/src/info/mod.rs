//! What this process is, and the computing power it has been given.
//!
//! | file | what it owns |
//! |---|---|
//! | `process` | [`ProcessInfo`]: ids, directory, executable, threads, memory in use |
//! | `cpus` | [`Cpus`] and [`usable_cpus`]: how many CPUs there are, and how many may be used |
//! | `memory` | [`Memory`]: how much memory there is, and how much may be used |
//! | `cgroup` | the limits of this process's control groups |
//! | `groups` | where those control groups are mounted |
//! | `fields` | the `Name: value` lines of files in `/proc` |
//!
//! Everything is read at the call and nothing is cached: a process may change its directory, and an
//! administrator its limits. On systems other than Linux, values that the standard library does not
//! provide are `None`.
//!
//! ```
//! use horsepower::info::{Cpus, Memory, ProcessInfo};
//!
//! println!("process {} may use {} CPUs", ProcessInfo::current().pid, Cpus::current().usable);
//! if let Some(limit) = Memory::current().cgroup_limit_bytes {
//!     println!("and no more than {limit} bytes of memory");
//! }
//! ```

mod cpus;
mod memory;
mod process;

#[cfg(target_os = "linux")]
mod cgroup;
#[cfg(target_os = "linux")]
mod fields;
#[cfg(target_os = "linux")]
mod groups;

pub use cpus::{Cpus, usable_cpus};
pub use memory::Memory;
pub use process::ProcessInfo;
