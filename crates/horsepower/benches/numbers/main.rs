//! The figures of the process pool beside the floor of the machine, in one run: `cargo bench`.
//!
//! The floor is what the machine itself takes for the least that could do the same: two processes
//! that hand a word back and forth on a futex, a copy of the same bytes, the best schedule of the
//! same work. Both are measured in turns, so that a noisy neighbour hits both. Medians are printed.

#![allow(clippy::print_stdout)]

mod floor;

use floor::PingPong;
use horsepower::StartMethod;
use horsepower::prelude::*;

use std::hint::black_box;
use std::time::{Duration, Instant};

const WORKERS: usize = 2;
const NOTEBOOK: [u64; 6] = [
    112_272_535_095_293,
    112_582_705_942_171,
    112_272_535_095_293,
    115_280_095_190_773,
    115_797_848_077_099,
    1_099_726_899_285_419,
];

type Outcome<T> = Result<T, horsepower::Error>;

fn main() -> Outcome<()> {
    horsepower::init();
    println!("medians; floor and ours were measured in turns\n");
    println!("{:<44} {:>14} {:>14}", "", "floor", "ours");
    round_trip()?;
    asleep()?;
    pipelined()?;
    start()?;
    large()?;
    primes()
}

fn row(what: &str, floor: &str, ours: &str) {
    println!("{what:<44} {floor:>14} {ours:>14}");
}

fn micros(time: Duration) -> String {
    format!("{:.2} µs", time.as_secs_f64() * 1e6)
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn quantile(times: &mut [Duration], quantile: f64) -> Duration {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * quantile) as usize]
}

fn time(what: impl FnOnce()) -> Duration {
    let start = Instant::now();
    what();
    start.elapsed()
}

fn round_trip() -> Outcome<()> {
    let floor = PingPong::new()?;
    let pool = ProcessPoolExecutor::with_workers(WORKERS)?;
    let threads = ThreadPoolExecutor::with_workers(WORKERS)?;
    let no_op = |n: u64| n;
    let one_floor = || time(|| floor.round_trip());
    let one_ours = || time(|| drop(black_box(pool.submit(no_op, 1).result())));
    let one_thread = || time(|| drop(black_box(threads.submit(no_op, 1).result())));
    let [mut floors, mut ours, mut on_threads] = [(); 3].map(|()| Vec::new());
    // Long enough for every side to have gone to sleep.
    let pause = || std::thread::sleep(Duration::from_micros(200));
    for round in 0..40 {
        let batch = |one: &dyn Fn() -> Duration| (0..500).map(|_| one()).collect::<Vec<_>>();
        let floor_batch = batch(&one_floor);
        pause();
        let our_batch = batch(&one_ours);
        pause();
        let thread_batch = batch(&one_thread);
        // The first round starts workers and warms caches.
        if round > 0 {
            floors.extend(floor_batch);
            ours.extend(our_batch);
            on_threads.extend(thread_batch);
        }
    }
    let (floor_median, median) = (quantile(&mut floors, 0.5), quantile(&mut ours, 0.5));
    row("no-op round trip, one after another", &micros(floor_median), &micros(median));
    let tail = (quantile(&mut floors, 0.99), quantile(&mut ours, 0.99));
    row("  99 of 100 within", &micros(tail.0), &micros(tail.1));
    let ratio = median.as_secs_f64() / floor_median.as_secs_f64();
    row("  times the floor", "1.00", &format!("{ratio:.2}"));
    row("  the same by our threads", "", &micros(quantile(&mut on_threads, 0.5)));
    Ok(())
}

