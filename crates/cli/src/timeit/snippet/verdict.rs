//! [`warnings`]: sentences about a measurement that does not mean what the user may think.

use super::reports::Measured;
use crate::timeit::variation;
use horsepower::timeit::TimeFormat;

/// Below this multiple of an empty loop, a time says nothing about the code.
const NOTHING: f64 = 2.0;

/// Below this multiple of the clock's overhead, a total says nothing about the loops.
const CLOCK: f64 = 10.0;

/// The sentences, each without a final period. `does_nothing` is what the compiler says about a value
/// of the code that does nothing unless it is used.
pub(super) fn warnings(
    measured: &Measured,
    does_nothing: Option<&str>,
    format: TimeFormat,
) -> Vec<String> {
    let measurement = &measured.measurement;
    let nothing = does_nothing.map(advise).or_else(|| nothing(measured, format));
    let forked = measured.forked.then(|| {
        "the code has forked, and the child came back from it; only the parent is timed: end the \
         child in the code"
            .to_owned()
    });
    [nothing, forked, variation::sentence(measurement, format)].into_iter().flatten().collect()
}

/// What to say about code whose time is that of the clock, or of an empty loop.
fn nothing(measured: &Measured, format: TimeFormat) -> Option<String> {
    let measurement = &measured.measurement;
    let clock = measurement.clock_overhead().map_or(0.0, |overhead| overhead.as_secs_f64());
    let total = measurement.best() * measurement.loops() as f64;
    if total < CLOCK * clock {
        let clock = format.time(clock);
        return Some(format!(
            "the loops take less than ten times the time of the clock ({clock}): raise --number"
        ));
    }
    let empty_loop = format.time(measured.empty_loop);
    (measurement.best() < NOTHING * measured.empty_loop).then(|| {
        format!(
            "the code takes no more time than an empty loop ({empty_loop} per loop): the compiler may \
             have computed it in advance; hide its inputs with `black_box`, as in `black_box(1) + 1`, \
             or do more work in a loop"
        )
    })
}

fn advise(does_nothing: &str) -> String {
    let advice = if does_nothing.contains("iterators") {
        "consume it, for example by `.for_each(|item| { black_box(item); })`"
    } else if does_nothing.contains("futures") {
        "run it to its end by `block_on(…)`"
    } else if does_nothing.contains("closures") || does_nothing.contains("does not call") {
        "call it, as in `f()`"
    } else {
        "use the value"
    };
    format!("the code does not do its work: {does_nothing}; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use horsepower::timeit::Measurement;
    use std::time::Duration;

    fn measured(totals: &[u64]) -> Measured {
        let totals: Vec<_> = totals.iter().map(|&total| Duration::from_secs(total)).collect();
        Measured { measurement: Measurement::new(1, totals), empty_loop: 1.0, forked: false }
    }

    fn warnings_of(measured: &Measured, does_nothing: Option<&str>) -> Vec<String> {
        warnings(measured, does_nothing, TimeFormat::default())
    }

    #[test]
    fn a_time_of_an_empty_loop_is_told() {
        assert_eq!(warnings_of(&measured(&[2]), None), [""; 0]);
        let [warning] = &warnings_of(&measured(&[1]), None)[..] else { panic!() };
        assert!(warning.contains("empty loop (1 sec per loop)") && warning.contains("black_box"));
    }

    #[test]
    fn too_few_loops_are_told() {
        let few = |clock| {
            let measurement = measured(&[1]).measurement.with_clock_overhead(clock);
            warnings_of(&Measured { measurement, ..measured(&[1]) }, None).remove(0)
        };
        assert!(few(Duration::from_millis(101)).contains("raise --number"));
        assert!(few(Duration::from_millis(100)).contains("an empty loop"));
    }

    #[test]
    fn a_value_that_does_nothing_is_told_however_long_it_takes() {
        let note = "iterators are lazy and do nothing unless consumed";
        for total in [1, 100] {
            let [warning] = &warnings_of(&measured(&[total]), Some(note))[..] else { panic!() };
            assert!(warning.contains(note) && warning.contains(".for_each("), "{warning}");
        }
        let advice = |note: &str| warnings_of(&measured(&[9]), Some(note)).remove(0);
        assert!(advice("futures do nothing unless you poll them").contains("block_on"));
        assert!(advice("closures are lazy and do nothing unless called").contains("call it"));
        assert!(advice("tasks do nothing unless run").contains("use the value"));
    }

    #[test]
    fn timings_that_vary_are_told() {
        let [warning] = &warnings_of(&measured(&[140, 230]), None)[..] else { panic!() };
        assert!(warning.contains("the timings vary"), "{warning}");
    }

    #[test]
    fn a_child_that_came_back_is_told() {
        let forked = Measured { forked: true, ..measured(&[9]) };
        assert!(warnings_of(&forked, None)[0].contains("forked"));
    }
}
