//! The temporary folder that a snippet is compiled in. It goes away when it is dropped, whatever else
//! goes wrong.

use anyhow::Context;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

pub(super) struct Folder(PathBuf);

impl Folder {
    /// A new empty folder that only this user can look into.
    pub(super) fn new() -> anyhow::Result<Folder> {
        let folder = tempfile::Builder::new()
            .prefix("horsepower-")
            .tempdir()
            .context("cannot make a temporary folder (TMPDIR says where)")?;
        Ok(Folder(folder.keep()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    /// A linker that was killed a moment ago may just be writing its last file: removing a folder
    /// that is being filled takes a few tries.
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
    fn it_goes_away_with_what_is_in_it() {
        let folder = Folder::new().unwrap();
        let path = folder.path().to_owned();
        fs::create_dir(path.join("a")).unwrap();
        fs::write(path.join("a/b"), "c").unwrap();
        drop(folder);
        assert!(!path.exists());
    }
}
