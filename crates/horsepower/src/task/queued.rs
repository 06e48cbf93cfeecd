//! A task that waits for a task of its own thread pool runs it, if no thread has taken it yet.
//!
//! Otherwise all threads of a pool could wait for tasks that are in its queue, for ever. A thread pool
//! [sets](set) itself on each of its threads; the waiting side of a promise asks.

use horsepower_core::task::TaskState;
use std::cell::RefCell;
use std::sync::Arc;

/// A thread pool, as its own threads see it.
pub(crate) trait Queue {
    /// Runs the task with this state on this thread, if it is in the queue. False: it is not.
    fn run_here(&self, task: &TaskState) -> bool;
}

thread_local! {
    static QUEUE: RefCell<Option<Arc<dyn Queue>>> = const { RefCell::new(None) };
}

/// This thread belongs to the pool with this queue.
pub(crate) fn set(queue: Option<Arc<dyn Queue>>) {
    let before = QUEUE.with(|here| here.replace(queue));
    drop(before);
}

/// True if this thread belongs to a pool.
pub(crate) fn is_pool_thread() -> bool {
    QUEUE.try_with(|here| here.borrow().is_some()).unwrap_or(false)
}

/// Runs the task with this state, if it is in the queue of the pool that this thread belongs to.
pub(crate) fn run_if_queued(task: &TaskState) -> bool {
    // The thread may be ending, and its thread-locals gone.
    let queue = QUEUE.try_with(|here| here.borrow().clone()).ok().flatten();
    queue.is_some_and(|queue| queue.run_here(task))
}
