//! `horsepower info`: prints the ids of this process, and the CPUs and memory available to it.

use crate::exit::{FAILED, say};
use crate::table::{Align, Table};
use anyhow::Context;
use clap::Args;
use horsepower::info::{Cpus, Memory, ProcessInfo};
use indicatif::BinaryBytes;
use serde::Serialize;
use std::fmt::{self, Display};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// All values. `None` means unknown, or no limit.
#[derive(Debug, Serialize)]
struct Info {
    pid: u32,
    parent_pid: Option<u32>,
    uid: Option<u32>,
    gid: Option<u32>,
    cwd: Option<String>,
    executable: Option<String>,
    threads: Option<u64>,
    resident_bytes: Option<u64>,
    cpus: CpuInfo,
    memory: MemoryInfo,
}

#[derive(Debug, Serialize)]
struct CpuInfo {
    online: usize,
    affinity: usize,
    cgroup_quota: Option<f64>,
    usable: usize,
}

#[derive(Debug, Serialize)]
struct MemoryInfo {
    total_bytes: Option<u64>,
    available_bytes: Option<u64>,
    cgroup_limit_bytes: Option<u64>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut failed = false;
    let info = Info::gather(|what, error| {
        say(format_args!("horsepower: cannot determine the {what}: {error}"));
        failed = true;
    });
    let text = if options.json { serde_json::to_string(&info)? + "\n" } else { info.to_string() };
    let mut output = io::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .context("cannot write to standard output")?;
    Ok(if failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

impl Info {
    /// Reads all values. Passes the name of each path that cannot be determined to `on_error`.
    fn gather(mut on_error: impl FnMut(&str, io::Error)) -> Info {
        let process = ProcessInfo::current();
        let cpus = Cpus::current();
        let memory = Memory::current();
        let mut path = |what, path: io::Result<PathBuf>| match path {
            // Replace invalid UTF-8: neither text nor JSON can represent it.
            Ok(path) => Some(path.to_string_lossy().into_owned()),
            Err(error) => {
                on_error(what, error);
                None
            }
        };
        Info {
            pid: process.pid,
            parent_pid: process.parent_pid,
            uid: process.uid,
            gid: process.gid,
            cwd: path(WORKING_DIRECTORY, process.cwd),
            executable: path(EXECUTABLE, process.executable),
            threads: process.threads,
            resident_bytes: process.resident_bytes,
            cpus: CpuInfo {
                online: cpus.online,
                affinity: cpus.affinity,
                cgroup_quota: cpus.cgroup_quota,
                usable: cpus.usable,
            },
            memory: MemoryInfo {
                total_bytes: memory.total_bytes,
                available_bytes: memory.available_bytes,
                cgroup_limit_bytes: memory.cgroup_limit_bytes,
            },
        }
    }
}

const WORKING_DIRECTORY: &str = "working directory";
const EXECUTABLE: &str = "executable";

impl Display for Info {
    /// Writes the values as a list in groups.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = Table::new([Align::Left, Align::Left]);
        let mut row = |name: &str, value: String| list.row([name.to_owned(), value]);

        row("process", String::new());
        row("  pid", self.pid.to_string());
        row("  parent pid", known(self.parent_pid));
        row("  uid", known(self.uid));
        row("  gid", known(self.gid));
        row(&format!("  {WORKING_DIRECTORY}"), known(self.cwd.as_ref()));
        row(&format!("  {EXECUTABLE}"), known(self.executable.as_ref()));
        row("  threads", known(self.threads));
        row("  resident memory", known(self.resident_bytes.map(BinaryBytes)));

        row("CPUs", String::new());
        row("  online", self.cpus.online.to_string());
        row("  allowed by affinity", self.cpus.affinity.to_string());
        row("  cgroup quota", limit(self.cpus.cgroup_quota));
        row("  default pool size", self.cpus.usable.to_string());

        row("memory", String::new());
        row("  total", known(self.memory.total_bytes.map(BinaryBytes)));
        row("  available", known(self.memory.available_bytes.map(BinaryBytes)));
        row("  cgroup limit", limit(self.memory.cgroup_limit_bytes.map(BinaryBytes)));
        list.fmt(f)
    }
}

fn known(value: Option<impl Display>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| value.to_string())
}

fn limit(value: Option<impl Display>) -> String {
    value.map_or_else(|| "no limit".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> Info {
        Info {
            pid: 42,
            parent_pid: Some(1),
            uid: Some(1000),
            gid: None,
            cwd: Some("/home/a b".to_owned()),
            executable: None,
            threads: Some(1),
            resident_bytes: Some(3 << 20),
            cpus: CpuInfo { online: 8, affinity: 4, cgroup_quota: Some(1.5), usable: 2 },
            memory: MemoryInfo {
                total_bytes: Some(24 << 30),
                available_bytes: Some(1536 << 20),
                cgroup_limit_bytes: None,
            },
        }
    }

    #[test]
    fn the_list_is_grouped_and_aligned() {
        assert_eq!(
            info().to_string(),
            "\
process
  pid                  42
  parent pid           1
  uid                  1000
  gid                  unknown
  working directory    /home/a b
  executable           unknown
  threads              1
  resident memory      3.00 MiB
CPUs
  online               8
  allowed by affinity  4
  cgroup quota         1.5
  default pool size    2
memory
  total                24.00 GiB
  available            1.50 GiB
  cgroup limit         no limit
"
        );
    }

    #[test]
    fn the_object_has_the_documented_keys() {
        assert_eq!(
            serde_json::to_string(&info()).unwrap(),
            concat!(
                r#"{"pid":42,"parent_pid":1,"uid":1000,"gid":null,"cwd":"/home/a b","#,
                r#""executable":null,"threads":1,"resident_bytes":3145728,"#,
                r#""cpus":{"online":8,"affinity":4,"cgroup_quota":1.5,"usable":2},"#,
                r#""memory":{"total_bytes":25769803776,"available_bytes":1610612736,"#,
                r#""cgroup_limit_bytes":null}}"#
            )
        );
    }
}
