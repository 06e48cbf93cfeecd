//! A walk through this library, along a Python lecture notebook on computing power.
//!
//! The notebook is a Korean Jupyter notebook, "Fundamental 25. Computing power". Its cells measure and
//! use the computing power of a machine with Python's standard library; these pages call it "the
//! notebook". The walk starts with what a process is and ends with the question whether the
//! parallelism was worth it. Each chapter can be read without knowing Python, and has a table for
//! readers who do. The tests of this crate run all code on these pages; `horsepower tour` runs the
//! same path live on your machine.
//!
//! | chapter | Python | `horsepower tour …` |
//! |---|---|---|
//! | 1. [Who and where am I?](chapter_1_info) | `os` | `info` |
//! | 2. [How long does it take?](chapter_2_timeit) | `timeit` | `timeit` |
//! | 3. [One after the other](chapter_3_sequential) | plain calls | `sequential` |
//! | 4. [Threads](chapter_4_threads) | `threading` | `threads` |
//! | 5. [Processes](chapter_5_processes) | `multiprocessing.Process` | `processes` |
//! | 6. [Pools](chapter_6_pools) | `concurrent.futures`, `multiprocessing.Pool` | `pools` |
//! | 7. [Was it worth it?](chapter_7_worth) | `time.time()` | `worth` |
//!
//! # The notebook, row by row
//!
//! For each row, the folder `examples` has a small program, which keeps the notebook's names and
//! values. Run it with `cargo run -p horsepower --example NAME`.
//!
//! | row | what the notebook shows | example |
//! |---|---|---|
//! | 1 | `os.getpid`, `getuid`, `getgid`, `getcwd` | `01_process_info` |
//! | 2 | `timeit.Timer` over eight ways to build a container | `02_timeit` |
//! | 3 | two pieces of work, one after the other | `03_sequential` |
//! | 4 | the same as `threading.Thread` | `04_threads` |
//! | 5 | a thread's identity and state | `05_thread_state` |
//! | 6 | a worker that works until a flag is set | `06_stop_flag` |
//! | 7 | setting the flag, `join` | `07_join` |
//! | 8 | `multiprocessing.Process` | `08_process` |
//! | 9 | `start`, `join`, `terminate` | `09_process_life` |
//! | 10 | `with ThreadPoolExecutor() as executor` | `10_executor` |
//! | 11 | `Pool().map(double, [1, 2, 3, 4, 5])`, with the process ids | `11_map_pids` |
//! | 12 | "making a pool by hand with a queue" | `12_hand_made_pool` |
//! | 13 | six numbers, which of them are prime? | `13_primes` |
//! | 14 | the same in parallel and one after the other, timed | `14_was_it_worth_it` |

#[doc = include_str!("1_info.md")]
pub mod chapter_1_info {}

#[doc = include_str!("2_timeit.md")]
pub mod chapter_2_timeit {}

#[doc = include_str!("3_sequential.md")]
pub mod chapter_3_sequential {}

#[doc = include_str!("4_threads.md")]
pub mod chapter_4_threads {}

#[doc = include_str!("5_processes.md")]
pub mod chapter_5_processes {}

#[doc = include_str!("6_pools.md")]
pub mod chapter_6_pools {}

#[doc = include_str!("7_worth.md")]
pub mod chapter_7_worth {}
