//! Every public type can be sent to another thread and shared with it, or is not for a reason that stands
//! here.

use horsepower::backend::{
    Call, Capability, Carrier, Cause, Control, Death, DetachedCall, Failure, Helped, PanicReport,
    Payload, QueueLimit, TaskPolicy, TaskState,
};
use horsepower::{
    AnyExecutor, AsCompleted, AsCompletedTimeout, Completions, Error, ExecutorKind, InlineExecutor,
    Map, MapBuilder, MapOptions, OnError, Progress, QueueFull, Restart, ShutdownOptions, Stats,
    StopToken, TaskBuilder, TaskFuture, TaskOptions, TaskOutput, Thread, ThreadPoolBuilder,
    ThreadPoolExecutor, UnknownExecutor, Until, Waited, WorkerStats, info, thread, timeit,
};

fn send<T: Send>() {}
fn send_and_sync<T: Send + Sync>() {}

macro_rules! all {
    ($check:ident: $($type:ty),* $(,)?) => {
        $( $check::<$type>(); )*
    };
}

type Function = fn(u8) -> u8;

#[test]
fn public_types_can_be_shared() {
    all! { send_and_sync:
        AnyExecutor, InlineExecutor, ThreadPoolExecutor, ThreadPoolBuilder, ExecutorKind,
        UnknownExecutor, ShutdownOptions, MapOptions, OnError, Progress, TaskOptions, TaskOutput,
        QueueFull<u8>, TaskBuilder<'static, InlineExecutor, Function, u8>, TaskFuture<u8>, Until,
        Waited<TaskFuture<u8>>, AsCompleted<TaskFuture<u8>>, AsCompletedTimeout<TaskFuture<u8>>,
        Completions<TaskFuture<u8>>, Error, Stats, WorkerStats, Restart, StopToken, Thread<u8>,
        thread::ThreadState, info::ProcessInfo, info::Cpus, info::Memory, timeit::Measurement,
        timeit::TimeFormat, timeit::Unit, timeit::UnknownUnit, timeit::WallClock,
        QueueLimit, Capability, Helped, TaskState, TaskPolicy, Failure, Payload, PanicReport, Death,
        Cause, Carrier<'static>, Box<dyn Control>,
    }
    // One thread has it at a time: what it will call is not shared.
    all! { send: Call<'static>, DetachedCall, thread::ThreadBuilder }
    // These hold the caller's iterator, which may be bound to its thread.
    let _: Option<(Map<'static, u8>, MapBuilder<'static, u8>)> = None;
}

#[cfg(target_os = "linux")]
#[test]
fn public_types_of_processes_can_be_shared() {
    use horsepower::backend::{BuildId, Callbacks, EntryPoint, EntryPointError, Message, Reply};
    use horsepower::{
        Process, ProcessPoolBuilder, ProcessPoolExecutor, StartMethod, UnknownStartMethod, process,
    };
    all! { send_and_sync:
        Process<u8>, process::ProcessBuilder, process::Stdio, process::Active, process::Parent,
        ProcessPoolBuilder, ProcessPoolExecutor, StartMethod, UnknownStartMethod, BuildId,
        EntryPoint, EntryPointError, Message, Reply, Callbacks,
    }
}
