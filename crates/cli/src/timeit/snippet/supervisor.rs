//! The supervisor: the process that the user starts. It starts the command a second time, as the
//! measuring process, and waits for that.
//!
//! Each of the two cleans up for the other, so that nothing stays behind if one of them is killed:
//!
//! | who ends | who cleans up |
//! |---|---|
//! | the supervisor | the measuring process, whose standard input ends; a session of its own keeps it alive when the whole group of the supervisor is killed |
//! | the measuring process | the supervisor, which adopts what that has left behind, and owns the temporary directory |
//! | both at once | on Linux the kernel kills the process that runs the code; processes that the code started, and the temporary directory, stay |

use super::build_dir::BuildDir;
use super::child::{Event, KillOnDrop};
use super::orphans::{self, Orphans};
use super::signals::{Interrupted, Signals};
use crate::exit::{FAILED, say};
use crate::timeit::options::SUPERVISED_IN;
use anyhow::Context;
use std::env;
use std::ffi::OsString;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

/// How long the measuring process may take to end. It is then killed.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn run() -> anyhow::Result<ExitCode> {
    match supervise() {
        // Everything is cleaned up by now.
        Err(error) if error.is::<Interrupted>() => {
            error.downcast::<Interrupted>()?.exit();
            Ok(ExitCode::from(FAILED))
        }
        Err(error) => Err(error),
        Ok(status) => Ok(exit_code(status)),
    }
}

fn supervise() -> anyhow::Result<ExitStatus> {
    // Catch signals before there is something to clean up.
    let mut signals = Signals::new(None).context("cannot install signal handlers")?;
    // Dropped in the reverse order: first the processes, then the directory that they may write to.
    let build_dir = BuildDir::new()?;
    let _orphans = Orphans::adopt().context("cannot adopt the processes of the code")?;
    let mut child = start(build_dir.path()).context("cannot start the measuring process")?;
    // The measuring process ends when this closes.
    let lifeline = child.stdin.take();
    let mut child = KillOnDrop::new(child);
    loop {
        match child.event(&mut signals, None)? {
            Event::Exited(status) => return Ok(status),
            Event::Interrupted(Interrupted::Stop) => {
                orphans::pause(true);
                Interrupted::Stop.exit();
                orphans::pause(false);
            }
            Event::Interrupted(interrupted) => {
                drop(lifeline);
                let _ = child.event(&mut signals, Some(PATIENCE))?;
                return Err(interrupted.into());
            }
            Event::Timeout => {}
        }
    }
}

/// Starts this command again with the same arguments and the hidden option.
fn start(build_dir: &Path) -> anyhow::Result<Child> {
    let this = Path::new("/proc/self/exe");
    let this = if this.exists() { this.to_owned() } else { env::current_exe()? };
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_else(|| "horsepower".into());
    let subcommand = arguments.next().context("there is no subcommand")?;
    let mut supervised_in = OsString::from(format!("--{SUPERVISED_IN}="));
    supervised_in.push(build_dir);
    Ok(Command::new::<PathBuf>(this)
        .arg0(name)
        .arg(subcommand)
        .arg(supervised_in)
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()?)
}

/// The exit code of the measuring process, which has told the user about errors.
fn exit_code(status: ExitStatus) -> ExitCode {
    if let Some(signal) = status.signal() {
        say(format_args!("horsepower: signal {signal} ended the measuring process"));
    }
    ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED))
}
