//! Every example runs, shows what it promises, and leaves no process behind.
//!
//! The only test of its program, so that every child it ever has comes from an example; it takes in their
//! orphans too.

#![cfg(target_os = "linux")]

use horsepower::info::ProcessInfo;
use rustix::process::{Pid, Signal, getpid, kill_process, set_child_subreaper};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Far more than any example takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// The output of an example.
struct Shown {
    pid: u32,
    directory: PathBuf,
    output: String,
}

impl Shown {
    fn lines(&self) -> Vec<&str> {
        self.output.lines().collect()
    }

    /// The rest of the line that begins with `name: `.
    fn value(&self, name: &str) -> &str {
        let value =
            self.output.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.unwrap_or_else(|| panic!("no line `{name}: …`"))
    }

    fn number(&self, name: &str) -> u64 {
        self.value(name).parse().unwrap_or_else(|_| panic!("{name} is a number"))
    }
}

type Check = fn(&Shown);

/// Every example, and the check of its output.
const EXAMPLES: [(&str, Check); 14] = [
    ("01_process_info", |shown| {
        let me = ProcessInfo::current();
        assert_eq!(shown.number("process ID"), u64::from(shown.pid));
        assert_eq!(shown.value("user ID"), me.uid.unwrap().to_string());
        assert_eq!(shown.value("group ID"), me.gid.unwrap().to_string());
        assert_eq!(Path::new(shown.value("working directory")), shown.directory);
        assert!(shown.number("bytes of memory") > 0);
        assert!(shown.value("CPUs").ends_with(" are usable"));
    }),
    ("02_timeit", |shown| {
        let names: Vec<_> =
            shown.lines().iter().map(|line| line.split_once(':').unwrap().0).collect();
        let names: Vec<_> = names.into_iter().map(str::trim_end).collect();
        assert_eq!(names[..4], ["set", "list", "tuple", "string"]);
        assert_eq!(names[4..6], ["set_add", "list_append"]);
        assert_eq!(names[6..], ["set_comprehension", "list_comprehension"]);
        assert!(shown.lines().iter().all(|line| line.ends_with("s a loop")));
    }),
    ("03_sequential", |shown| {
        let work = ["delivery", "Retriving Dish"];
        assert_eq!(shown.lines(), [work, work].concat());
    }),
    ("04_threads", |shown| {
        let lines = shown.lines();
        assert_eq!(lines[..3], ["delivery", "Retriving Dish", "run, on the main thread: true"]);
        // Two threads, in any order.
        assert_eq!(BTreeSet::from([lines[3], lines[4]]), BTreeSet::from([lines[0], lines[1]]));
        assert_eq!(lines[5..], ["start, on the main thread: false"]);
    }),
    ("05_thread_state", |shown| {
        // The thread prints while the main thread goes on.
        let mut lines = shown.lines();
        let place = lines.iter().position(|line| *line == "delivering").unwrap();
        assert!((1..=2).contains(&place));
        lines.remove(place);
        let rest = [
            "Thread(Thread-6, not started)",
            "Thread(Thread-6, running)",
            "Thread(Thread-6, finished)",
            "default name: Thread-1 (delivery)",
        ];
        assert_eq!(lines, rest);
    }),
    ("06_stop_flag", |shown| {
        let turns = shown.lines().into_iter().filter(|line| *line == "do  Overwork").count();
        assert!(turns >= 1);
        let others: Vec<_> =
            shown.lines().into_iter().filter(|line| *line != "do  Overwork").collect();
        let turns = format!("turns: {turns}");
        assert_eq!(others, ["after a while: true, running", "retired..", turns.as_str()]);
    }),
    ("07_join", |shown| {
        let rest: Vec<_> =
            shown.lines().into_iter().skip_while(|line| *line == "do  Overwork").collect();
        assert_eq!(rest, ["retired..", "worker is gone."]);
    }),
    ("08_process", |shown| {
        let lines = shown.lines();
        assert_eq!(lines[0], "delivering...");
        let (there, here) = lines[1].split_once(", requested by process ").unwrap();
        assert_eq!(here, shown.pid.to_string());
        let there: u32 = there.strip_prefix("delivered by process ").unwrap().parse().unwrap();
        assert_ne!(there, shown.pid);
    }),
    ("09_process_life", |shown| {
        let lines = [
            "before `start`: pid None, alive false",
            "delivering...",
            "its result: 42",
            "after `join`: exit code Some(0), alive false",
            "while it runs: alive true",
            "terminated: true, exit code Some(-15)",
            "crashed: signal Some(6), and this program continues",
        ];
        assert_eq!(shown.lines(), lines);
    }),
    ("10_executor", |shown| {
        let lines = [
            "delivering",
            "delivered",
            "on a thread: 42, done: true",
            "in a process: 42",
            "an error is an answer too: attempt to divide by zero",
        ];
        assert_eq!(shown.lines(), lines);
    }),
    ("11_map_pids", |shown| {
        let lines = shown.lines();
        let pids: BTreeSet<_> =
            lines[..5].iter().map(|line| line.strip_prefix("I'm processing ").unwrap()).collect();
        // Both workers, unless the second one is still starting when all is done.
        assert!((1..=2).contains(&pids.len()));
        assert!(!pids.contains(shown.pid.to_string().as_str()));
        assert_eq!(lines[5], "[2, 4, 6, 8, 10]");
        assert!(lines[6].starts_with(&format!("in {} processes", pids.len())));
    }),
    ("12_hand_made_pool", |shown| {
        let lines = ["by hand: [2, 4, 6, 8, 10]", "by an executor: [2, 4, 6, 8, 10]"];
        assert_eq!(shown.lines(), lines);
    }),
    ("13_primes", |shown| {
        let lines = [
            "112272535095293 is prime: true",
            "112582705942171 is prime: true",
            "112272535095293 is prime: true",
            "115280095190773 is prime: true",
            "115797848077099 is prime: true",
            "1099726899285419 is prime: false",
        ];
        assert_eq!(shown.lines(), lines);
    }),
    ("14_was_it_worth_it", |shown| {
        let table: Vec<Vec<_>> =
            shown.lines().iter().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(table[0], ["executor", "workers", "seconds", "speed-up", "efficiency"]);
        let executors: Vec<_> = table[1..].iter().map(|row| row[0]).collect();
        assert_eq!(executors, ["inline", "threads", "processes"]);
        assert!(table[1..].iter().all(|row| row.len() == 5 && row[2].parse::<f64>().is_ok()));
        assert_eq!((table[1][3], table[1][4]), ("1.00", "100%"));
    }),
];

