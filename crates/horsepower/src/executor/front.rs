//! Step ① of a task, accept: turns a typed function and its argument into what a backend takes.
//!
//! Called by [`TaskBuilder`](crate::TaskBuilder) and [`MapBuilder`](super::MapBuilder) for all
//! executors.

use super::backend::{Backend, Capability, Carrier};
#[cfg(target_os = "linux")]
use super::wire;
use super::{Call, Permit};
use crate::error::Kind;
use crate::map::{ChunkFuture, Clock, Items, Map, MapOptions};
use crate::task::local::{Chunk, Single, once};
use crate::task::promise::Promise;
use crate::task::replay::Replay;
use crate::task::{TaskFuture, TaskOptions};
use crate::value::Value;
use horsepower_core::assert_zero_sized;
#[cfg(target_os = "linux")]
use horsepower_core::entry_point::EntryPoint;
use horsepower_core::task::TaskPolicy;
use std::any::type_name;
use std::sync::Arc;

/// Gives one task, which already has its place in the queue, to the backend.
pub(crate) fn start_task<B, F, A, R>(
    backend: &B,
    permit: Option<Permit>,
    options: &TaskOptions,
    function: F,
    argument: A,
) -> TaskFuture<R>
where
    B: Backend + ?Sized,
    F: Fn(A) -> R + Send + Sync + 'static,
    A: Value,
    R: Value,
{
    const { assert_zero_sized::<F>() }
    let name = options.name_or(type_name::<F>());
    let policy = options.policy();
    if let Some(kind) = policy.as_ref().and_then(|policy| refusal(backend, policy)) {
        return TaskFuture::failed(name, kind);
    }
    let promise = Arc::new(Promise::<R>::new(name, backend.control()).admitted(permit));
    let future = TaskFuture::new(promise.clone());
    match backend.carrier() {
        Carrier::Calls(runner) if options.retries == 0 => {
            let mut task = Single::new(promise, once(move || function(argument)));
            runner.start(Call::new(&mut task, policy.as_ref()));
        }
        Carrier::Calls(runner) => match Replay::new(function, argument) {
            Ok(replay) => {
                let mut task = Single::new(promise, move || replay.call());
                runner.start(Call::new(&mut task, policy.as_ref()));
            }
            Err(kind) => promise.fail(kind),
        },
        #[cfg(target_os = "linux")]
        Carrier::Messages(runner) => match wire::call_of::<F, A, R>(function, argument) {
            Ok((entry, payload)) => {
                runner.start(super::Message::single(entry, payload, policy, promise));
            }
            Err(kind) => promise.fail(kind),
        },
    }
    future
}

/// Starts a `map` over the items.
pub(crate) fn start_map<'e, B, F, A, R, I>(
    backend: &'e B,
    options: MapOptions,
    function: F,
    items: Items<I>,
) -> Map<'e, R>
where
    B: Backend + ?Sized,
    F: Fn(A) -> R + Send + Sync + 'static,
    A: Value,
    R: Value,
    I: Iterator<Item = A> + 'e,
{
    const { assert_zero_sized::<F>() }
    let policy = options.policy();
    let workers = backend.parallelism();
    if let Some(kind) = policy.as_ref().and_then(|policy| refusal(backend, policy)) {
        let why = kind.to_string();
        return Map::start(options, workers, items, move |_, _| {
            TaskFuture::failed(type_name::<F>(), Kind::Invalid(why.clone()))
        });
    }
    match backend.carrier() {
        Carrier::Calls(_) => {
            let function = Arc::new(function);
            Map::start(options, workers, items, move |items, clock| {
                start_chunk(backend, &function, items, clock)
            })
        }
        #[cfg(target_os = "linux")]
        Carrier::Messages(runner) => {
            let entry = EntryPoint::new::<F, wire::Typed<A, R>>(function);
            Map::start(options, workers, items, move |items, clock| match &entry {
                Ok(entry) => {
                    wire::start_chunk(backend, runner, *entry, policy.as_ref(), items, clock)
                }
                Err(why) => TaskFuture::failed(type_name::<F>(), Kind::NotSent(why.clone())),
            })
        }
    }
}

/// Gives the items of a chunk to a backend that takes calls.
pub(super) fn start_chunk<B, F, A, R>(
    backend: &B,
    function: &Arc<F>,
    items: Vec<A>,
    clock: &Arc<Clock>,
) -> ChunkFuture<R>
where
    B: Backend + ?Sized,
    F: Fn(A) -> R + Send + Sync + 'static,
    A: Send + 'static,
    R: Send + 'static,
{
    let promise = Arc::new(Promise::new(type_name::<F>(), backend.control()));
    let future = TaskFuture::new(promise.clone());
    let mut chunk = Chunk::new(promise, function.clone(), items, clock.clone());
    match backend.carrier() {
        Carrier::Calls(runner) => runner.start(Call::new(&mut chunk, None)),
        #[cfg(target_os = "linux")]
        Carrier::Messages(_) => unreachable!("a backend does not change its carrier"),
    }
    future
}

/// Why the backend cannot run a task with these options, if it cannot.
pub(super) fn refusal(backend: &(impl Backend + ?Sized), policy: &TaskPolicy) -> Option<Kind> {
    let &TaskPolicy { deadline, queue_deadline, retries, capture, .. } = policy;
    let wanted = [
        (deadline.is_some(), Capability::Deadline),
        (queue_deadline.is_some(), Capability::QueueDeadline),
        (retries > 0, Capability::Retries),
        (capture, Capability::CaptureOutput),
    ];
    let lacks = |&(wanted, what): &(bool, Capability)| wanted && !backend.can(what);
    let what = match wanted.iter().find(|wanted| lacks(wanted))?.1 {
        Capability::Deadline => {
            "a deadline kills the process that runs the task, but this executor runs tasks in the \
             program's own process; use a process pool"
        }
        Capability::CaptureOutput => {
            "capturing output redirects the process that runs the task, but this executor runs \
             tasks in the program's own process; use a process pool"
        }
        Capability::QueueDeadline => "this executor does not support queue deadlines",
        Capability::Retries => "this executor does not support retries",
    };
    Some(Kind::Invalid(what.to_owned()))
}
