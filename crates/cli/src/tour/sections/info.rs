//! The section `info`: this process and the CPUs that it may use.

use std::io::Write;

pub(crate) const TEXT: &str = "
`ProcessInfo` has what Python's `os.getpid`, `getuid`, `getgid` and `getcwd`
return. `Cpus` counts the CPUs that the CPU affinity and the control group let
this process use. A pool starts that many workers by default.";

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
