//! [`warnings`]: sentences about a measurement that does not mean what the user may think.

use super::reports::Measured;
use crate::timeit::variation;
use horsepower::timeit::TimeFormat;

/// Below this multiple of an empty loop, a time says nothing about the code.
const NOTHING: f64 = 2.0;

/// The sentences, each without a final period. `does_nothing` is what the compiler says about a value
/// of the code that does nothing unless it is used.
pub(super) fn warnings(
    measured: &Measured,
    does_nothing: Option<&str>,
    format: TimeFormat,
) -> Vec<String> {
    let measurement = &measured.measurement;
    let nothing = does_nothing.map(advise).or_else(|| {
        (measurement.best() < NOTHING * measured.empty_loop).then(|| {
            format!(
                "the code takes no more time than an empty loop ({} per loop): the compiler may have \
                 computed it in advance; hide its inputs with `black_box`, as in `black_box(1) + 1`, \
                 or do more work in a loop",
                format.time(measured.empty_loop)
            )
        })
    });
    let forked = measured.forked.then(|| {
        "the code has forked, and the child came back from it; only the parent is timed: end the \
         child in the code"
            .to_owned()
    });
    [nothing, forked, variation::sentence(measurement, format)].into_iter().flatten().collect()
}

fn advise(does_nothing: &str) -> String {
    let advice = if does_nothing.contains("iterators") {
        "consume it, for example by `.for_each(|item| { black_box(item); })`"
    } else if does_nothing.contains("futures") {
        "run it to its end by `block_on(…)`"
    } else if does_nothing.contains("closures") {
        "call it"
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
