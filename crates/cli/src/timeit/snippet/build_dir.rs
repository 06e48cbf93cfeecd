//! [`BuildDir`]: the temporary directory in which a snippet is compiled. Dropping it removes it.

use anyhow::Context;
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

pub(super) struct BuildDir(PathBuf);

impl BuildDir {
    /// Creates an empty directory that only this user can access, whatever the umask is: others could
    /// otherwise read the code, or replace the program before it runs.
    pub(super) fn new() -> anyhow::Result<BuildDir> {
        let private = Permissions::from_mode(0o700);
        let dir = tempfile::Builder::new().prefix("horsepower-").permissions(private).tempdir();
        let dir = dir.context(
            "cannot create a temporary directory (set TMPDIR to another parent directory)",
        )?;
        Ok(BuildDir(dir.keep()))
    }

    /// Takes over a directory that the supervisor has created. Both remove it.
    ///
    /// # Errors
    /// If it is not empty: a user, not the supervisor, has chosen it.
    pub(super) fn of_supervisor(path: &Path) -> anyhow::Result<BuildDir> {
        let mut entries = fs::read_dir(path).context("cannot read the temporary directory")?;
        anyhow::ensure!(entries.next().is_none(), "the temporary directory is not empty");
        Ok(BuildDir(path.to_owned()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for BuildDir {
    /// Removes the directory. Retries, because a linker that was just killed may still be creating a
    /// file.
    fn drop(&mut self) {
        for _ in 0..100 {
            match fs::remove_dir_all(&self.0) {
                Ok(()) => return,
                Err(error) if error.kind() == ErrorKind::NotFound && !self.0.exists() => return,
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drop_removes_the_directory_and_its_contents() {
        let dir = BuildDir::new().unwrap();
        let path = dir.path().to_owned();
        fs::create_dir(path.join("a")).unwrap();
        fs::write(path.join("a/b"), "c").unwrap();
        assert!(BuildDir::of_supervisor(&path).is_err());
        assert!(path.join("a/b").exists(), "what a user has is not removed");
        drop(dir);
        assert!(!path.exists());
    }
}
