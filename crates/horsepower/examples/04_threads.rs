//! Row 4 of the notebook (a Python lecture notebook on computing power, see `horsepower::guide`),
//! cell 4 (`class Delivery(Thread)`): the two pieces of work of row 3, on threads.
//!
//! The notebook calls `run`, which runs on the calling thread, in Python as here. Only `start` runs
//! the function on another thread; then either of the two may come first.

#![allow(clippy::print_stdout)]

use horsepower::{StopToken, Thread};
use std::thread::{ThreadId, current};

fn delivery(_: &StopToken) -> ThreadId {
    println!("delivery");
    current().id()
}

fn retrive_dish(_: &StopToken) -> ThreadId {
    println!("Retriving Dish");
    current().id()
}

fn main() -> Result<(), horsepower::Error> {
    let work1 = Thread::new(delivery);
    let work2 = Thread::new(retrive_dish);
    work1.run()?;
    work2.run()?;
    let here = current().id();
    println!("run, on the main thread: {}", *work1.get()? == here && *work2.get()? == here);

    let work1 = Thread::new(delivery);
    let work2 = Thread::new(retrive_dish);
    work1.start()?;
    work2.start()?;
    println!("start, on the main thread: {}", *work1.get()? == here || *work2.get()? == here);
    Ok(())
}
