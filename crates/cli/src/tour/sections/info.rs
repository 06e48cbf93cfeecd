//! Who and where am I?

use std::io::Write;

pub(crate) const TEXT: &str = "
Python asks the module `os`: getpid, getuid, getgid, getcwd. Here it is one
value. What the process may use is another: CPUs by affinity and control
group, which is what pools go by.";

pub(crate) fn run(out: &mut dyn Write) -> anyhow::Result<()> {
    // tour:begin
    use horsepower::info::{Cpus, ProcessInfo};

    let me = ProcessInfo::current();
    writeln!(out, "process {} of user {:?} and group {:?}", me.pid, me.uid, me.gid)?;
    writeln!(out, "in {}", me.cwd?.display())?;

    let cpus = Cpus::current();
    writeln!(out, "may use {} of {} CPUs", cpus.usable, cpus.online)?;
    // tour:end
    Ok(())
}
