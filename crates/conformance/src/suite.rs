//! [`suite!`](macro@crate::suite): the tests that run the rows of a module.

/// A module of tests, for each row and each executor that can show it one:
///
/// ```text
/// suite! { waiting; every: wa_01_at_once; concurrent: wa_02_first_completed wa_07_released_together }
/// ```
///
/// `every` is for all executors; `concurrent` for those that run tasks beside the caller. The tests call
/// `init`, because workers come to them again.
#[macro_export]
macro_rules! suite {
    ($rows:ident; every: $($every:ident)*; concurrent: $($concurrent:ident)*) => {
        mod $rows {
            mod inline {
                $crate::suite!(@tests Inline $rows $($every)*);
            }
            mod threads {
                $crate::suite!(@tests Threads $rows $($every)* $($concurrent)*);
            }
            mod processes {
                $crate::suite!(@tests Processes $rows $($every)* $($concurrent)*);
            }
        }
    };
    (@tests $kind:ident $rows:ident $($row:ident)*) => {
        $(
            #[test]
            fn $row() {
                horsepower::init();
                $crate::lab::guarded(concat!(module_path!(), "::", stringify!($row)), || {
                    $crate::$rows::$row(horsepower::ExecutorKind::$kind);
                });
            }
        )*
    };
}
