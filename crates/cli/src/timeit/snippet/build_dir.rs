//! [`BuildDir`]: the temporary directory in which a snippet is compiled. Dropping it removes it.

use anyhow::Context;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

pub(super) struct BuildDir(PathBuf);

impl BuildDir {
    /// Creates an empty directory that only this user can access.
    pub(super) fn new() -> anyhow::Result<BuildDir> {
        let dir = tempfile::Builder::new().prefix("horsepower-").tempdir().context(
            "cannot create a temporary directory (set TMPDIR to another parent directory)",
        )?;
        Ok(BuildDir(dir.keep()))
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
        drop(dir);
        assert!(!path.exists());
    }
}
