//! [`Compiler`]: finds and calls `rustc`.

use super::build_dir::BuildDir;
use super::child::KillOnDrop;
use super::diagnostics::{self, Diagnostic};
use super::program::{LINES_BEFORE, MAIN, Program, SETUP, STATEMENT};
use super::signals::Signals;
use anyhow::{Context, anyhow};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// The installed Rust compiler.
pub(super) struct Compiler {
    path: OsString,
}

/// The result of a compilation.
pub(super) enum Compilation {
    /// The path of the binary.
    Succeeded(PathBuf),
    /// The messages of the compiler.
    Failed(String),
}

impl Compiler {
    /// The compiler that `RUSTC` names, else `rustc` from `PATH`.
    pub(super) fn find() -> Compiler {
        let named = env::var_os("RUSTC").filter(|path| !path.is_empty());
        Compiler { path: named.unwrap_or_else(|| "rustc".into()) }
    }

    /// Compiles a program with optimisation.
    ///
    /// # Errors
    /// If the compiler cannot start, or a termination signal arrives.
    pub(super) fn compile(
        &self,
        program: &Program,
        build_dir: &BuildDir,
        signals: &mut Signals,
    ) -> anyhow::Result<Compilation> {
        let dir = build_dir.path();
        program.write(dir).context("cannot write to the temporary directory")?;
        let binary = dir.join("timeit");
        let mut arguments = vec!["--edition".into(), program.edition.into(), "-O".into()];
        arguments.extend(["-o".into(), binary.clone().into_os_string()]);
        let (status, messages) = self.call(&arguments, MAIN, dir, signals)?;
        if status.success() {
            return Ok(Compilation::Succeeded(binary));
        }
        if messages.iter().any(Diagnostic::is_about_delimiters) {
            // An unclosed bracket or quote in the user's code swallows the generated lines after it,
            // and the compiler reports those. Compiling the user's code alone gives a better message.
            for (file, text) in [(SETUP, program.setup), (STATEMENT, program.statement)] {
                fs::write(dir.join(file), text)?;
                let arguments = [
                    "--crate-type=lib".into(),
                    "--emit=metadata".into(),
                    "-o".into(),
                    binary.clone().into(),
                ];
                let (_, mut messages) = self.call(&arguments, file, dir, signals)?;
                messages.retain(Diagnostic::is_about_delimiters);
                if !messages.is_empty() {
                    return Ok(Compilation::Failed(diagnostics::render(&messages, 0)));
                }
            }
        }
        let mut text = diagnostics::render(&messages, LINES_BEFORE);
        if text.is_empty() {
            text = format!("horsepower: the Rust compiler failed without a message ({status})\n");
        }
        Ok(Compilation::Failed(text))
    }

    fn call(
        &self,
        arguments: &[OsString],
        file: &str,
        dir: &Path,
        signals: &mut Signals,
    ) -> anyhow::Result<(ExitStatus, Vec<Diagnostic>)> {
        // Keep the temporary path out of messages and panics.
        let mut remap = OsString::from("--remap-path-prefix=");
        remap.push(dir);
        remap.push("=");
        let mut child = Command::new(&self.path)
            .args(["--crate-name", "timeit", "-Awarnings", "--error-format=json"])
            .arg(remap)
            .args(arguments)
            .arg(dir.join(file))
            // The compiler and the linker put their temporary files there, too.
            .env("TMPDIR", dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| self.cannot_start(error))?;
        let pipe =
            child.stderr.take().context("the standard error of the compiler is not piped")?;
        let mut output = Vec::new();
        let status = KillOnDrop::group(child).wait(pipe, signals, |bytes| {
            output.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok((status, diagnostics::parse(&String::from_utf8_lossy(&output))))
    }

    fn cannot_start(&self, error: std::io::Error) -> anyhow::Error {
        let path = self.path.display();
        let what = if error.kind() == ErrorKind::NotFound {
            anyhow!("Rust compiler `{path}` not found")
        } else {
            anyhow!("cannot start the Rust compiler `{path}`: {error}")
        };
        anyhow!("{what}; install Rust from https://rustup.rs, or set RUSTC to the path of rustc")
    }
}
