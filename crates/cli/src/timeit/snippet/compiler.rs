//! [`Compiler`]: finds and calls `rustc`.

use super::build_dir::BuildDir;
use super::child::KillOnDrop;
use super::diagnostics::{self, Diagnostic};
use super::program::{Failure, Frame, MAIN, Program, SETUP, STATEMENT, Value};
use super::signals::Signals;
use crate::timeit::progress::Progress;
use anyhow::{Context, anyhow};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// The installed Rust compiler, and where and for whom it works.
pub(super) struct Compiler<'a> {
    pub(super) path: OsString,
    pub(super) build_dir: &'a BuildDir,
    pub(super) signals: &'a mut Signals,
    pub(super) progress: &'a Progress,
}

/// The result of a compilation.
pub(super) enum Compilation {
    /// The path of the binary, and the frame that fits the code.
    Succeeded(PathBuf, Frame),
    /// The messages of the compiler.
    Failed(String),
}

/// The path of the compiler: that in `RUSTC`, else `rustc` from `PATH`.
pub(super) fn find() -> OsString {
    let named = env::var_os("RUSTC").filter(|path| !path.is_empty());
    named.unwrap_or_else(|| "rustc".into())
}

impl Compiler<'_> {
    /// Compiles a program with optimisation, in the first frame that fits.
    ///
    /// # Errors
    /// If the compiler cannot start, if the disk is full, or if a termination signal arrives.
    pub(super) fn compile(&mut self, program: &Program) -> anyhow::Result<Compilation> {
        let binary = self.build_dir.path().join("timeit");
        let mut failure = None;
        for form in program.source.forms() {
            let mut frame = Frame { form, failure: Failure::Error, value: Value::Used };
            let (mut status, mut messages) = self.build(program, frame, &binary)?;
            if messages.iter().any(Diagnostic::needs_option) {
                frame.failure = Failure::None;
                let (other_status, other_messages) = self.build(program, frame, &binary)?;
                // If the code needs both, the first messages say so.
                if !other_messages.iter().any(Diagnostic::is_about_question_mark) {
                    (status, messages) = (other_status, other_messages);
                }
            }
            if status.success() {
                return Ok(Compilation::Succeeded(binary, frame));
            }
            failure.get_or_insert((status, messages));
        }
        let (status, messages) = failure.context("the code has no form")?;
        if messages.iter().any(Diagnostic::is_about_delimiters)
            && let Some(text) = self.delimiters(program)?
        {
            return Ok(Compilation::Failed(text));
        }
        let mut text = diagnostics::render(&messages, Some(program.source));
        if text.is_empty() {
            text = format!("horsepower: the Rust compiler failed without a message ({status})\n");
        }
        Ok(Compilation::Failed(text))
    }

    /// If the code, in a frame that fits, makes a value that does nothing unless it is used, returns
    /// what the compiler says about such values.
    pub(super) fn does_nothing(
        &mut self,
        program: &Program,
        frame: Frame,
    ) -> anyhow::Result<Option<String>> {
        let unused = Frame { value: Value::Unused, ..frame };
        program.write(self.build_dir.path(), unused).map_err(|error| self.cannot_write(error))?;
        let arguments = ["--edition", program.edition, "-Wunused", "--emit=metadata", "-o"];
        let mut arguments: Vec<OsString> = arguments.map(Into::into).into();
        arguments.push(self.build_dir.path().join("check").into());
        let (_, messages) = self.call(&arguments, MAIN)?;
        Ok(messages.iter().find_map(Diagnostic::does_nothing).map(str::to_owned))
    }

    fn build(
        &mut self,
        program: &Program,
        frame: Frame,
        binary: &Path,
    ) -> anyhow::Result<(ExitStatus, Vec<Diagnostic>)> {
        program.write(self.build_dir.path(), frame).map_err(|error| self.cannot_write(error))?;
        let arguments = ["--edition", program.edition, "-Awarnings", "-O", "-o"];
        let mut arguments: Vec<OsString> = arguments.map(Into::into).into();
        arguments.push(binary.into());
        let (status, messages) = self.call(&arguments, MAIN)?;
        let killed_by_full_disk = status.signal() == Some(signal_hook::consts::SIGBUS);
        if killed_by_full_disk || messages.iter().any(Diagnostic::is_about_space) {
            return Err(self.full());
        }
        Ok((status, messages))
    }

    /// An unclosed bracket or quote in the user's code swallows the generated lines after it, and the
    /// compiler reports those. Compiling the user's code alone gives a better message.
    fn delimiters(&mut self, program: &Program) -> anyhow::Result<Option<String>> {
        let source = program.source;
        for (file, text) in [(SETUP, &source.setup), (STATEMENT, &source.statement)] {
            let dir = self.build_dir.path();
            fs::write(dir.join(file), text).map_err(|error| self.cannot_write(error))?;
            let arguments = ["-Awarnings", "--crate-type=lib", "--emit=metadata", "-o"];
            let mut arguments: Vec<OsString> = arguments.map(Into::into).into();
            arguments.push(dir.join("check").into());
            let (_, mut messages) = self.call(&arguments, file)?;
            messages.retain(Diagnostic::is_about_delimiters);
            if !messages.is_empty() {
                return Ok(Some(diagnostics::render(&messages, None)));
            }
        }
        Ok(None)
    }

    fn call(
        &mut self,
        arguments: &[OsString],
        file: &str,
    ) -> anyhow::Result<(ExitStatus, Vec<Diagnostic>)> {
        let dir = self.build_dir.path();
        // Keep the temporary path out of messages and panics.
        let mut remap = OsString::from("--remap-path-prefix=");
        remap.push(dir);
        remap.push("=");
        let mut child = Command::new(&self.path)
            .args(["--crate-name", "timeit", "--error-format=json"])
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
        let mut child = KillOnDrop::group(child);
        let status = child.wait(pipe, self.signals, self.progress, |bytes| {
            output.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok((status, diagnostics::parse(&String::from_utf8_lossy(&output))))
    }

    fn cannot_write(&self, error: std::io::Error) -> anyhow::Error {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => self.full(),
            _ => anyhow!(error).context("cannot write to the temporary directory"),
        }
    }

    fn full(&self) -> anyhow::Error {
        let parent = self.build_dir.path().parent().unwrap_or(Path::new("/"));
        anyhow!(
            "no space is left for temporary files in {}; make room there, or set TMPDIR to another \
             directory",
            parent.display()
        )
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
