//! One function on its own thread, with a name and a readable state. It can be asked to stop, and
//! joined for its result.
//!
//! | file | what it owns |
//! |---|---|
//! | `thread` | [`Thread`]: the handle |
//! | `builder` | [`ThreadBuilder`]: name, daemon, stack size, panic callback |
//! | `stop` | [`StopToken`]: the stop request, and the sleep that it ends |
//! | `shared` | what the handle and the thread share: [`ThreadState`], waiting, the result |
//! | `stack` | the default size of a stack |
//! | `daemon` | whether the calling thread is a daemon, which its threads inherit |
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
//!     let thread = Thread::spawn_call(worker, ("Overwork", Duration::from_secs(3)))?;
//!     assert_eq!(format!("{thread:?}"), "Thread(Thread-1 (worker), running)");
//!     thread.stop(); // wakes it: no wait of three seconds
//!     assert!(thread.get()?.starts_with("Overwork retired"));
//!     Ok(())
//! }
//! ```
//!
//! For many short functions, use a [`ThreadPoolExecutor`](crate::ThreadPoolExecutor) instead.

mod builder;
mod daemon;
mod shared;
mod stack;
mod stop;
#[allow(clippy::module_inception)]
mod thread;

pub use builder::ThreadBuilder;
pub use shared::ThreadState;
pub(crate) use stack::stack_size;
pub use stop::StopToken;
pub use thread::Thread;
