//! The notebook's eight constructs (cell 2) in Rust: ways to build a container of 0 to 99.
//!
//! The numbers come out of `black_box`, or the compiler would build some of the containers itself.

use horsepower::timeit::{Clock, Measurement, Timer};
use std::array;
use std::collections::HashSet;
use std::hint::black_box;
use std::ops::Range;

/// A way to build a container.
pub(super) struct Construct {
    /// What the notebook calls it.
    pub(super) name: &'static str,
    /// The essence of the Rust code.
    pub(super) code: &'static str,
    /// What the notebook printed for Python: seconds for a million loops, so microseconds for one.
    pub(super) python_usec: f64,
    /// Measures it.
    pub(super) measure: fn(&How) -> Measurement,
}

/// How a construct is measured.
pub(super) struct How {
    /// Loops in each timing; 0 is a tenth of what takes 0.2 seconds.
    pub(super) number: u64,
    pub(super) repeat: usize,
    /// CPU time of the process, not the time that passes.
    pub(super) process: bool,
}

impl How {
    /// Measures a statement. Each has a loop of its own: a call through a pointer in the loop would
    /// be measured too.
    fn measure<R>(&self, statement: impl FnMut() -> R) -> Measurement {
        let timer = Timer::new(statement);
        #[cfg(unix)]
        if self.process {
            return self.with(timer.clock(horsepower::timeit::ProcessClock));
        }
        self.with(timer)
    }

    fn with<T, R>(
        &self,
        mut timer: Timer<impl FnMut() -> T, impl FnMut(&mut T) -> R, impl Clock>,
    ) -> Measurement {
        let number = match self.number {
            // Eight rows that each took a second and more would try the user's patience.
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
        measure: |how| how.measure(|| HashSet::<i32>::from_iter(numbers())),
    },
    Construct {
        name: "list",
        code: "Vec::from_iter(0..100)",
        python_usec: 0.9451897097751498,
        measure: |how| how.measure(|| Vec::<i32>::from_iter(numbers())),
    },
    Construct {
        name: "tuple",
        code: "array::from_fn::<_, 100, _>(|i| i)",
        python_usec: 0.8603362422436476,
        measure: |how| {
            how.measure(|| {
                let first = numbers().len() - 100;
                array::from_fn::<_, 100, _>(|i| (first + i) as i32)
            })
        },
    },
    Construct {
        name: "string",
        code: "format!(\"{:?}\", 0..100)",
        python_usec: 0.5417465148493648,
        measure: |how| how.measure(|| format!("{:?}", numbers())),
    },
    Construct {
        name: "set_add",
        code: "for i in 0..100 { set.insert(i); }",
        python_usec: 6.453046699985862,
        measure: |how| {
            how.measure(|| {
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
        measure: |how| {
            how.measure(|| {
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
        measure: |how| {
            #[expect(clippy::map_identity, reason = "the closure is what makes it one")]
            how.measure(|| numbers().map(|i| i).collect::<HashSet<i32>>())
        },
    },
    Construct {
        name: "list_comprehension",
        code: "(0..100).map(|i| i).collect::<Vec<_>>()",
        python_usec: 5.71142060495913,
        measure: |how| {
            #[expect(clippy::map_identity, reason = "the closure is what makes it one")]
            how.measure(|| numbers().map(|i| i).collect::<Vec<i32>>())
        },
    },
];
