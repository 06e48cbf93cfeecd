//! [`suite!`](macro@crate::suite): makes the tests that run the rows.

use crate::place::Place;

/// Makes a test of each row for each place of its group:
///
/// ```text
/// suite! {
///     blocking maps {
///         every po_03;
///         concurrent ex_10;
///     }
///     awaiting asynchronous {
///         every awaiting_a_future;
///     }
/// }
/// ```
///
/// `blocking` rows are functions that block; each is one test for each place, such as
/// `maps::ex_10::threads`. `awaiting` rows are asynchronous functions; each is run by tokio's runtime with
/// one thread and by [`block_on`](crate::asynchronous::block_on), such as
/// `asynchronous::awaiting_a_future::tokio::threads`.
///
/// The word before a row is its group: what the row needs from the place where tasks run.
#[macro_export]
macro_rules! suite {
    ($($waiting:ident $rows:ident { $($group:ident $row:ident;)* })*) => {
        $(
            mod $rows {
                $(
                    mod $row {
                        $crate::suite! { @$group $waiting $rows $row }
                    }
                )*
            }
        )*
    };

    // Nothing but the executor.
    (@every $($rest:tt)*) => {
        $crate::suite! {
            @on [inline Inline, threads Threads, processes Processes, socket Socket] $($rest)*
        }
    };
    // Tasks that run while the caller goes on, so that they can wait for it.
    (@concurrent $($rest:tt)*) => {
        $crate::suite! { @on [threads Threads, processes Processes, socket Socket] $($rest)* }
    };
    // Retries.
    (@retrying $($rest:tt)*) => {
        $crate::suite! { @on [inline Inline, threads Threads, processes Processes] $($rest)* }
    };
    // Retries or queue deadlines; and concurrent tasks.
    (@concurrent_retrying $($rest:tt)*) => {
        $crate::suite! { @on [threads Threads, processes Processes] $($rest)* }
    };
    // A builder with a name, a queue limit, an initializer and an idle timeout; and concurrent tasks.
    (@settings $($rest:tt)*) => {
        $crate::suite! { @on [threads Threads, processes Processes] $($rest)* }
    };
    // Tasks in processes of their own, which can be killed without harm to the caller.
    (@crash_proof $($rest:tt)*) => {
        $crate::suite! { @on [processes Processes, socket Socket] $($rest)* }
    };
    // Tasks in the caller's own process, where nothing can end or capture one.
    (@in_process $($rest:tt)*) => {
        $crate::suite! { @on [inline Inline, threads Threads] $($rest)* }
    };
    // The one place that the row is about.
    (@inline $($rest:tt)*) => {
        $crate::suite! { @on [inline Inline] $($rest)* }
    };
    (@threads $($rest:tt)*) => {
        $crate::suite! { @on [threads Threads] $($rest)* }
    };

    (@on [$($test:ident $place:ident),*] blocking $rows:ident $row:ident) => {
        $(
            #[test]
            fn $test() {
                horsepower::init(); // a worker comes here too
                $crate::harness::run($crate::place::Place::$place, stringify!($row), $crate::$rows::$row);
            }
        )*
    };
    (@on [$($test:ident $place:ident),*] awaiting $rows:ident $row:ident) => {
        mod tokio {
            $(
                #[test]
                fn $test() {
                    horsepower::init();
                    $crate::harness::run($crate::place::Place::$place, stringify!($row), |place| {
                        let runtime = ::tokio::runtime::Builder::new_current_thread().build().unwrap();
                        runtime.block_on($crate::$rows::$row(place));
                    });
                }
            )*
        }
        mod block_on {
            $(
                #[test]
                fn $test() {
                    horsepower::init();
                    $crate::harness::run($crate::place::Place::$place, stringify!($row), |place| {
                        $crate::asynchronous::block_on($crate::$rows::$row(place));
                    });
                }
            )*
        }
    };
    (@on [$($test:ident $place:ident),*] places) => { &[$(Place::$place),*] };
}

/// Each group of rows, and the places on which its rows run.
pub const GROUPS: [(&str, &[Place]); 9] = [
    ("every", suite! { @every places }),
    ("concurrent", suite! { @concurrent places }),
    ("retrying", suite! { @retrying places }),
    ("concurrent_retrying", suite! { @concurrent_retrying places }),
    ("settings", suite! { @settings places }),
    ("crash_proof", suite! { @crash_proof places }),
    ("in_process", suite! { @in_process places }),
    ("inline", suite! { @inline places }),
    ("threads", suite! { @threads places }),
];

/// The rows of these suites, and the places on which each of them runs.
pub fn listed(suites: &str) -> impl Iterator<Item = (&str, impl Iterator<Item = Place>)> {
    suites.lines().filter_map(|line| {
        let (group, row) = line.trim().strip_suffix(';')?.split_once(' ')?;
        let (_, places) = GROUPS.iter().find(|(name, _)| *name == group)?;
        Some((row, places.iter().copied().filter(move |place| place.exemption(row).is_none())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_lists_rows_by_group() {
        let suites = "suite! {\n    blocking rows {\n        every one;\n        concurrent two;\n    }\n\
                      }\nlet one;\n// every three\n";
        let rows: Vec<_> =
            listed(suites).map(|(row, places)| (row, places.collect::<Vec<_>>())).collect();
        assert_eq!(
            rows,
            [
                ("one", Place::ALL.to_vec()),
                ("two", vec![Place::Threads, Place::Processes, Place::Socket])
            ]
        );
    }
}
