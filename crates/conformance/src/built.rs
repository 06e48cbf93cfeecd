//! Executors with settings, for rows about settings that several builders have.

/// An executor of the test, a [`Subject`](crate::lab::Subject), with these settings of a builder, on
/// those kinds that have one: `built!(kind, .workers(1).queue_limit(2))`.
///
/// # Panics
/// If the builder makes none, or there is no builder.
#[macro_export]
macro_rules! built {
    ($kind:expr, $($setting:tt)+) => {
        $crate::lab::Subject::from(match $kind {
            horsepower::ExecutorKind::Threads => horsepower::AnyExecutor::from(
                horsepower::ThreadPoolExecutor::builder()$($setting)+.build().unwrap(),
            ),
            horsepower::ExecutorKind::Processes => horsepower::AnyExecutor::from(
                horsepower::ProcessPoolExecutor::builder()$($setting)+.build().unwrap(),
            ),
            kind => panic!("{kind} has no settings"),
        })
    };
}
