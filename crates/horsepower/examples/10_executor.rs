//! Row 10 of the notebook, cell 10 (`with ThreadPoolExecutor() as executor`): a pool that starts, feeds
//! and joins its threads by itself. Its four parts: `Executor`, `ThreadPoolExecutor`,
//! `ProcessPoolExecutor`, and the future of each task. Leaving the scope waits for the work. (Linux.)

#![allow(clippy::print_stdout)]

use horsepower::prelude::*;

struct Delivery;

impl Delivery {
    fn run(&self) -> usize {
        println!("delivering");
        1
    }
}

/// What runs on one executor runs on every other.
fn twice(executor: &impl Executor) -> TaskFuture<u32> {
    executor.submit(|n: u32| 2 * n, 21)
}

fn main() -> Result<(), horsepower::Error> {
    horsepower::init();
    let w = Delivery;
    {
        let executor = ThreadPoolExecutor::new()?;
        let _future = executor.spawn(move || w.run());
    } // here the pool waits, and its threads are gone
    println!("delivered");

    let future = twice(&ThreadPoolExecutor::new()?);
    println!("on a thread: {}, done: {}", future.get()?, future.is_done());
    println!("in a process: {}", twice(&ProcessPoolExecutor::new()?).result()?);

    let future: TaskFuture<u32> = ThreadPoolExecutor::new()?.submit(|n: u32| 1 / n, 0);
    let error = future.result().expect_err("there is no such number");
    println!("an error is an answer too: {}", error.panic_message().unwrap_or("no panic"));
    Ok(())
}
