//! [`InlineExecutor`]: runs tasks where they are submitted. The baseline.

use super::backend::{Backend, CallRunner, Capability, Carrier};
use super::{Call, MapBuilder, ShutdownOptions};
use crate::error::{Error, Kind};
use crate::map::{Items, Map, MapOptions};
use crate::task::TaskFuture;
use crate::task::local::LocalTask;
use crate::task::promise::Promise;
use horsepower_core::panic::catch;
use horsepower_core::stats::Stats;
use horsepower_core::task::TaskPolicy;
use std::any::type_name;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Runs each task on the thread that submits it, before `submit` returns. It is the baseline for
/// measuring parallel work, and the fallback of a program that has only one CPU.
///
/// A panic in a task is the error of its future, as in every executor. A crash takes down the whole
/// program.
///
/// ```
/// use horsepower::{Executor, InlineExecutor};
///
/// let mut total = 0;
/// let future = InlineExecutor::new().spawn(|| { total += 5; total }); // captures are fine here
/// assert_eq!(future.result()?, 5);
/// # Ok::<(), horsepower::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct InlineExecutor {
    closed: AtomicBool,
    running: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    retried: AtomicU64,
}

impl InlineExecutor {
    /// Creates an executor without threads or processes.
    #[must_use]
    pub fn new() -> InlineExecutor {
        InlineExecutor::default()
    }

    /// Runs any closure now, on this thread.
    pub fn spawn<R>(&self, closure: impl FnOnce() -> R) -> TaskFuture<R> {
        let promise = Arc::new(Promise::new(std::any::type_name_of_val(&closure), None));
        let future = TaskFuture::new(promise.clone());
        if self.is_closed() {
            promise.fail(Kind::Shutdown);
            return future;
        }
        let outcome = self.count(|| {
            let outcome = catch(closure);
            let failed = outcome.is_err();
            (outcome, 1, usize::from(failed))
        });
        promise.complete(outcome.map_err(|report| promise.error(Kind::Panicked(report))));
        future
    }

    /// [`map`](crate::Executor::map) with a function that may capture, and values that need not
    /// implement serde's traits.
    pub fn spawn_map<'e, F, A, R, I>(&'e self, function: F, items: I) -> Map<'e, R>
    where
        F: Fn(A) -> R + 'e,
        A: 'e,
        R: 'e,
        I: IntoIterator<Item = A>,
        I::IntoIter: 'e,
    {
        self.start_map(MapOptions::new(), function, items)
    }

    /// Builds a [`spawn_map`](Self::spawn_map) with options. [`MapBuilder::map`] starts it.
    pub fn spawn_tasks<'e, F, A, R, I>(&'e self, function: F, items: I) -> MapBuilder<'e, R>
    where
        F: Fn(A) -> R + 'e,
        A: 'e,
        R: 'e,
        I: IntoIterator<Item = A> + 'e,
        I::IntoIter: 'e,
    {
        MapBuilder::new(move |options| self.start_map(options, function, items))
    }

    fn start_map<'e, F, A, R, I>(&'e self, options: MapOptions, function: F, items: I) -> Map<'e, R>
    where
        F: Fn(A) -> R + 'e,
        A: 'e,
        R: 'e,
        I: IntoIterator<Item = A>,
        I::IntoIter: 'e,
    {
        let name = type_name::<F>();
        let policy = options.policy();
        let refusal = policy.and_then(|policy| super::front::refusal(self, &policy));
        let refusal = refusal.map(|kind| kind.to_string());
        Map::start(options, 1, Items::Here(items.into_iter()), move |items, clock| {
            if let Some(why) = &refusal {
                return TaskFuture::failed(name, Kind::Invalid(why.clone()));
            }
            if self.is_closed() {
                return TaskFuture::failed(name, Kind::Shutdown);
            }
            let promise = Promise::new(name, None);
            let (started, calls) = (Instant::now(), items.len());
            let answers = self.count(|| {
                let mut failed = 0;
                let call = |item| {
                    catch(|| function(item)).map_err(|report| {
                        failed += 1;
                        Error::of_task(Kind::Panicked(report), name)
                    })
                };
                let answers: Vec<_> = items.into_iter().map(call).collect();
                (answers, calls, failed)
            });
            clock.learn(calls, started.elapsed());
            promise.complete(Ok(answers));
            TaskFuture::new(Arc::new(promise))
        })
    }

    fn is_closed(&self) -> bool {
        // Relaxed: a flag; a program that needs an order of calls must establish it by other means.
        self.closed.load(Ordering::Relaxed)
    }

    /// Runs something that makes calls, and counts them and their failures.
    fn count<T>(&self, call: impl FnOnce() -> (T, usize, usize)) -> T {
        // Relaxed, here and below: counters.
        self.running.fetch_add(1, Ordering::Relaxed);
        let (answer, calls, failed) = call();
        self.running.fetch_sub(1, Ordering::Relaxed);
        if calls > failed {
            self.done.fetch_add((calls - failed) as u64, Ordering::Relaxed);
        }
        if failed > 0 {
            self.failed.fetch_add(failed as u64, Ordering::Relaxed);
        }
        answer
    }

    /// Makes the calls of a task; a single call that panics is retried as often as `policy` says.
    fn call(&self, task: &mut dyn LocalTask, policy: Option<&TaskPolicy>) {
        let mut retries = policy.map_or(0, |policy| policy.retries);
        let mut pause = policy.map_or_else(Default::default, |policy| policy.backoff);
        loop {
            let again = self.count(|| {
                let called = task.call(None);
                let again = called.failed > 0 && retries > 0;
                // A call that is retried has not failed yet.
                if again { (true, 0, 0) } else { (false, called.calls, called.failed) }
            });
            if !again {
                return;
            }
            retries -= 1;
            self.retried.fetch_add(1, Ordering::Relaxed);
            let name = task.promise().name().as_str();
            tracing::debug!(task = name, ?pause, "retrying task");
            std::thread::sleep(pause);
            pause = pause.saturating_mul(2);
        }
    }
}

impl CallRunner for InlineExecutor {
    fn start(&self, call: Call<'_>) {
        let (task, policy) = call.into_parts();
        if self.is_closed() {
            task.refuse(Kind::Shutdown);
            return task.publish(None);
        }
        self.call(task, policy);
        task.publish(None);
    }
}

impl Backend for InlineExecutor {
    fn carrier(&self) -> Carrier<'_> {
        Carrier::Calls(self)
    }

    fn parallelism(&self) -> usize {
        1
    }

    fn can(&self, what: Capability) -> bool {
        // A task starts at once, so its queue deadline is always met.
        matches!(what, Capability::Retries | Capability::QueueDeadline)
    }

    fn snapshot(&self) -> Stats {
        // Relaxed: counters.
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let mut stats = Stats::default();
        stats.running = read(&self.running);
        stats.done = read(&self.done);
        stats.failed = read(&self.failed);
        stats.retried = read(&self.retried);
        stats
    }

    fn stop(&self, _how: ShutdownOptions) -> Result<(), Error> {
        // All tasks have finished by the time this can be called.
        self.closed.store(true, Ordering::Relaxed);
        Ok(())
    }
}
