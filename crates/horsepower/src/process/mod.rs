//! A function in a process of its own: [`Process`].
//!
//! `process` the type, `builder` its settings, `stdio` where its standard streams lead, `current`
//! what a process knows of itself and of its parent.
//!
//! A process is a worker with one task: everything that is said of the workers of a
//! [`ProcessPoolExecutor`](crate::ProcessPoolExecutor) holds for it. It is this program started once
//! more, so [`init`](crate::init()) has to be called first; its function is plain and its values travel
//! by serde; and no way in which this process ends leaves it behind.
//!
//! | Python | here |
//! |---|---|
//! | `Process(target=f, args=(x,)).start()` | [`Process::spawn(f, x)`](Process::spawn) |
//! | `p.join()`, `p.exitcode` | [`join`](Process::join), which gives the function's result; [`exit_code`](Process::exit_code) |
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
