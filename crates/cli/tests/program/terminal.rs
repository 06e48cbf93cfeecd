//! A pseudo-terminal.

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::os::unix::ffi::OsStrExt;

/// A new pseudo-terminal: the side that the test reads, and the side that the program writes to.
pub(crate) fn terminal() -> (File, File) {
    let shown = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&shown).unwrap();
    unlockpt(&shown).unwrap();
    let name = ptsname(&shown, Vec::new()).unwrap();
    let name = OsStr::from_bytes(name.to_bytes());
    let written = OpenOptions::new().read(true).write(true).open(name).unwrap();
    (File::from(shown), written)
}
