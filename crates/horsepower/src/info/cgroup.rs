//! The limits that control groups (cgroups(7), version 1 and 2) set for this process.
//!
//! A limit of a group applies to all groups below it, so the lowest limit on the path to the root
//! counts. A limit that cannot be read counts as none.

use super::groups::{Version, with_controller};
use std::path::Path;

/// The CPU time per unit of time that this process may use: 1.5 is one and a half CPUs.
pub(super) fn cpu_quota(root: &Path) -> Option<f64> {
    lowest(root, "cpu", |version, directory| match version {
        Version::One => {
            let quota = number(&directory.join("cpu.cfs_quota_us"))?;
            ratio(quota, number(&directory.join("cpu.cfs_period_us"))?)
        }
        Version::Two => {
            let line = text(&directory.join("cpu.max"))?;
            let (quota, period) = line.split_once(' ')?;
            // The quota may be the word `max`.
            ratio(quota.parse().ok()?, period.parse().ok()?)
        }
    })
}

/// The memory that this process may use, in bytes.
pub(super) fn memory_limit(root: &Path) -> Option<u64> {
    lowest(root, "memory", |version, directory| match version {
        Version::One => {
            number(&directory.join("memory.limit_in_bytes")).filter(|&limit| limit < UNLIMITED)
        }
        // The limit may be the word `max`, which is not a number.
        Version::Two => number(&directory.join("memory.max")),
    })
}

/// Without a limit, version 1 shows 2^63 - 1 rounded down to whole pages. This is that number for
/// the largest pages on our platforms, 64 KiB.
const UNLIMITED: u64 = (1 << 63) - (1 << 16);

/// The lowest limit among the groups with this controller and all their ancestors.
fn lowest<L: PartialOrd>(
    root: &Path,
    controller: &str,
    limit: impl Fn(Version, &Path) -> Option<L>,
) -> Option<L> {
    let groups = with_controller(root, controller);
    groups
        .iter()
        .flat_map(|group| group.lineage().map(|directory| (group.version, directory)))
        .filter_map(|(version, directory)| limit(version, directory))
        .reduce(|a, b| if b < a { b } else { a })
}

fn text(path: &Path) -> Option<String> {
    Some(std::fs::read_to_string(path).ok()?.trim().to_owned())
}

/// The number in a file. `None` for a negative one too: version 1 shows -1 for no quota.
fn number(path: &Path) -> Option<u64> {
    text(path)?.parse().ok()
}

