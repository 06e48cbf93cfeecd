//! Where tasks run: the typed interface [`Executor`], written once on top of the small trait
//! [`Backend`](backend::Backend), and the executors of this crate.
//!
//! | file | what it owns |
//! |---|---|
//! | `executor` | [`Executor`]: what users call |
//! | `front` | step ①: turns a typed task into what a backend takes |
//! | `map_builder` | a `map` with its options, before it starts |
//! | `backend` | [`Backend`](backend::Backend): what a place to run implements |
//! | `call`, `message` | the forms in which a backend gets a task: a call, or bytes |
//! | `wire` | steps ② and ⑥ for tasks that travel as bytes, and the receivers of their answers |
//! | `control` | what futures can ask of the backend that has their tasks |
//! | `queue_limit`, `shutdown`, `start_method`, `settings` | settings, and their checks |
//! | `inline`, `threads`, `processes` | the executors |
//! | `any` | an executor chosen at run time |

mod any;
pub(crate) mod backend;
mod call;
mod control;
#[allow(clippy::module_inception)]
mod executor;
mod front;
mod inline;
mod map_builder;
#[cfg(target_os = "linux")]
mod message;
#[cfg(target_os = "linux")]
mod processes;
mod queue_limit;
mod settings;
mod shutdown;
#[cfg(target_os = "linux")]
mod start_method;
mod threads;
#[cfg(target_os = "linux")]
pub(crate) mod wire;

pub use any::{AnyExecutor, ExecutorKind, UnknownExecutor};
pub(crate) use backend::Backend;
pub use call::{Call, DetachedCall};
pub use control::{Control, Helped};
pub use executor::Executor;
pub(crate) use front::start_task;
pub use inline::InlineExecutor;
pub use map_builder::MapBuilder;
#[cfg(target_os = "linux")]
pub use message::{Callbacks, Message, Reply};
#[cfg(target_os = "linux")]
pub(crate) use processes::no_pool;
#[cfg(target_os = "linux")]
pub use processes::{ProcessPoolBuilder, ProcessPoolExecutor};
pub(crate) use queue_limit::Permit;
pub use queue_limit::QueueLimit;
pub use shutdown::ShutdownOptions;
#[cfg(target_os = "linux")]
pub use start_method::{StartMethod, UnknownStartMethod};
pub use threads::{ThreadPoolBuilder, ThreadPoolExecutor};
