//! One function on one thread of its own: named, with a state that can be read, stopped when it
//! agrees, joined for its result.
//!
//! | file | what it owns |
//! |---|---|
//! | `thread` | [`Thread`]: the handle |
//! | `builder` | [`ThreadBuilder`]: name, daemon, stack size, what a panic calls |
//! | `stop` | [`StopToken`]: the request to stop, and the sleep that it ends |
//! | `shared` | what the handle and the thread share: [`ThreadState`], the waits, the result |
//! | `daemon` | whether the calling thread is a daemon, for those that it makes |
//!
//! ```
//! use horsepower::{Error, StopToken, Thread};
//! use std::time::Duration;
//!
//! fn worker((name, pause): (&str, Duration), stop: &StopToken) -> String {
//!     let mut turns = 0;
//!     while stop.sleep(pause) {
//!         turns += 1;
//!     }
//!     format!("{name} retired after {turns} turns")
//! }
//!
//! fn main() -> Result<(), Error> {
//!     let thread = Thread::spawn_with(worker, ("Overwork", Duration::from_secs(3)))?;
//!     assert_eq!(format!("{thread:?}"), "Thread(Thread-1 (worker), running)");
//!     thread.stop(); // wakes it: nobody waits for the three seconds
//!     assert!(thread.get()?.starts_with("Overwork retired"));
//!     Ok(())
//! }
//! ```
//!
//! For many short functions a [`ThreadPoolExecutor`](crate::ThreadPoolExecutor) is the better place.

mod builder;
mod daemon;
mod shared;
mod stop;
#[allow(clippy::module_inception)]
mod thread;

pub use builder::ThreadBuilder;
pub use shared::ThreadState;
pub use stop::StopToken;
pub use thread::Thread;
