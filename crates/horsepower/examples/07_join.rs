//! Row 7 of the notebook, cell 7 (`Stopped = True; t.join()`): telling the worker to stop, and waiting
//! for its end.
//!
//! Here the rest between two turns is the notebook's whole 3 seconds, and nobody waits for them: the
//! stop wakes the worker.

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
    let t = Thread::spawn_with(worker, ("Overwork", 3))?;
    t.stop();
    t.join()?;
    println!("worker is gone.");
    Ok(())
}