/// The same after a pause in which every side has gone to sleep, and its CPU with it. What that costs
/// depends most on whether both sides share a CPU, so each is put on one of its own.
fn asleep() -> Outcome<()> {
    if horsepower::info::usable_cpus().get() < 2 {
        return Ok(());
    }
    let floor = PingPong::new()?;
    let pool = ProcessPoolExecutor::with_workers(1)?;
    pool.submit(|n: u64| n, 1).result()?;
    floor.round_trip();
    for pid in floor.worker_pids().into_iter().chain(pool.worker_pids()) {
        pin(Some(pid), 1);
    }
    let before = rustix::thread::sched_getaffinity(None);
    pin(None, 0);
    let (mut floors, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..500 {
        std::thread::sleep(Duration::from_micros(300));
        floors.push(time(|| floor.round_trip()));
        std::thread::sleep(Duration::from_micros(300));
        ours.push(time(|| drop(black_box(pool.submit(|n: u64| n, 1).result()))));
    }
    if let Ok(before) = before {
        let _ = rustix::thread::sched_setaffinity(None, &before);
    }
    let (floor_median, median) = (quantile(&mut floors, 0.5), quantile(&mut ours, 0.5));
    row("no-op round trip from sleep, a CPU each", &micros(floor_median), &micros(median));
    let ratio = median.as_secs_f64() / floor_median.as_secs_f64();
    row("  times the floor", "1.00", &format!("{ratio:.2}"));
    Ok(())
}

/// Puts a process, or this thread, on one CPU of those that this process may use.
fn pin(pid: Option<u32>, which: usize) {
    let pid = pid.and_then(|pid| rustix::process::Pid::from_raw(pid.try_into().ok()?));
    let Ok(usable) = rustix::thread::sched_getaffinity(pid) else { return };
    let mut cpus = (0..1024).filter(|&cpu| usable.is_set(cpu));
    if let Some(cpu) = cpus.nth(which) {
        let mut one = rustix::thread::CpuSet::new();
        one.set(cpu);
        let _ = rustix::thread::sched_setaffinity(pid, &one);
    }
}

/// Tasks that do nothing, on every executor, in turns.
fn pipelined() -> Outcome<()> {
    const TASKS: u64 = 50_000;
    const ITEMS: u64 = 1_000_000;
    let mut executors = Vec::new();
    for &kind in ExecutorKind::ALL {
        executors.push((kind, AnyExecutor::with_workers(kind, WORKERS)?, Vec::new(), Vec::new()));
    }
    for round in 0..8 {
        for (_, executor, tasks, maps) in &mut executors {
            let task_time = time(|| {
                let futures: Vec<_> = (0..TASKS).map(|n| executor.submit(|n: u64| n, n)).collect();
                futures.into_iter().for_each(|future| drop(black_box(future.result())));
            });
            let map_time = time(|| {
                assert!(executor.map(|n: u64| n, 0..ITEMS).all(|result| result.is_ok()));
            });
            // The first round starts workers and warms caches.
            if round > 0 {
                tasks.push(task_time);
                maps.push(map_time);
            }
        }
    }
    for (kind, _, tasks, maps) in &mut executors {
        let rate = TASKS as f64 / quantile(tasks, 0.5).as_secs_f64();
        row(&format!("no-op tasks a second, {kind}, 2 workers"), "", &format!("{rate:.0}"));
        let map = millis(quantile(maps, 0.5));
        row(&format!("map over 1,000,000 no-ops, {kind}"), "", &map);
    }
    Ok(())
}

fn start() -> Outcome<()> {
    let (mut floor, mut first, mut end) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..21 {
        floor.push(time(|| {
            let status = std::process::Command::new("/bin/true").status();
            assert!(status.is_ok_and(|status| status.success()));
        }));
        let start = Instant::now();
        let pool = ProcessPoolExecutor::with_workers(WORKERS)?;
        pool.submit(|n: u64| n, 1).result()?;
        first.push(start.elapsed());
        end.push(time(|| drop(pool)));
    }
    let floor = quantile(&mut floor, 0.5);
    row(
        "pool start with first result (floor: true)",
        &millis(floor),
        &millis(quantile(&mut first, 0.5)),
    );
    row("pool end", "", &millis(quantile(&mut end, 0.5)));
    replacement()
}

/// From the death of a worker to the first result of the next one.
fn replacement() -> Outcome<()> {
    for method in [StartMethod::Spawn, StartMethod::ForkServer] {
        let pool = ProcessPoolExecutor::builder().workers(1).start_method(method).build()?;
        pool.submit(|n: u64| n, 1).result()?;
        let mut times = Vec::new();
        for _ in 0..21 {
            let dies: TaskFuture<u8> = pool.submit(|code: i32| std::process::exit(code), 1);
            assert!(dies.result().is_err_and(|error: horsepower::Error| error.is_worker_death()));
            let start = Instant::now();
            pool.submit(|n: u64| n, 1).result()?;
            times.push(start.elapsed());
        }
        row(&format!("next worker, {method}"), "", &millis(quantile(&mut times, 0.5)));
    }
    Ok(())
}

fn large() -> Outcome<()> {
    const LEN: usize = 64 << 20;
    let pool = ProcessPoolExecutor::with_workers(1)?;
    let (mut floor, mut ours) = (Vec::new(), Vec::new());
    let source = vec![7u8; LEN];
    let mut target = vec![0u8; LEN];
    for _ in 0..9 {
        floor.push(time(|| {
            // There and back.
            target.copy_from_slice(black_box(&source));
            black_box(&mut target).copy_from_slice(black_box(&source));
        }));
        let bytes = source.clone();
        let mut back = Vec::new();
        let start = Instant::now();
        back.extend(pool.submit(|bytes: Vec<u8>| bytes, bytes).result());
        ours.push(start.elapsed());
        assert!(back[0] == source);
    }
    let speed = |times: &mut Vec<Duration>| {
        let seconds = quantile(times, 0.5).as_secs_f64();
        format!("{:.2} GB/s", 2.0 * LEN as f64 / seconds / 1e9)
    };
    row("64 MiB Vec<u8> there and back (floor: copy)", &speed(&mut floor), &speed(&mut ours));
    // In a tuple it is a value like any other to serde: element by element.
    let mut through_serde = Vec::new();
    for _ in 0..3 {
        let bytes = source.clone();
        let start = Instant::now();
        let back = pool.submit(|bytes: (Vec<u8>,)| bytes, (bytes,)).result()?;
        through_serde.push(start.elapsed());
        assert!(back.0 == source);
    }
    row("  the same in a tuple, element by element", "", &speed(&mut through_serde));
    Ok(())
}

/// The notebook's `is_prime`, with an exact square root.
fn is_prime(n: u64) -> bool {
    n == 2 || n > 2 && n % 2 == 1 && (3..=n.isqrt()).step_by(2).all(|d| !n.is_multiple_of(d))
}

fn primes() -> Outcome<()> {
    let (mut inline, mut ours, mut best) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..7 {
        let each = NOTEBOOK.map(|n| time(|| assert_eq!(is_prime(black_box(n)), n != NOTEBOOK[5])));
        let sum: Duration = each.iter().sum();
        inline.push(sum);
        // The best of all ways to share the six between two: try each.
        let longer = |first: u32| {
            let share = (0..6).filter(|i| first >> i & 1 == 1).map(|i| each[i]).sum::<Duration>();
            share.max(sum - share)
        };
        best.push((0..64).map(longer).min().unwrap_or(sum));
        let pool = ProcessPoolExecutor::with_workers(WORKERS)?;
        // The workers are there, as they are in a program that does more than this.
        pool.map(|n: u64| n, 0..2).for_each(drop);
        ours.push(time(|| {
            let verdicts = pool.map(is_prime, NOTEBOOK);
            assert_eq!(verdicts.filter(|verdict| *verdict.as_ref().unwrap()).count(), 5);
        }));
    }
    let [inline, ours, best] = [inline, ours, best].map(|mut times| quantile(&mut times, 0.5));
    row("the six primes (floor: best schedule of 2)", &millis(best), &millis(ours));
    let speed_up = |time: Duration| format!("{:.2}", inline.as_secs_f64() / time.as_secs_f64());
    row("  times faster than in line", &speed_up(best), &speed_up(ours));
    Ok(())
}
