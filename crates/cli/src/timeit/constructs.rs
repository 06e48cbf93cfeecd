//! Eight ways to build a container of the numbers 0 to 99, from cell 2 of the Python lecture notebook
//! that this tool answers.
//!
//! `black_box` hides the numbers from the compiler, which could otherwise build some of the containers
//! at compile time.

use horsepower::timeit::{Clock, Measurement, Timer};
use std::array;
use std::collections::HashSet;
use std::hint::black_box;
use std::ops::Range;

/// A way to build a container.
pub(super) struct Construct {
    /// The name in the notebook.
    pub(super) name: &'static str,
    /// The Rust code as shown in the table.
    pub(super) code: &'static str,
    /// The time in Python as printed by the notebook: seconds per million loops, which is microseconds
    /// per loop.
    pub(super) python_usec: f64,
    /// Measures the construct.
    pub(super) measure: fn(&Settings) -> Measurement,
}

/// How to measure a construct.
pub(super) struct Settings {
    /// Loops per timing; 0 means a tenth of the number that takes 0.2 seconds.
    pub(super) number: u64,
    pub(super) repeat: usize,
    /// Whether to measure the CPU time of the process instead of wall-clock time.
    pub(super) process: bool,
}

impl Settings {
    /// Measures a statement. It is generic so that each statement is inlined into its timing loop: an
    /// indirect call would add to the measured time.
    fn measure<R>(&self, statement: impl FnMut() -> R) -> Measurement {
        let timer = Timer::new(statement);
        #[cfg(unix)]
        if self.process {
            return self.measure_with(timer.clock(horsepower::timeit::ProcessClock));
        }
        self.measure_with(timer)
    }

    fn measure_with<T, R>(
        &self,
        mut timer: Timer<impl FnMut() -> T, impl FnMut(&mut T) -> R, impl Clock>,
    ) -> Measurement {
        let number = match self.number {
            // The full number takes more than a second per row, and there are eight rows.
            0 => (timer.autorange().0 / 10).max(1),
            number => number,
        };
        timer.measure_loops(self.repeat, number)
    }
}

fn numbers() -> Range<i32> {
    0..black_box(100)
}

pub(super) const CONSTRUCTS: [Construct; 8] = [
    Construct {
        name: "set",
        code: "HashSet::from_iter(0..100)",
        python_usec: 1.973096914589405,
        measure: |settings| settings.measure(|| HashSet::<i32>::from_iter(numbers())),
    },
    Construct {
        name: "list",
        code: "Vec::from_iter(0..100)",
        python_usec: 0.9451897097751498,
        measure: |settings| settings.measure(|| Vec::<i32>::from_iter(numbers())),
    },
    Construct {
        name: "tuple",
        code: "array::from_fn::<_, 100, _>(|i| i)",
        python_usec: 0.8603362422436476,
        measure: |settings| {
            settings.measure(|| {
                let first = numbers().len() - 100;
                array::from_fn::<_, 100, _>(|i| (first + i) as i32)
            })
        },
    },
    Construct {
        name: "string",
        code: "format!(\"{:?}\", 0..100)",
        python_usec: 0.5417465148493648,
        measure: |settings| settings.measure(|| format!("{:?}", numbers())),
    },
    Construct {
        name: "set_add",
        code: "for i in 0..100 { set.insert(i); }",
        python_usec: 6.453046699985862,
        measure: |settings| {
            settings.measure(|| {
                let mut set = HashSet::new();
                for i in numbers() {
                    set.insert(i);
                }
                set
            })
        },
    },
    Construct {
        name: "list_append",
        code: "for i in 0..100 { list.push(i); }",
        python_usec: 5.596351670101285,
        measure: |settings| {
            settings.measure(|| {
                let mut list = Vec::new();
                for i in numbers() {
                    list.push(i);
                }
                list
            })
        },
    },
    Construct {
        name: "set_comprehension",
        code: "(0..100).map(|i| i).collect::<HashSet<_>>()",
        python_usec: 6.369101023301482,
        measure: |settings| {
            #[expect(clippy::map_identity, reason = "a comprehension maps each item")]
            settings.measure(|| numbers().map(|i| i).collect::<HashSet<i32>>())
        },
    },
    Construct {
        name: "list_comprehension",
        code: "(0..100).map(|i| i).collect::<Vec<_>>()",
        python_usec: 5.71142060495913,
        measure: |settings| {
            #[expect(clippy::map_identity, reason = "a comprehension maps each item")]
            settings.measure(|| numbers().map(|i| i).collect::<Vec<i32>>())
        },
    },
];
