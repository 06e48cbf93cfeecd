//! The numbers to test: first those of the command line, then those of the file. Without either: the
//! six numbers of the Python lecture notebook that this tool answers.

use super::options::Options;
use crate::input::{BadLine, Numbers};
use anyhow::Context;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// The numbers of the notebook. The third repeats the first, as in the notebook.
const NOTEBOOK: [u64; 6] = [
    112_272_535_095_293,
    112_582_705_942_171,
    112_272_535_095_293,
    115_280_095_190_773,
    115_797_848_077_099,
    1_099_726_899_285_419,
];

/// Reads all numbers, unless they come from standard input ([`pipe`](super::pipe)). Passes each bad line to `on_bad_line`, with the name of its file.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn load(
    options: &Options,
    mut on_bad_line: impl FnMut(&str, BadLine),
) -> anyhow::Result<Vec<u64>> {
    let mut numbers = options.numbers.clone();
    match &options.file {
        Some(path) => {
            let (name, file) = open(path)?;
            let mut read = Numbers::new(BufReader::new(file), |line| on_bad_line(&name, line));
            numbers.extend(&mut read);
            let error = read.take_error();
            error.map_or(Ok(()), Err).with_context(|| format!("cannot read {name}"))?;
        }
        None if numbers.is_empty() => numbers.extend(NOTEBOOK),
        None => {}
    }
    Ok(numbers)
}

fn open(path: &Path) -> anyhow::Result<(String, Box<dyn Read>)> {
    let name = path.display().to_string();
    let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
    Ok((name, Box::new(file)))
}
