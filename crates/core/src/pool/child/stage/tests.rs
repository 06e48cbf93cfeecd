//! Every stage with every event, as tables.
//!
//! The first column says by which events the stage was reached, the others what becomes of it with the event
//! that their heading names; "." where the event is refused. A stage is written as its name, `+` if it has
//! reported ready and `-` if not, whether it was told to leave, why and for which task it is killed, and
//! `by` if it has a time limit.

use super::*;
use std::time::Duration;

const LIFE: &str = "
reached by                   | arrived       | report_ready           | disconnect       | retire       | leave_by     | release
start                        | starting      | serving                | disconnected- by | retiring- by | .            | leaving- by
arrived                      | .             | serving                | disconnected-    | retiring-    | .            | leaving- by
report_ready                 | .             | .                      | disconnected+    | retiring+    | .            | leaving+ by
disconnect                   | disconnected- | disconnected+          | .                | retiring- by | .            | leaving- by
report_ready,disconnect      | .             | .                      | .                | retiring+    | .            | leaving+ by
retire                       | retiring-     | retiring+              | .                | .            | .            | .
retire,arrived               | .             | retiring+              | .                | .            | .            | retiring- by
report_ready,retire          | .             | .                      | .                | .            | retiring+ by | retiring+ by
report_ready,retire,leave_by | .             | .                      | .                | .            | .            | .
release                      | .             | leaving+ by            | .                | .            | .            | .
report_ready,release         | .             | .                      | .                | .            | .            | .
condemn                      | .             | condemned+ bad         | .                | .            | .            | condemned- left bad
retire,condemn               | .             | condemned+ retired bad | .                | .            | .            | .
end_task later               | .             | terminating+ its task7 | .                | .            | .            | terminating- left its task7
report_ready,end_task later  | .             | .                      | .                | .            | .            | terminating+ left its task7
kill                         | .             | killed+                | .                | .            | .            | killed- left
condemn,kill                 | .             | killed+ bad            | .                | .            | .            | killed- left bad
end_task now                 | .             | killed+ its task7      | .                | .            | .            | killed- left its task7
end_task user                | .             | killed+ its user7      | .                | .            | .            | killed- left its user7
release,kill                 | .             | killed+ left           | .                | .            | .            | .
";

const KILLING: &str = "
reached by                   | condemn                | kill
start                        | condemned- bad         | killed-
arrived                      | condemned- bad         | killed-
report_ready                 | condemned+ bad         | killed+
disconnect                   | condemned- bad         | killed-
report_ready,disconnect      | condemned+ bad         | killed+
retire                       | condemned- retired bad | killed- retired
retire,arrived               | condemned- retired bad | killed- retired
report_ready,retire          | condemned+ retired bad | killed+ retired
report_ready,retire,leave_by | condemned+ retired bad | killed+ retired
release                      | condemned- left bad    | killed- left
report_ready,release         | condemned+ left bad    | killed+ left
condemn                      | .                      | killed- bad
retire,condemn               | .                      | killed- retired bad
end_task later               | .                      | killed- its task7
report_ready,end_task later  | .                      | killed+ its task7
kill                         | killed- bad            | .
condemn,kill                 | .                      | .
end_task now                 | .                      | .
end_task user                | .                      | .
release,kill                 | killed- left bad       | .
";

const ENDING_A_TASK: &str = "
reached by                   | end_task later                 | end_task now              | end_task user
start                        | terminating- its task7         | killed- its task7         | killed- its user7
arrived                      | terminating- its task7         | killed- its task7         | killed- its user7
report_ready                 | terminating+ its task7         | killed+ its task7         | killed+ its user7
disconnect                   | terminating- its task7         | killed- its task7         | killed- its user7
report_ready,disconnect      | terminating+ its task7         | killed+ its task7         | killed+ its user7
retire                       | terminating- retired its task7 | killed- retired its task7 | killed- retired its user7
retire,arrived               | terminating- retired its task7 | killed- retired its task7 | killed- retired its user7
report_ready,retire          | terminating+ retired its task7 | killed+ retired its task7 | killed+ retired its user7
report_ready,retire,leave_by | terminating+ retired its task7 | killed+ retired its task7 | killed+ retired its user7
release                      | terminating- left its task7    | killed- left its task7    | killed- left its user7
report_ready,release         | terminating+ left its task7    | killed+ left its task7    | killed+ left its user7
condemn                      | terminating- bad task7         | killed- bad task7         | killed- bad user7
retire,condemn               | terminating- retired bad task7 | killed- retired bad task7 | killed- retired bad user7
end_task later               | .                              | killed- its task7         | killed- its user7
report_ready,end_task later  | .                              | killed+ its task7         | killed+ its user7
kill                         | killed- its task7              | killed- its task7         | killed- its user7
condemn,kill                 | killed- bad task7              | killed- bad task7         | killed- bad user7
end_task now                 | .                              | .                         | killed- its user7
end_task user                | .                              | .                         | killed- its user7
release,kill                 | killed- left its task7         | killed- left its task7    | killed- left its user7
";

