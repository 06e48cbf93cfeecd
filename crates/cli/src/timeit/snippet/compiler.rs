//! `rustc`: where it is, how it is called.

use super::child::Kept;
use super::diagnostics::{self, Diagnostic};
use super::folder::Folder;
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

/// The machine's own compiler.
pub(super) struct Compiler {
    path: OsString,
}

/// What comes out of compiling.
pub(super) enum Compiled {
    /// A program in the folder.
    Program(PathBuf),
    /// What the compiler says against it.
    Refused(String),
}

impl Compiler {
    /// The one that `RUSTC` names, else the one in `PATH`.
    pub(super) fn find() -> Compiler {
        let named = env::var_os("RUSTC").filter(|path| !path.is_empty());
        Compiler { path: named.unwrap_or_else(|| "rustc".into()) }
    }

    /// Compiles a program with optimisation.
    ///
    /// # Errors
    /// If there is no compiler, or a signal asks for an end.
    pub(super) fn compile(
        &self,
        program: &Program,
        folder: &Folder,
        signals: &mut Signals,
    ) -> anyhow::Result<Compiled> {
        program.write(folder.path()).context("cannot write into the temporary folder")?;
        let binary = folder.path().join("timeit");
        let mut arguments = vec!["--edition".into(), program.edition.into(), "-O".into()];
        arguments.extend(["-o".into(), binary.clone().into_os_string()]);
        let (status, said) = self.call(&arguments, MAIN, folder.path(), signals)?;
        if status.success() {
            return Ok(Compiled::Program(binary));
        }
        if said.iter().any(Diagnostic::is_about_delimiters) {
            // A bracket or a quote that is not closed swallows the lines of ours that follow, and
            // the compiler talks about them. The user's text alone gives a better message.
            for (file, text) in [(SETUP, program.setup), (STATEMENT, program.statement)] {
                fs::write(folder.path().join(file), text)?;
                let arguments = [
                    "--crate-type=lib".into(),
                    "--emit=metadata".into(),
                    "-o".into(),
                    binary.clone().into(),
                ];
                let (_, mut said) = self.call(&arguments, file, folder.path(), signals)?;
                said.retain(Diagnostic::is_about_delimiters);
                if !said.is_empty() {
                    return Ok(Compiled::Refused(diagnostics::told(&said, 0)));
                }
            }
        }
        let mut text = diagnostics::told(&said, LINES_BEFORE);
        if text.is_empty() {
            text = format!("horsepower: the compiler failed ({status}) and said nothing\n");
        }
        Ok(Compiled::Refused(text))
    }

    fn call(
        &self,
        arguments: &[OsString],
        file: &str,
        folder: &Path,
        signals: &mut Signals,
    ) -> anyhow::Result<(ExitStatus, Vec<Diagnostic>)> {
        // The folder's name is nobody's business, neither in messages nor in the program.
        let mut remap = OsString::from("--remap-path-prefix=");
        remap.push(folder);
        remap.push("=");
        let mut child = Command::new(&self.path)
            .args(["--crate-name", "timeit", "-Awarnings", "--error-format=json"])
            .arg(remap)
            .args(arguments)
            .arg(folder.join(file))
            // Temporary files of the compiler and the linker go away with the folder.
            .env("TMPDIR", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| self.missing(error))?;
        let pipe = child.stderr.take().context("the compiler's messages are piped")?;
        let mut said = Vec::new();
        let status = Kept::group(child).attend(pipe, signals, |bytes| {
            said.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok((status, diagnostics::parse(&String::from_utf8_lossy(&said))))
    }

    fn missing(&self, error: std::io::Error) -> anyhow::Error {
        let path = self.path.display();
        let what = if error.kind() == ErrorKind::NotFound {
            anyhow!("there is no Rust compiler `{path}`")
        } else {
            anyhow!("the Rust compiler `{path}` cannot be started: {error}")
        };
        anyhow!("{what}; install Rust (https://rustup.rs), or set RUSTC to the path of a rustc")
    }
}
