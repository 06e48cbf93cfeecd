//! The control groups of this process, as directories.
//!
//! Two files describe them (cgroups(7), proc_pid_mountinfo(5)): `/proc/self/cgroup` names one group
//! per hierarchy; `/proc/self/mountinfo` says where hierarchies are mounted and which of their
//! groups are visible there. Version 2 is one hierarchy with all controllers. Version 1 has a
//! hierarchy for every one or two controllers. A hybrid system has both, and each controller is in
//! one of them; the other then has no file for it.
//!
//! Everything is looked up below a `root`, which is `/` except in tests.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// The version of control groups, which determines the files of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// A control group of this process.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) version: Version,
    directory: PathBuf,
    mount_point: PathBuf,
}

impl Group {
    /// The group's directory and those of its ancestors, up to the mount point: a limit of any of
    /// them applies to this process.
    pub(super) fn lineage(&self) -> impl Iterator<Item = &Path> {
        self.directory.ancestors().take_while(|path| path.starts_with(&self.mount_point))
    }
}

/// The groups that may have limits of this controller (`cpu`, `memory`).
pub(super) fn with_controller(root: &Path, controller: &str) -> Vec<Group> {
    let memberships = super::fields::read(root.join("proc/self/cgroup"));
    let mounts = super::fields::read(root.join("proc/self/mountinfo"));
    let mut groups = Vec::new();
    for (version, path) in lines(&memberships).filter_map(|line| membership(line, controller)) {
        let mounts = lines(&mounts)
            .filter_map(Mount::parse)
            .filter(|mount| mount.shows(version, controller))
            .map(|mount| (mount.relative(path), root.join(below_root(&mount.point))))
            .collect::<Vec<_>>();
        // In a container the group may not be visible. What is mounted there is an ancestor of it,
        // or the container's own group under another name.
        let in_sight = mounts.iter().any(|(relative, _)| relative.is_some());
        groups.extend(mounts.into_iter().filter_map(|(relative, mount_point)| {
            let directory = match relative {
                Some(relative) => mount_point.join(relative),
                None if in_sight => return None,
                None => mount_point.clone(),
            };
            Some(Group { version, directory, mount_point })
        }));
    }
    groups
}

fn lines(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    file.split(|&byte| byte == b'\n')
}

fn below_root(path: &Path) -> &Path {
    path.strip_prefix("/").unwrap_or(path)
}

/// Parses a line of `/proc/self/cgroup`, `id:controllers:path`, if it is about this controller.
fn membership<'a>(line: &'a [u8], controller: &str) -> Option<(Version, &'a Path)> {
    let mut parts = line.splitn(3, |&byte| byte == b':');
    let (id, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
    let version = match (id, controllers) {
        (b"0", b"") => Version::Two,
        _ if has(controllers, controller) => Version::One,
        _ => return None,
    };
    Some((version, Path::new(OsStr::from_bytes(path))))
}

/// True if the word is in a comma-separated list.
fn has(list: &[u8], word: &str) -> bool {
    list.split(|&byte| byte == b',').any(|entry| entry == word.as_bytes())
}

/// A line of `/proc/self/mountinfo`.
struct Mount<'a> {
    /// The group of the hierarchy that is visible at the mount point.
    group: PathBuf,
    point: PathBuf,
    file_system: &'a [u8],
    options: &'a [u8],
}

