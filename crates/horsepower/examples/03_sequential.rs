//! Row 3 of the notebook (a Python lecture notebook on computing power, see `horsepower::guide`),
//! cell 3: two pieces of work, one after the other. First as plain calls, then with the in-line
//! executor, which does the same behind the interface of the pools.

#![allow(clippy::print_stdout)]

use horsepower::prelude::*;

struct Delivery;

impl Delivery {
    fn run(&self) {
        println!("delivery");
    }
}

struct RetriveDish;

impl RetriveDish {
    fn run(&self) {
        println!("Retriving Dish");
    }
}

fn main() -> Result<(), horsepower::Error> {
    let work1 = Delivery;
    let work2 = RetriveDish;
    work1.run();
    work2.run();

    let executor = InlineExecutor::new();
    executor.spawn(|| work1.run()).result()?;
    executor.spawn(|| work2.run()).result()
}
