//! Row 2 of the notebook (a Python lecture notebook on computing power, see `horsepower::guide`),
//! cell 2 (`timeit.Timer`): eight ways to build a container of 0 to 99.
//!
//! The notebook times a million loops each; this example times ten thousand, to be quick. By
//! mistake, the notebook's two comprehension rows time the two loops again; here they time what
//! their names say. (`horsepower timeit` prints the same rows next to the notebook's figures.)

#![allow(clippy::print_stdout)]

use horsepower::timeit::Timer;
use std::collections::HashSet;
use std::hint::black_box;

const LOOPS: u64 = 10_000;

fn time<R>(name: &str, statement: impl FnMut() -> R) {
    let total = Timer::new(statement).timeit(LOOPS);
    println!("{name:<18}: {:?} a loop", total / LOOPS as u32);
}

#[expect(clippy::map_identity, reason = "the closure is what makes it a comprehension")]
fn main() {
    // Hide the value, so that the compiler cannot compute the result in advance.
    let numbers = || 0..black_box(100);
    time("set", || HashSet::<i32>::from_iter(numbers()));
    time("list", || Vec::<i32>::from_iter(numbers()));
    time("tuple", || std::array::from_fn::<usize, 100, _>(black_box));
    time("string", || format!("{:?}", numbers()));
    time("set_add", || {
        let mut set = HashSet::new();
        for i in numbers() {
            set.insert(i);
        }
        set
    });
    time("list_append", || {
        let mut list = Vec::new();
        for i in numbers() {
            list.push(i);
        }
        list
    });
    time("set_comprehension", || numbers().map(|i| i).collect::<HashSet<i32>>());
    time("list_comprehension", || numbers().map(|i| i).collect::<Vec<i32>>());
}
