//! Row 1 of the notebook (a Python lecture notebook on computing power, see `horsepower::guide`),
//! cell 1 (`os.getpid`, `getuid`, `getgid`, `getcwd`): who and where this process is. It also
//! prints how much computing power it may use, which the notebook does not.

#![allow(clippy::print_stdout)]

use horsepower::info::{Cpus, Memory, ProcessInfo};
use std::fmt::Display;

fn main() -> std::io::Result<()> {
    let me = ProcessInfo::current();
    println!("process ID: {}", me.pid);
    println!("user ID: {}", known(me.uid));
    println!("group ID: {}", known(me.gid));
    println!("working directory: {}", me.cwd?.display());

    let cpus = Cpus::current();
    println!("CPUs: {} of {} are usable", cpus.usable, cpus.online);
    println!("bytes of memory: {}", known(Memory::current().total_bytes));
    Ok(())
}

/// Not every system knows every value.
fn known(value: Option<impl Display>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| value.to_string())
}
