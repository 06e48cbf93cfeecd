//! The end of an executor, on every executor.

horsepower_conformance::suite! {
    shutdown;
    every: sh_10_by_force;
    concurrent: sh_02 sh_03_without_waiting sh_04_cancel_queued sh_04_ended_is_cancelled sh_07_refused_while_ending
        sh_09_with_a_full_queue sh_09_with_a_limit sh_11_in_the_callback_of_a_cancelled_task
        sh_11_in_the_callback_of_a_late_task
        sh_11_waiting_in_a_callback sh_12_with_a_limit_of_time sh_13_every_future_ends
}

/// What only processes can show.
mod processes {
    use horsepower_conformance::{lab::guarded, shutdown};

    #[test]
    fn sh_10_executors_inside() {
        horsepower::init();
        guarded("sh_10_executors_inside", shutdown::sh_10_executors_inside);
    }
}
