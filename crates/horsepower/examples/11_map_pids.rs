//! Row 11 of the notebook (a Python lecture notebook on computing power, see `horsepower::guide`),
//! cell 11 (`Pool().map(double, [1, 2, 3, 4, 5])`): one function over many values in several
//! processes. Each call prints the id of its process; the results arrive in input order. (Linux.)
//!
//! There are two workers, and each call takes some milliseconds, so that both get work on any
//! machine.

#![allow(clippy::print_stdout)]

use horsepower::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;

fn double(i: i32) -> (i32, u32) {
    let pid = std::process::id();
    println!("I'm processing {pid}");
    std::thread::sleep(Duration::from_millis(50));
    (i * 2, pid)
}

fn main() -> Result<(), horsepower::Error> {
    horsepower::init();
    let pool = ProcessPoolExecutor::with_workers(2)?;
    let answers: Result<Vec<_>, _> = pool.map(double, [1, 2, 3, 4, 5]).collect();
    let (result, pids): (Vec<i32>, BTreeSet<u32>) = answers?.into_iter().unzip();
    println!("{result:?}");
    println!("in {} processes, none of them the program's own", pids.len());
    assert!(!pids.contains(&std::process::id()));
    Ok(())
}
