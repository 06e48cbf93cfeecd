//! How long does it take? Python's `timeit`, for closures.
//!
//! | file | what it owns |
//! |---|---|
//! | `timer` | [`Timer`]: runs a statement many times between two clock reads |
//! | `clock` | [`Clock`] and the clocks: wall, CPU time of the process, CPU time of the thread |
//! | `measurement` | [`Measurement`]: what the totals say about one loop |
//! | `format` | [`TimeFormat`], [`Unit`] and [`general`]: how a time is written |
//!
//! ```
//! use horsepower::timeit::Timer;
//! use std::hint::black_box;
//!
//! let mut timer = Timer::new(|| (0..black_box(100)).collect::<Vec<i32>>());
//! let total = timer.timeit(1000); // of all loops
//! assert!(total > std::time::Duration::ZERO);
//! ```
//!
//! [`Timer::measure`] finds out by itself how many loops make a good timing, and the result prints
//! as Python's does: `20000000 loops, best of 5: 12.1 nsec per loop`.
//!
//! # What is and what is not measured
//!
//! Every value that the statement returns goes through [`std::hint::black_box`], so a computation
//! cannot be dropped because nobody looks at its result. What the compiler knows *before* it can
//! still be computed while compiling: hand such a value through `black_box` too, as above. What a
//! statement returns is dropped inside the timing.
//!
//! Each clock read stands between compiler fences, and there are exactly two of them, so the clock
//! costs one read a timing, however many loops there are; [`Timer::clock_overhead`] tells how much.

mod clock;
mod format;
mod measurement;
mod timer;

pub use clock::{Clock, WallClock};
#[cfg(unix)]
pub use clock::{ProcessClock, ThreadClock};
pub use format::{TimeFormat, Unit, UnknownUnit, general};
pub use measurement::Measurement;
pub use timer::{NUMBER, REPEAT, Timer};
