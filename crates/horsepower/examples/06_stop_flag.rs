//! Row 6 of the notebook (a Python lecture notebook on computing power, see `horsepower::guide`),
//! cell 6 (`Thread(target=worker, args=('Overwork', 3))`): a thread for a function and its
//! arguments, which works until it is told to stop.
//!
//! The notebook's flag `Stopped` is a token here, which every thread has. The pauses last three
//! milliseconds instead of three seconds, to be quick.

#![allow(clippy::print_stdout)]

use horsepower::{StopToken, Thread};
use std::time::Duration;

fn worker((work, sleep_sec): (&str, f64), stop: &StopToken) -> u32 {
    let mut turns = 0;
    loop {
        println!("do  {work}");
        turns += 1;
        // False: a stop was requested.
        if !stop.sleep(Duration::from_secs_f64(sleep_sec)) {
            break;
        }
    }
    println!("retired..");
    turns
}

fn main() -> Result<(), horsepower::Error> {
    let t = Thread::new_call(worker, ("Overwork", 0.003));
    t.start()?;
    let too_early = t.join_timeout(Duration::from_millis(20)).expect_err("no stop was requested");
    println!("after a while: {}, {}", too_early.is_timeout(), t.state());
    t.stop();
    println!("turns: {}", t.get()?);
    Ok(())
}
