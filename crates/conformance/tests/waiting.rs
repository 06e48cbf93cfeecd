//! Waiting for several futures, and what can be done to one, on every executor.

horsepower_conformance::suite! {
    waiting;
    every: wa_01_at_once wa_06_at_once;
    concurrent: wa_01_all_completed wa_02_first_completed wa_03_first_exception
        wa_03_without_exceptions wa_04_cancelled_is_no_exception wa_05_timeout
        wa_05_what_was_seen_to_end_is_done
        wa_07_released_together wa_08_cancelled_is_done
}

horsepower_conformance::suite! {
    completion;
    every: ac_01_at_once ac_02_duplicates;
    concurrent: ac_01_in_the_order_of_their_ends ac_03_no_time ac_04_the_clock_starts_with_the_call
        ac_05_no_reference_is_kept ac_05_watchers_are_removed
}

horsepower_conformance::suite! {
    futures;
    every: fu_08_at_once fu_11_callbacks_that_panic fu_16_refused;
    concurrent: fu_06_only_what_has_begun fu_08_on_the_thread_that_ends_it fu_12_one_end fu_16_kill
}

/// What needs several executors at a time.
mod mixed {
    use horsepower_conformance::{lab::guarded, waiting};

    /// WA-06: see the row.
    #[test]
    fn wa_06_mixed_executors() {
        horsepower::init();
        guarded("wa_06_mixed_executors", waiting::wa_06_mixed_executors);
    }
}
