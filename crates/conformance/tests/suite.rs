//! The conformance suite against every executor.

use horsepower::ExecutorKind;
use horsepower_conformance::{beside, lab::guarded, rows};

/// A module of tests for one executor: each calls `init`, because its workers come to it again.
macro_rules! suite {
    ($executor:ident, $kind:expr, $rows:ident,) => {};
    ($executor:ident, $kind:expr, $rows:ident, $($row:ident)*) => {
        mod $executor {
            use super::*;
            $(
                #[test]
                fn $row() {
                    horsepower::init();
                    guarded(stringify!($executor::$row), || $rows::$row($kind));
                }
            )*
        }
    };
}

macro_rules! for_every_executor {
    ($($row:ident)*) => {
        suite!(inline, ExecutorKind::Inline, rows, $($row)*);
        suite!(threads, ExecutorKind::Threads, rows, $($row)*);
        suite!(processes, ExecutorKind::Processes, rows, $($row)*);
    };
}

for_every_executor! {
    ex_01 ex_03 ex_07 ex_08 ex_08_window ex_09 ex_12 ex_13 ex_19 ex_20 ex_21 ex_24 po_01_large_chunks po_02 fa_17
    fu_01 fu_02_at_once fu_03 fu_04 fu_07 fu_08_taken fu_09 fu_10 fu_13 fu_14 fu_15 fu_await sh_01
    callbacks_do_not_interrupt callbacks_may_look fu_03_with_callbacks a_panic_in_drop_is_survived
}

/// Rows that need tasks which run beside the caller: not for the in-line executor, whose tasks have
/// ended when `submit` returns.
mod concurrent {
    use super::*;

    macro_rules! for_concurrent_executors {
        ($($row:ident)*) => {
            suite!(threads, ExecutorKind::Threads, beside, $($row)*);
            suite!(processes, ExecutorKind::Processes, beside, $($row)*);
        };
    }

    for_concurrent_executors! {
        ex_11 ex_11_within_a_chunk fu_02 fu_03_waiters fu_04_cancelled fu_05 fu_05_wakes
        fu_15_states sh_09 sh_11 slow_items_are_shared
    }
}

/// Rows of one module, and where they apply.
macro_rules! rows_of {
    (
        $name:ident: $rows:ident;
        everywhere: $($everywhere:ident)*;
        beside: $($beside:ident)*;
        without_processes: $($without:ident)*;
        threads: $($threads:ident)*;
        $(inline: $($inline:ident)*;)?
    ) => {
        mod $name {
            use super::*;
            use horsepower_conformance::$rows;
            suite!(
                inline, ExecutorKind::Inline, $rows,
                $($everywhere)* $($without)* $($($inline)*)?
            );
            suite!(
                threads, ExecutorKind::Threads, $rows,
                $($everywhere)* $($beside)* $($without)* $($threads)*
            );
            suite!(processes, ExecutorKind::Processes, $rows, $($everywhere)* $($beside)*);
        }
    };
}

rows_of! {
    about_maps: maps;
    everywhere: po_03 po_04 po_05 po_08_unordered progress size_hint ex_10_endless ex_10_read_late;
    beside: ex_10 ex_10_goes_on po_02_at_once po_08;
    without_processes:;
    threads:;
}

rows_of! {
    about_callbacks: callbacks;
    everywhere:;
    beside: fu_07_cancelled fu_09_cancelled;
    without_processes:;
    threads:;
}

rows_of! {
    about_ends: ends;
    everywhere: po_07 po_09 ex_14;
    beside: po_06 po_10 po_10_at_once ex_14_beside;
    without_processes:;
    threads: ex_22;
    inline: ex_22_inline;
}

rows_of! {
    about_terms: terms;
    everywhere: names retries backoff kill_what_has_ended;
    beside: fa_15_queue_deadline cancelled_during_backoff shutdown_during_backoff
        kill_what_has_not_begun stats stats_of_cancelled retries_need_nobody_who_waits stats_need_nobody_who_waits;
    without_processes: refused_without_processes;
    threads:;
}

rows_of! {
    about_limits: limits;
    everywhere:;
    beside: ex_15 ex_16 ex_25 queue_limit queue_limit_try queue_limit_async
        queue_limit_in_a_callback fa_05;
    without_processes:;
    threads:;
}
