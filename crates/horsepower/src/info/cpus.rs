//! How many CPUs there are, and how many of them this process may use.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

/// The logical CPUs of this machine and this process's share of them.
///
/// ```
/// let cpus = horsepower::info::Cpus::current();
/// assert!(cpus.usable >= 1);
/// println!("{} of {} CPUs", cpus.usable, cpus.online);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Cpus {
    /// Logical CPUs that are online; at least 1.
    pub online: usize,
    /// Logical CPUs on which the scheduler may run the calling thread (`taskset`, `cpuset`); at
    /// least 1. Threads and processes that it starts inherit this.
    pub affinity: usize,
    /// The lowest CPU time per unit of time that the control groups (version 1 and 2) of this
    /// process allow: 1.5 is one and a half CPUs. `None` if there is no limit.
    pub cgroup_quota: Option<f64>,
    /// CPUs that work can be spread over: the result of [`usable_cpus`].
    pub usable: usize,
}

impl Cpus {
    /// Reads the machine, the affinity of the calling thread and the quota of its groups.
    ///
    /// ```
    /// let cpus = horsepower::info::Cpus::current();
    /// match cpus.cgroup_quota {
    ///     Some(quota) => println!("the time of {quota} CPUs, on {} of them", cpus.affinity),
    ///     None => println!("all the time of {} CPUs", cpus.affinity),
    /// }
    /// ```
    #[must_use]
    pub fn current() -> Cpus {
        let affinity = affinity();
        let cgroup_quota = cgroup_quota();
        Cpus {
            // Emulated files may list fewer CPUs than the thread may run on.
            online: online().map_or(affinity, |online| online.max(affinity)).get(),
            affinity: affinity.get(),
            cgroup_quota,
            usable: usable(affinity, cgroup_quota).get(),
        }
    }
}

/// CPUs that this process can keep busy: as many as the affinity of the calling thread allows, but
/// no more than the CPU quota of its control groups, rounded up. Never 0: half a CPU is one worker.
///
/// This is the default number of workers of executors. The standard library's
/// [`available_parallelism`] differs in that it rounds the quota down.
///
/// ```
/// let workers = horsepower::info::usable_cpus();
/// assert!(workers.get() <= horsepower::info::Cpus::current().affinity);
/// ```
#[must_use]
pub fn usable_cpus() -> NonZeroUsize {
    usable(affinity(), cgroup_quota())
}

fn usable(affinity: NonZeroUsize, quota: Option<f64>) -> NonZeroUsize {
    let Some(quota) = quota else { return affinity };
    // A float converts to the nearest representable integer, so every quota is handled.
    let whole = quota.ceil() as usize;
    NonZeroUsize::new(whole).unwrap_or(NonZeroUsize::MIN).min(affinity)
}

/// What the standard library reports: the affinity, reduced by the quotas that it knows.
fn parallelism() -> NonZeroUsize {
    available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

#[cfg(target_os = "linux")]
fn affinity() -> NonZeroUsize {
    rustix::thread::sched_getaffinity(None)
        .ok()
        .and_then(|cpus| NonZeroUsize::new(cpus.count() as usize))
        // rustix supports 1024 CPUs; on a larger machine the call fails.
        .or_else(|| listed("/proc/thread-self/status", Some("Cpus_allowed_list")))
        .unwrap_or_else(parallelism)
}

#[cfg(target_os = "linux")]
fn online() -> Option<NonZeroUsize> {
    listed("/sys/devices/system/cpu/online", None)
}

#[cfg(target_os = "linux")]
fn cgroup_quota() -> Option<f64> {
    super::cgroup::cpu_quota("/".as_ref())
}

/// The length of the CPU list in a file, or after a field's name in it.
#[cfg(target_os = "linux")]
fn listed(path: &str, field: Option<&str>) -> Option<NonZeroUsize> {
    let file = super::fields::read(path);
    let list = match field {
        Some(name) => super::fields::text(&file, name)?,
        None => str::from_utf8(&file).ok()?.trim(),
    };
    NonZeroUsize::new(count(list)?)
}

/// How many CPUs a list such as `0-3,8,10-11` names (cpuset(7), "List format").
#[cfg(target_os = "linux")]
fn count(list: &str) -> Option<usize> {
    let ranges = list.split(',').map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        last.checked_sub(first)?.checked_add(1)
    });
    ranges.sum()
}

#[cfg(not(target_os = "linux"))]
fn affinity() -> NonZeroUsize {
    parallelism()
}

#[cfg(not(target_os = "linux"))]
fn online() -> Option<NonZeroUsize> {
    None
}

#[cfg(not(target_os = "linux"))]
fn cgroup_quota() -> Option<f64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pi_07_a_quota_is_rounded_up_and_never_raises_the_affinity() {
        let four = NonZeroUsize::new(4).unwrap();
        let usable = |quota| usable(four, quota).get();
        assert_eq!(usable(None), 4);
        assert_eq!(usable(Some(0.5)), 1);
        assert_eq!(usable(Some(1.0)), 1);
        assert_eq!(usable(Some(1.5)), 2);
        assert_eq!(usable(Some(3.01)), 4);
        assert_eq!(usable(Some(64.0)), 4);
        assert_eq!(usable(Some(0.0)), 1);
        assert_eq!(usable(Some(f64::INFINITY)), 4);
        assert_eq!(usable(Some(f64::NAN)), 1);
    }

    #[test]
    fn the_parts_fit_together() {
        let cpus = Cpus::current();
        assert!(1 <= cpus.usable && cpus.usable <= cpus.affinity && cpus.affinity <= cpus.online);
        assert_eq!(cpus.usable, usable_cpus().get());
        // The standard library rounds the same quota down.
        assert!(parallelism().get() <= cpus.usable);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn cpu_lists_are_counted() {
        assert_eq!(count("0"), Some(1));
        assert_eq!(count("0-3,8,10-11"), Some(7));
        for nonsense in ["", "a", "3-1", "1-", "0,,1", "0-18446744073709551615"] {
            assert_eq!(count(nonsense), None, "{nonsense}");
        }
        assert!(listed("/proc/thread-self/status", Some("Cpus_allowed_list")).is_some());
    }
}
