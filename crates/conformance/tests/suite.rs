//! The conformance suite on every place where tasks can run. [`suite!`] says what each group of rows needs.

use horsepower_conformance::{harness::guarded, suite};

suite! {
    blocking rows {
        every ex_01;
        every ex_03;
        every ex_07;
        every ex_08;
        every ex_08_window;
        every ex_09;
        every ex_12;
        every ex_13;
        every ex_19;
        every ex_21;
        every ex_24;
        every po_01_large_chunks;
        every po_02;
        every fa_17;
        every fu_01;
        every fu_02_at_once;
        every fu_03;
        every fu_04;
        every fu_13;
        every fu_14;
        every fu_15;
        every sh_01;
    }
    blocking concurrent {
        every ex_20;
        every fu_await;
        concurrent ex_11;
        concurrent ex_11_within_a_chunk;
        concurrent fu_02;
        concurrent fu_03_waiters;
        concurrent fu_04_cancelled;
        concurrent fu_05;
        concurrent fu_05_wakes;
        concurrent fu_15_states;
        concurrent sh_09;
        concurrent sh_11;
        concurrent slow_items_are_shared;
    }
    blocking values {
        every va_01;
        every va_01_what_json_can_do;
        every va_01_numbers;
        every va_01_large;
        every va_01_in_a_map;
    }
    blocking maps {
        every po_03;
        every po_04;
        every po_05;
        every po_08_unordered;
        every progress;
        every errors_name_their_item;
        every size_hint;
        every ex_10_endless;
        every ex_10_read_late;
        concurrent ex_10;
        concurrent ex_10_goes_on;
        concurrent po_02_at_once;
        concurrent po_08;
    }
    blocking streams {
        every ex_29_a_slow_input;
        every ex_29_an_input_that_waits;
        every ex_29_lines_that_come;
        every ex_30_a_channel_that_stays_open;
        every ex_30_an_input_that_waits;
        every ex_30_a_slow_input;
        every an_input_that_breaks;
        every an_input_that_never_ends;
    }
    blocking futures {
        every fu_08_at_once;
        every fu_11_callbacks_that_panic;
        every fu_16_refused;
        concurrent fu_06_only_what_has_begun;
        concurrent fu_08_on_the_thread_that_ends_it;
        concurrent fu_12_one_end;
        concurrent fu_16_kill;
    }
    blocking callbacks {
        every fu_07;
        every fu_08_taken;
        every fu_09;
        every fu_10;
        every callbacks_do_not_interrupt;
        every callbacks_may_look;
        every fu_03_with_callbacks;
        every a_panic_in_drop_is_survived;
        concurrent fu_07_cancelled;
        concurrent fu_09_cancelled;
    }
    blocking waiting {
        every wa_01_at_once;
        every wa_06_at_once;
        concurrent wa_01_all_completed;
        concurrent wa_02_first_completed;
        concurrent wa_03_first_exception;
        concurrent wa_03_without_exceptions;
        concurrent wa_04_cancelled_is_no_exception;
        concurrent wa_05_timeout;
        concurrent wa_05_what_was_seen_to_end_is_done;
        concurrent wa_07_released_together;
        concurrent wa_08_cancelled_is_done;
    }
    blocking completion {
        every ac_01_at_once;
        every ac_02_duplicates;
        concurrent ac_01_in_the_order_of_their_ends;
        concurrent ac_03_no_time;
        concurrent ac_04_the_clock_starts_with_the_call;
        concurrent ac_05_no_reference_is_kept;
        concurrent ac_05_watchers_are_removed;
    }
    awaiting asynchronous {
        every awaiting_a_future;
        every submitting_without_blocking;
        every wa_01_without_blocking;
        every ac_01_without_blocking;
        concurrent wa_07_without_blocking;
        concurrent ac_01_in_order_without_blocking;
        settings submitting_waits_for_room_without_blocking;
    }
    blocking task_options {
        every names;
        retrying retries;
        retrying backoff;
        every kill_what_has_ended;
        in_process refused_without_processes;
        concurrent_retrying fa_15_queue_deadline;
        concurrent_retrying cancelled_during_backoff;
        concurrent_retrying shutdown_during_backoff;
        concurrent kill_what_has_not_begun;
        concurrent stats;
        concurrent_retrying stats_of_retries;
        concurrent stats_of_cancelled;
        concurrent_retrying retries_need_nobody_who_waits;
        concurrent stats_need_nobody_who_waits;
    }
    blocking limits {
        settings ex_15;
        settings ex_16;
        settings ex_25;
        settings queue_limit;
        settings queue_limit_try;
        settings queue_limit_async;
        settings queue_limit_in_a_callback;
        settings fa_05;
    }
    blocking ends {
        every po_07;
        every po_09;
        every ex_14;
        concurrent po_06;
        concurrent po_10;
        concurrent po_10_at_once;
        concurrent ex_14_dropped_while_others_wait;
        threads ex_22;
        inline ex_22_inline;
    }
    blocking shutdown {
        every sh_10_by_force;
        concurrent sh_04_cancel_queued;
        concurrent sh_04_ended_is_cancelled;
        concurrent sh_07_refused_while_ending;
        concurrent sh_09_with_a_full_queue;
        concurrent sh_11_in_the_callback_of_a_cancelled_task;
        concurrent_retrying sh_11_in_the_callback_of_a_late_task;
        concurrent sh_11_waiting_in_a_callback;
        concurrent sh_12_with_a_limit_of_time;
        concurrent sh_13_every_future_ends;
        settings sh_02;
        settings sh_03_without_waiting;
        settings sh_09_with_a_limit;
        crash_proof sh_10_executors_inside;
    }
}

/// WA-06, AC-01: a row that takes the executors of all places at once.
#[test]
fn wa_06_mixed_executors() {
    horsepower::init();
    guarded("wa_06_mixed_executors", horsepower_conformance::waiting::wa_06_mixed_executors);
}
