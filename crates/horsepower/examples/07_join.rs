//! Row 7 of the notebook (a Python lecture notebook on computing power, see `horsepower::guide`),
//! cell 7 (`Stopped = True; t.join()`): telling the worker to stop, and waiting until it has
//! finished.
//!
//! Here the pause between two turns is the notebook's full 3 seconds, but the program does not wait
//! for it: the stop request wakes the worker.

#![allow(clippy::print_stdout)]

use horsepower::{StopToken, Thread};
use std::time::Duration;

fn worker((work, sleep_sec): (&str, u64), stop: &StopToken) {
    while !stop.stop_requested() {
        println!("do  {work}");
        stop.sleep(Duration::from_secs(sleep_sec));
    }
    println!("retired..");
}

fn main() -> Result<(), horsepower::Error> {
    let t = Thread::spawn_call(worker, ("Overwork", 3))?;
    t.stop();
    t.join()?;
    println!("worker is gone.");
    Ok(())
}
