//! Measures how long something takes: Python's `timeit`, for closures.
//!
//! | file | what it owns |
//! |---|---|
//! | `timer` | [`Timer`]: runs a statement many times between two clock reads |
//! | `clock` | [`Clock`] and the clocks: wall, CPU time of the process, CPU time of the thread |
//! | `measurement` | [`Measurement`]: statistics of several timings |
//! | `format` | [`TimeFormat`], [`Unit`] and [`general`]: how times are printed |
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
//! [`Timer::measure`] chooses the number of loops itself, and the result prints as in Python:
//! `20000000 loops, best of 5: 12.1 nsec per loop`.
//!
//! # What is and what is not measured
//!
//! Every value that the statement returns goes through [`std::hint::black_box`], so the compiler
//! cannot drop a computation because its result is unused. Values that the compiler knows *in
//! advance* can still be computed at compile time: pass such values through `black_box` too, as
//! above. The value that a statement returns is dropped inside the timing.
//!
//! Each clock read stands between compiler fences, and there are exactly two per timing, so the
//! clock costs one read per timing, however many loops there are; [`Timer::clock_overhead`]
//! measures that.

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