#[test]
fn every_example_shows_what_it_promises() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let files: BTreeSet<_> =
        files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    let expected: BTreeSet<_> = EXAMPLES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, expected, "the files in `examples` are those that have an expectation here");

    let programs = programs();
    set_child_subreaper(Some(getpid())).unwrap();
    for (name, check) in EXAMPLES {
        let shown = run(name, &programs[name]);
        eprintln!("{name}:\n{}", shown.output); // seen if a check fails
        check(&shown);
    }
}

/// Runs an example and checks that it succeeds, prints nothing on standard error, and leaves no process.
fn run(name: &str, program: &Path) -> Shown {
    let directory = tempfile::tempdir().unwrap();
    let directory_path = directory.path().canonicalize().unwrap();
    // Files instead of pipes: a process that is left behind cannot block the reading.
    let (mut output, mut errors) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    let mut child = Command::new(program)
        .current_dir(&directory_path)
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(errors.try_clone().unwrap())
        .spawn()
        .unwrap();
    let pid = child.id();
    let status = watched(pid, || child.wait().unwrap());
    // Orphans are children of this process now, zombies included.
    let left = children();
    let shown = Shown { pid, directory: directory_path, output: text(&mut output) };
    assert!(status.success(), "{name}: {status}\n{}{}", shown.output, text(&mut errors));
    assert_eq!(text(&mut errors), "", "{name} has something to say on standard error");
    assert_eq!(left, [0; 0], "{name} leaves processes behind");
    shown
}

fn text(file: &mut File) -> String {
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

/// The programs of the examples by name, as cargo has built them for this test, or builds them now.
fn programs() -> BTreeMap<String, PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--offline", "--message-format", "json"]);
    cargo.args(["--package", "horsepower", "--examples"]);
    let program = std::env::current_exe().unwrap();
    // Cargo marks its target folder.
    if let Some(folder) = program.ancestors().find(|of| of.join("CACHEDIR.TAG").exists()) {
        cargo.arg("--target-dir").arg(folder);
    }
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = output.stdout.split(|&byte| byte == b'\n');
    let programs = messages.filter_map(|line| {
        let message: serde_json::Value = serde_json::from_slice(line).ok()?;
        let is_example = message["target"]["kind"][0] == "example";
        let name = message["target"]["name"].as_str().filter(|_| is_example)?;
        Some((name.to_owned(), message["executable"].as_str()?.into()))
    });
    programs.collect()
}

/// Waits for a process, and kills that process if it takes too long.
fn watched<T>(pid: u32, waiting: impl FnOnce() -> T) -> T {
    let (waits, over) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let pid = Pid::from_raw(pid.cast_signed()).unwrap();
                kill_process(pid, Signal::KILL).unwrap();
            }
        });
        let result = waiting();
        drop(waits);
        result
    })
}

/// The processes whose parent is this one.
fn children() -> Vec<u32> {
    let pids = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u32>().ok());
    let parent = |pid: &u32| {
        // A process may end while it is looked at.
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
    };
    pids.filter(|pid| parent(pid) == Some(std::process::id())).collect()
}
