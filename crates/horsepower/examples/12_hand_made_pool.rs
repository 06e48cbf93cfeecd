//! Row 12 of the notebook (a Python lecture notebook on computing power, see `horsepower::guide`),
//! which names it without showing it: a pool made by hand with a queue. Two threads take jobs from
//! one channel and put their results into another. Everything here except `double` is what an
//! executor does for you; and this pool has no answer for a job that panics.

#![allow(clippy::print_stdout)]

use horsepower::prelude::*;
use std::sync::{Mutex, mpsc};
use std::thread;

const VALUES: [i32; 5] = [1, 2, 3, 4, 5];

fn double(i: i32) -> i32 {
    i * 2
}

fn by_hand() -> Vec<i32> {
    let (put_job, jobs) = mpsc::channel::<(usize, i32)>();
    let (put_result, results) = mpsc::channel::<(usize, i32)>();
    let jobs = Mutex::new(jobs);
    thread::scope(|scope| {
        for _ in 0..2 {
            let put_result = put_result.clone();
            scope.spawn(|| {
                let put_result = put_result; // dropped with the thread; the last drop ends the results
                // A separate statement, so that the lock is released before the job runs.
                let next = || jobs.lock().expect("no holder panics").recv();
                while let Ok((place, i)) = next() {
                    put_result.send((place, double(i))).expect("the receiver lives");
                }
            });
        }
        VALUES.into_iter().enumerate().for_each(|job| put_job.send(job).expect("the threads live"));
        drop((put_job, put_result)); // no more jobs: the threads exit
        let mut results: Vec<_> = results.into_iter().collect();
        results.sort_unstable(); // they arrive in the order in which they finish
        results.into_iter().map(|(_, result)| result).collect()
    })
}

fn main() -> Result<(), horsepower::Error> {
    println!("by hand: {:?}", by_hand());
    let pool = ThreadPoolExecutor::with_workers(2)?;
    println!("by an executor: {:?}", pool.map(double, VALUES).collect::<Result<Vec<_>, _>>()?);
    Ok(())
}
