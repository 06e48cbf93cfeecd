//! Waiting without blocking, on every executor and on two runtimes: tokio's with one thread, and one of
//! a dozen lines.

use horsepower::ExecutorKind;
use horsepower_conformance::asynchronous;
use horsepower_conformance::lab::guarded;

/// For each row, a test that runs it on both runtimes.
macro_rules! on_both_runtimes {
    ($executor:ident $kind:ident: $($row:ident)*) => {
        mod $executor {
            use super::*;
            $(
                #[test]
                fn $row() {
                    horsepower::init();
                    guarded(concat!(module_path!(), "::", stringify!($row)), || {
                        asynchronous::block_on(asynchronous::$row(ExecutorKind::$kind));
                        let mut runtime = tokio::runtime::Builder::new_current_thread();
                        let runtime = runtime.build().unwrap();
                        runtime.block_on(asynchronous::$row(ExecutorKind::$kind));
                    });
                }
            )*
        }
    };
}

macro_rules! for_every_executor {
    ($($row:ident)*) => {
        on_both_runtimes!(inline Inline: $($row)*);
        on_both_runtimes!(threads Threads: $($row)*);
        on_both_runtimes!(processes Processes: $($row)*);
    };
}

for_every_executor! {
    awaiting_a_future submitting_without_blocking wa_01_without_blocking ac_01_without_blocking
}

mod concurrent {
    use super::*;

    macro_rules! for_concurrent_executors {
        ($($row:ident)*) => {
            on_both_runtimes!(threads Threads: $($row)*);
            on_both_runtimes!(processes Processes: $($row)*);
        };
    }

    for_concurrent_executors! { wa_07_without_blocking ac_01_in_order_without_blocking }
}
