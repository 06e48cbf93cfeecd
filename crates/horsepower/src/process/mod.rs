//! Running a function in its own process: [`Process`].
//!
//! `process` is the type, `builder` its settings, `stdio` the connections of its standard streams,
//! `current` what a process knows about itself and its parent.
//!
//! A process is a worker with one task: whatever holds for the workers of a
//! [`ProcessPoolExecutor`](crate::ProcessPoolExecutor) holds for it. It is this program started
//! again, so call [`init`](crate::init()) first. Its function is plain, and its values travel by
//! serde. However this process ends, the started one does not outlive it.
//!
//! | Python | here |
//! |---|---|
//! | `Process(target=f, args=(x,)).start()` | [`Process::spawn(f, x)`](Process::spawn) |
//! | `p.join()`, `p.exitcode` | [`join`](Process::join); [`get`](Process::get) and [`result`](Process::result) for the function's result; [`exit_code`](Process::exit_code) |
//! | `p.terminate()`, `p.kill()`, `p.is_alive()`, `p.pid` | the same names |
//! | `p.sentinel` | [`sentinel`](Process::sentinel) |
//! | `multiprocessing.active_children()` | [`active`] |
//! | `multiprocessing.current_process()`, `parent_process()` | [`name`], [`parent`] |

mod builder;
mod current;
#[allow(clippy::module_inception)]
mod process;
mod stdio;

pub use builder::ProcessBuilder;
pub use current::{Active, Parent, active, name, parent, start_method};
pub use process::Process;
pub use stdio::Stdio;
