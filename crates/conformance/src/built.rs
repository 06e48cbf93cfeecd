//! Executors with settings, for rows about settings that several builders have.

/// A [`Subject`](crate::harness::Subject) with these settings of its builder: `built!(place,
/// .workers(1).queue_limit(2))`.
///
/// # Panics
/// If the builder makes none, or there is no builder.
#[macro_export]
macro_rules! built {
    ($place:expr, $($setting:tt)+) => {
        $crate::harness::Subject::from(match $place {
            $crate::place::Place::Threads => horsepower::AnyExecutor::from(
                horsepower::ThreadPoolExecutor::builder()$($setting)+.build().unwrap(),
            ),
            $crate::place::Place::Processes => horsepower::AnyExecutor::from(
                horsepower::ProcessPoolExecutor::builder()$($setting)+.build().unwrap(),
            ),
            place => panic!("{place} has no settings"),
        })
    };
}