fn ratio(quota: u64, period: u64) -> Option<f64> {
    (quota > 0 && period > 0).then(|| quota as f64 / period as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const BOTH: (&str, &str) = (
        "2:cpu,cpuacct:/a/b\n1:memory:/a/b\n0::/a/b\n",
        "1 0 0:1 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
         2 0 0:2 / /cg/memory rw - cgroup cgroup rw,memory\n\
         3 0 0:3 / /cg/two rw - cgroup2 cgroup2 rw\n",
    );

    /// A fake machine whose process is in `/a/b` of three hierarchies, with these files.
    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let (memberships, mounts) = BOTH;
        let proc = [("proc/self/cgroup", memberships), ("proc/self/mountinfo", mounts)];
        for (path, text) in proc.iter().chain(files) {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn quota(files: &[(&str, &str)]) -> Option<f64> {
        cpu_quota(machine(files).path())
    }

    fn limit(files: &[(&str, &str)]) -> Option<u64> {
        memory_limit(machine(files).path())
    }

    #[test]
    fn no_file_is_no_limit() {
        assert_eq!((quota(&[]), limit(&[])), (None, None));
        let nowhere = Path::new("/there/is/no/such/directory");
        assert_eq!((cpu_quota(nowhere), memory_limit(nowhere)), (None, None));
    }

    #[test]
    fn pi_07_quotas_of_version_two() {
        assert_eq!(quota(&[("cg/two/a/b/cpu.max", "max 100000\n")]), None);
        assert_eq!(quota(&[("cg/two/a/b/cpu.max", "50000 100000\n")]), Some(0.5));
        assert_eq!(quota(&[("cg/two/a/b/cpu.max", "150000 100000\n")]), Some(1.5));
        for nonsense in ["", "\n", "50000", "50000 0", "0 100000", "-1 100000", "a b", "1 2 3"] {
            assert_eq!(quota(&[("cg/two/a/b/cpu.max", nonsense)]), None, "{nonsense:?}");
        }
    }

    #[test]
    fn pi_07_quotas_of_version_one() {
        let period = ("cg/cpu/a/b/cpu.cfs_period_us", "100000\n");
        assert_eq!(quota(&[period, ("cg/cpu/a/b/cpu.cfs_quota_us", "-1\n")]), None);
        assert_eq!(quota(&[period, ("cg/cpu/a/b/cpu.cfs_quota_us", "250000\n")]), Some(2.5));
        assert_eq!(quota(&[("cg/cpu/a/b/cpu.cfs_quota_us", "250000\n")]), None, "no period");
    }

    #[test]
    fn pi_07_the_lowest_quota_on_the_way_up_counts() {
        let own = ("cg/two/a/b/cpu.max", "300000 100000");
        let parent = ("cg/two/a/cpu.max", "200000 100000");
        let top = ("cg/two/cpu.max", "max 100000");
        assert_eq!(quota(&[own, parent, top]), Some(2.0));
        assert_eq!(quota(&[own, top]), Some(3.0));
        assert_eq!(quota(&[parent]), Some(2.0), "the process's own group is unreadable");
        let other = ("cg/two/a/other/cpu.max", "1000 100000");
        assert_eq!(quota(&[own, other]), Some(3.0), "a sibling group does not apply");
    }

    #[test]
    fn on_a_hybrid_system_both_versions_count() {
        let one = [
            ("cg/cpu/a/cpu.cfs_period_us", "100000"),
            ("cg/cpu/a/cpu.cfs_quota_us", "400000"),
            ("cg/memory/memory.limit_in_bytes", "4096"),
        ];
        assert_eq!(quota(&one), Some(4.0));
        assert_eq!(limit(&one), Some(4096));
        let mut both = one.to_vec();
        both.extend([("cg/two/a/cpu.max", "100000 100000"), ("cg/two/a/memory.max", "8192")]);
        assert_eq!(quota(&both), Some(1.0));
        assert_eq!(limit(&both), Some(4096));
    }

    #[test]
    fn memory_limits() {
        assert_eq!(limit(&[("cg/two/a/b/memory.max", "max\n")]), None);
        assert_eq!(limit(&[("cg/two/a/b/memory.max", "1073741824\n")]), Some(1 << 30));
        assert_eq!(limit(&[("cg/two/a/b/memory.max", "0\n")]), Some(0));
        let one = |text| limit(&[("cg/memory/a/b/memory.limit_in_bytes", text)]);
        assert_eq!(one("536870912\n"), Some(512 << 20));
        for unlimited in [
            "9223372036854771712", // pages of 4 KiB
            "9223372036854759424", // 16 KiB
            "9223372036854710272", // 64 KiB
            "9223372036854775807", // old kernels
            "18446744073709551615",
            "-1",
        ] {
            assert_eq!(one(unlimited), None, "{unlimited}");
        }
    }

    #[test]
    fn the_lowest_memory_limit_on_the_way_up_counts() {
        let own = ("cg/memory/a/b/memory.limit_in_bytes", "9223372036854771712");
        let parent = ("cg/memory/a/memory.limit_in_bytes", "2000");
        let top = ("cg/memory/memory.limit_in_bytes", "3000");
        assert_eq!(limit(&[own, parent, top]), Some(2000));
        assert_eq!(limit(&[own, top]), Some(3000));
    }

    #[test]
    fn files_that_are_no_text_are_no_limit() {
        let root = machine(&[]);
        let path = root.path().join("cg/two/a/b");
        fs::create_dir_all(path.join("memory.max")).unwrap();
        fs::write(path.join("cpu.max"), b"\xff\xfe").unwrap();
        assert_eq!((cpu_quota(root.path()), memory_limit(root.path())), (None, None));
    }
}
