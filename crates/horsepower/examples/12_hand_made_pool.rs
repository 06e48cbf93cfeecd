//! Row 12 of the notebook, which names it without showing it: a pool made by hand with a queue. Two
//! threads take jobs from one channel and put their results into another. Everything here that is not
//! `double` is what an executor does for you; and this one has no answer for a job that panics.

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
                let put_result = put_result; // dropped with the thread, which ends the results
                // In a statement of its own: the lock is let go before the job is done.
                let next = || jobs.lock().expect("no holder panics").recv();
                while let Ok((place, i)) = next() {
                    put_result.send((place, double(i))).expect("somebody receives");
                }
            });
        }
        VALUES.into_iter().enumerate().for_each(|job| put_job.send(job).expect("they live"));
        drop((put_job, put_result)); // no more jobs: the threads end
        let mut results: Vec<_> = results.into_iter().collect();
        results.sort_unstable(); // they come as they are done
        results.into_iter().map(|(_, result)| result).collect()
    })
}

fn main() -> Result<(), horsepower::Error> {
    println!("by hand: {:?}", by_hand());
    let pool = ThreadPoolExecutor::with_workers(2)?;
    println!("by an executor: {:?}", pool.map(double, VALUES).collect::<Result<Vec<_>, _>>()?);
    Ok(())
}
