//! Row 10 of the notebook (a Python lecture notebook on computing power, see `horsepower::guide`),
//! cell 10 (`with ThreadPoolExecutor() as executor`): a pool that starts, feeds and joins its
//! threads itself. It has four parts: `Executor`, `ThreadPoolExecutor`, `ProcessPoolExecutor`, and
//! the future of each task. Leaving the scope waits for the work. (Linux.)

#![allow(clippy::print_stdout)]

use horsepower::prelude::*;

struct Delivery;

impl Delivery {
    fn run(&self) -> usize {
        println!("delivering");
        1
    }
}

/// What runs on one executor runs on all of them.
fn twice(executor: &impl Executor) -> TaskFuture<u32> {
    executor.submit(|n: u32| 2 * n, 21)
}

fn main() -> Result<(), horsepower::Error> {
    horsepower::init();
    let w = Delivery;
    {
        let executor = ThreadPoolExecutor::new()?;
        let _future = executor.spawn(move || w.run());
    } // the pool waits here and joins its threads
    println!("delivered");

    let future = twice(&ThreadPoolExecutor::new()?);
    println!("on a thread: {}, done: {}", future.get()?, future.is_done());
    println!("in a process: {}", twice(&ProcessPoolExecutor::new()?).result()?);

    let future: TaskFuture<u32> = ThreadPoolExecutor::new()?.submit(|n: u32| 1 / n, 0);
    let error = future.result().expect_err("the task fails");
    println!("an error is an answer too: {}", error.panic_message().unwrap_or("no panic"));
    Ok(())
}