/// A stage as it is written in the tables.
fn text(stage: &Stage) -> String {
    let past = stage.past();
    let ready = if past.ready { "+" } else { "-" };
    let told = match past.told {
        Told::Nothing => "",
        Told::Retire => " retired",
        Told::Leave => " left",
    };
    let limit = if stage.due().is_some() { " by" } else { "" };
    let why = stage.why().map_or(String::new(), |why| format!(" {why}"));
    let why = why.replace(FOR_ITS_TASK, "its");
    let task = stage.ended_task().map_or(String::new(), |task| match task.failure {
        Failure::Killed { .. } => format!(" user{}", task.position),
        _ => format!(" task{}", task.position),
    });
    match stage {
        Stage::Starting { .. } => format!("starting{limit}"),
        Stage::Serving => "serving".to_owned(),
        Stage::Disconnected { .. } => format!("disconnected{ready}{limit}"),
        Stage::Retiring { .. } => format!("retiring{ready}{limit}"),
        Stage::Leaving { .. } => format!("leaving{ready}{limit}"),
        Stage::Condemned { .. } => format!("condemned{ready}{told}{why}"),
        Stage::Terminating { .. } => format!("terminating{ready}{told}{why}{task}"),
        Stage::Killed { .. } => format!("killed{ready}{told}{why}{task}"),
    }
}

/// Has the event happen; true if it was not refused.
fn happen(stage: &mut Stage, event: &str, now: Instant) -> bool {
    let far = now + Duration::from_secs(60);
    let deadline = Failure::Deadline { pid: 1, limit: Duration::ZERO };
    let task = |failure| EndedTask { position: 7, failure };
    match event {
        "arrived" => stage.arrived(),
        "report_ready" => stage.report_ready(),
        "disconnect" => stage.disconnect(),
        "retire" => stage.retire(),
        "leave_by" => stage.leave_by(far),
        "release" => stage.release(far),
        "condemn" => stage.condemn(|| "bad".to_owned()),
        "end_task later" => stage.end_task(task(deadline), Some(far)).is_some(),
        "end_task now" => stage.end_task(task(deadline), None).is_some(),
        "end_task user" => stage.end_task(task(Failure::Killed { pid: 1 }), None).is_some(),
        "kill" => stage.kill(),
        _ => unreachable!("no event is called {event}"),
    }
}

/// The stage that these events lead to.
fn reached_by(events: &str, now: Instant) -> Stage {
    let mut stage = Stage::starting(Some(now));
    for event in events.split(',').filter(|event| *event != "start") {
        assert!(happen(&mut stage, event, now), "{event} of {events} was refused");
    }
    stage
}

fn cells(line: &str) -> Vec<&str> {
    line.split('|').map(str::trim).collect()
}

#[test]
fn every_event_in_every_stage_does_what_the_tables_say() {
    let now = Instant::now();
    let mut checked = 0;
    for table in [LIFE, KILLING, ENDING_A_TASK] {
        let mut lines = table.trim().lines().map(cells);
        let events = lines.next().unwrap();
        for line in lines {
            assert_eq!(line.len(), events.len());
            for (event, expected) in events[1..].iter().zip(&line[1..]) {
                let mut stage = reached_by(line[0], now);
                let before = text(&stage);
                let changed = happen(&mut stage, event, now);
                let found = text(&stage);
                assert!(changed || found == before, "{event} is refused and changes {before}");
                let found = if changed { &found } else { "." };
                assert_eq!(found, *expected, "{event} of {before}");
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 20 * 11);
}

#[test]
fn tasks_go_to_workers_that_start_or_serve_and_to_no_other() {
    let now = Instant::now();
    for line in LIFE.trim().lines().skip(1).map(cells) {
        let stage = reached_by(line[0], now);
        let expected = matches!(stage, Stage::Starting { .. } | Stage::Serving);
        assert_eq!(stage.takes_tasks(), expected, "{}", text(&stage));
        assert!(!stage.takes_tasks() || stage.is_wanted(), "{}", text(&stage));
        assert!(!stage.is_wanted() || stage.counts(), "{}", text(&stage));
    }
}

#[test]
fn a_signal_is_sent_once() {
    let now = Instant::now();
    let task = || EndedTask { position: 7, failure: Failure::Killed { pid: 1 } };
    let mut stage = Stage::starting(None);
    assert_eq!(stage.end_task(task(), Some(now)), Some(Signal::Terminate));
    assert_eq!(stage.end_task(task(), Some(now)), None);
    assert_eq!(stage.kill_at(), Some(now));
    assert_eq!(stage.end_task(task(), None), Some(Signal::Kill));
    assert_eq!(stage.end_task(task(), None), Some(Signal::None));
    assert!(!stage.kill() && stage.kill_at().is_none());
}

#[test]
fn a_pool_that_ends_shortens_a_grace_and_never_lengthens_it() {
    let now = Instant::now();
    let second = Duration::from_secs(1);
    let task = EndedTask { position: 7, failure: Failure::Cancelled };
    let mut stage = Stage::starting(None);
    stage.end_task(task, Some(now + 9 * second));
    for (at, kill_at) in [(9, 9), (10, 9), (5, 5), (6, 5)] {
        stage.release(now + at * second);
        assert_eq!(stage.kill_at(), Some(now + kill_at * second));
    }
}
