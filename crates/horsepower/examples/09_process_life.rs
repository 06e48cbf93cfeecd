//! Row 9 of the notebook (a Python lecture notebook on computing power, see `horsepower::guide`),
//! cell 9 (`start`, `join`, `terminate`): the life of a process and how it ends: with a result, by
//! a signal, or with a crash that affects nothing else. (Linux.)
//!
//! The notebook terminates a process that it has already joined, which has no effect. Here each
//! gets its own process.

#![allow(clippy::print_stdout)]

use horsepower::Process;
use std::time::Duration;

fn delivery(dishes: u32) -> u32 {
    println!("delivering...");
    2 * dishes
}

fn overwork(seconds: u64) {
    std::thread::sleep(Duration::from_secs(seconds));
}

fn crash(_: ()) {
    std::process::abort();
}

fn main() -> Result<(), horsepower::Error> {
    horsepower::init();
    let p = Process::new(delivery, 21);
    println!("before `start`: pid {:?}, alive {}", p.pid(), p.is_alive());
    p.start()?;
    println!("its result: {}", p.get()?);
    println!("after `join`: exit code {:?}, alive {}", p.exit_code(), p.is_alive());

    let p = Process::spawn(overwork, 3600)?;
    println!("while it runs: alive {}", p.is_alive());
    p.terminate()?;
    println!("terminated: {}, exit code {:?}", p.join().is_err(), p.exit_code());

    let p = Process::spawn(crash, ())?;
    let error = p.join().expect_err("there is no result");
    println!("crashed: signal {:?}, and this program continues", error.signal());
    Ok(())
}