impl<'a> Mount<'a> {
    /// `id parent device group point options [optional…] - file-system source options`.
    fn parse(line: &'a [u8]) -> Option<Mount<'a>> {
        let mut words = line.split(|&byte| byte == b' ');
        let group = unescape(words.nth(3)?);
        let point = unescape(words.next()?);
        let mut after_dash = words.skip_while(|&word| word != b"-").skip(1);
        let file_system = after_dash.next()?;
        let options = after_dash.nth(1)?;
        Some(Mount { group, point, file_system, options })
    }

    fn shows(&self, version: Version, controller: &str) -> bool {
        match version {
            Version::One => self.file_system == b"cgroup" && has(self.options, controller),
            Version::Two => self.file_system == b"cgroup2",
        }
    }

    /// The path from the mount point to a group; `None` if the group is not below it.
    fn relative(&self, group: &Path) -> Option<PathBuf> {
        let relative = group.strip_prefix(&self.group).ok()?;
        let down = relative.components().all(|part| matches!(part, Component::Normal(_)));
        down.then(|| relative.to_owned())
    }
}

/// Reverts the kernel's escaping of blanks and backslashes in `mountinfo`: `\040` is a blank.
fn unescape(word: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word;
    while let [first, tail @ ..] = rest {
        let byte;
        (byte, rest) = match (first, tail) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..]) => {
                ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), tail)
            }
            _ => (*first, tail),
        };
        bytes.push(byte);
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(memberships: &[u8], mounts: &[u8]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("proc/self");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("cgroup"), memberships).unwrap();
        std::fs::write(directory.join("mountinfo"), mounts).unwrap();
        root
    }

    /// Versions and directories, without the root of the tree.
    fn lineages(
        memberships: &[u8],
        mounts: &[u8],
        controller: &str,
    ) -> Vec<(Version, Vec<String>)> {
        let root = tree(memberships, mounts);
        let shown =
            |path: &Path| path.strip_prefix(root.path()).unwrap().to_string_lossy().into_owned();
        with_controller(root.path(), controller)
            .iter()
            .map(|group| (group.version, group.lineage().map(shown).collect()))
            .collect()
    }

    const V2: &[u8] = b"\
22 27 0:21 / /proc rw - proc proc rw
30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 master:1 - cgroup2 cgroup2 rw,nsdelegate
";

    #[test]
    fn the_unified_hierarchy_has_every_controller() {
        let expected = vec![(
            Version::Two,
            ["sys/fs/cgroup/a/b", "sys/fs/cgroup/a", "sys/fs/cgroup"].map(String::from).to_vec(),
        )];
        assert_eq!(lineages(b"0::/a/b\n", V2, "cpu"), expected);
        assert_eq!(lineages(b"0::/a/b\n", V2, "memory"), expected);
    }

    #[test]
    fn a_controller_of_version_one_is_found_by_its_whole_name() {
        let memberships = b"3:cpuset:/x\n2:cpu,cpuacct:/a\n1:name=systemd:/y\n";
        let mounts = b"\
1 0 0:1 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset
2 0 0:2 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
";
        let directories = ["sys/fs/cgroup/cpu,cpuacct/a", "sys/fs/cgroup/cpu,cpuacct"];
        assert_eq!(
            lineages(memberships, mounts, "cpu"),
            [(Version::One, directories.map(String::from).to_vec())]
        );
        assert_eq!(lineages(memberships, mounts, "memory"), []);
    }

    #[test]
    fn hybrid_systems_have_both() {
        let memberships = b"1:memory:/m\n0::/u\n";
        let mounts = b"\
1 0 0:1 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
2 0 0:2 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
";
        let found = lineages(memberships, mounts, "memory");
        assert_eq!(found[0].0, Version::One);
        assert_eq!(found[0].1, ["sys/fs/cgroup/memory/m", "sys/fs/cgroup/memory"]);
        assert_eq!(found[1].0, Version::Two);
        assert_eq!(found[1].1, ["sys/fs/cgroup/unified/u", "sys/fs/cgroup/unified"]);
    }

    #[test]
    fn a_container_sees_its_part_of_the_hierarchy() {
        let mounts = b"1 0 0:1 /docker/7 /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        let directories = |path: &[u8]| lineages(path, mounts, "cpu").remove(0).1;
        assert_eq!(directories(b"0::/docker/7\n"), ["sys/fs/cgroup"]);
        assert_eq!(directories(b"0::/docker/7/x\n"), ["sys/fs/cgroup/x", "sys/fs/cgroup"]);
        assert_eq!(directories(b"0::/elsewhere\n"), ["sys/fs/cgroup"]);
        assert_eq!(directories(b"0::/docker/77\n"), ["sys/fs/cgroup"]);
    }

    #[test]
    fn a_group_outside_the_namespace_is_not_searched_for() {
        let found = lineages(b"0::/../../other\n", V2, "cpu");
        assert_eq!(found[0].1, ["sys/fs/cgroup"]);
        let above = b"1 0 0:1 /../.. /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        assert_eq!(lineages(b"0::/\n", above, "cpu")[0].1, ["sys/fs/cgroup"]);
    }

    #[test]
    fn a_mount_that_shows_the_group_is_preferred() {
        let mounts = b"\
1 0 0:1 /other /mnt/other rw - cgroup2 cgroup rw
2 0 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup rw
";
        let found = lineages(b"0::/a\n", mounts, "cpu");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, ["sys/fs/cgroup/a", "sys/fs/cgroup"]);
    }

    #[test]
    fn blanks_and_other_bytes_in_names_are_kept() {
        let mounts = b"1 0 0:1 / /mnt/a\\040b\\134\\\xff rw - cgroup2  rw\n";
        let root = tree(b"0::/c d:\xfe\n", mounts);
        let groups = with_controller(root.path(), "cpu");
        let directory = groups[0].directory.strip_prefix(root.path()).unwrap();
        assert_eq!(directory.as_os_str().as_bytes(), b"mnt/a b\\\\\xff/c d:\xfe");
    }

    #[test]
    fn nonsense_is_no_group() {
        assert_eq!(with_controller("/there/is/no/such/directory".as_ref(), "cpu"), []);
        let nonsense = b"\n0\n0:\n::\n\xff:\xff:\xff\n0::/a";
        assert_eq!(lineages(nonsense, b"- - -\n1 2 3\n1 0 0:1 / / rw cgroup2\n", "cpu"), []);
    }
}
