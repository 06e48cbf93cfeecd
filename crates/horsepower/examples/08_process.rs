//! Row 8 of the notebook (a Python lecture notebook on computing power, see `horsepower::guide`),
//! cell 8 (`mp.Process(target=delivery, args=()).start()`): a function in its own process. It
//! prints to the same standard output. (Linux.)

#![allow(clippy::print_stdout)]

use horsepower::Process;

fn delivery(_: ()) -> u32 {
    println!("delivering...");
    std::process::id()
}

fn main() -> Result<(), horsepower::Error> {
    horsepower::init(); // the other process stops here and calls `delivery`
    let p = Process::spawn(delivery, ())?;
    let there = *p.get()?;
    println!("delivered by process {there}, requested by process {}", std::process::id());
    assert_eq!(there, p.pid().expect("it was started"));
    Ok(())
}
