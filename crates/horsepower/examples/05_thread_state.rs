//! Row 5 of the notebook (a Python lecture notebook on computing power, see `horsepower::guide`),
//! cell 5 (`<Delivery(Thread-6, initial)>`): a thread has an identity, which is its name and its
//! number in the system, and a state that can be read.

#![allow(clippy::print_stdout)]

use horsepower::{StopToken, Thread};
use std::time::Duration;

fn delivery(stop: &StopToken) {
    println!("delivering");
    // Runs until it is asked to stop, so that there is a running thread to look at.
    stop.sleep(Duration::MAX);
}

fn main() -> Result<(), horsepower::Error> {
    let work = Thread::builder().name("Thread-6").build(delivery);
    println!("{work:?}");
    assert_eq!(work.native_id(), None);

    work.start()?;
    println!("{work:?}");
    assert!(work.ident().is_some() && work.ident() != Some(std::thread::current().id()));

    work.stop();
    work.join()?;
    println!("{work:?}");

    println!("default name: {}", Thread::new(delivery).name());
    Ok(())
}
