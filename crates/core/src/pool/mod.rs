//! The parent's side: a pool of workers, their lanes, and the thread that supervises them.
//!
//! | file | what it owns |
//! |---|---|
//! | `task` | a task as the pool knows it, and who is told of its end |
//! | `books` | what the pool knows: the members, the queue, the phase; one lock guards it all |
//! | `member` | one worker as the parent sees it: process, lane, what is in the lane |
//! | `put` | step ③: which task goes into which lane, and when one is taken back |
//! | `collect` | step ⑤: what comes out of a lane |
//! | `bury` | what comes out of the lane of a worker that has died |
//! | `settled` | what has ended, and telling the receivers; the [`callers`](crate::callback_threads) call callbacks |
//! | `attend` | a thread that waits for one task collects replies itself |
//! | `start` | starting a worker process |
//! | `server` | the fork server, which starts them in another way |
//! | `life` | a worker's process, until it has been reaped |
//! | `clocks` | deadlines, retries, idle workers, memory limits: what is due, and when |
//! | `shutdown` | the end of a pool, and changes of its size |
//! | `events` | what an operator can see |
//! | `stats` | what it has done and is doing |
//! | `alone` | a process for one task alone |
//! | `supervisor` | the thread that starts workers, sees them die, and keeps the clocks |
//!
//! The lock is never held while code of the user runs: encoding, decoding and callbacks happen
//! outside; nor while more than a block is copied. Making, sending and unmapping segments does happen
//! under it.

mod alone;
mod attend;
mod books;
mod bury;
mod clocks;
mod collect;
mod events;
mod life;
mod member;
mod place;
mod put;
mod server;
mod settled;
mod shutdown;
mod start;
mod stats;
mod supervisor;
mod task;

pub use crate::task::{Answer, Failure, Receiver, TaskPolicy, TaskState};
pub use alone::{dedicated_pool, dedicated_processes};
pub use attend::Helped;
pub use clocks::Limits;
pub use life::ChildProcess;
use place::Place;
pub use shutdown::Shutdown;
pub use start::Initializer;
pub use task::Task;

use crate::callback_threads::CallbackThreads;
use crate::inside::{is_inside, within};
use crate::launch::Launch;
use crate::worker::init::{NotReady, reentry_point};
use books::{Books, Phase};
use settled::Settled;
use stats::Counts;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// How workers come into being.
#[derive(Clone, Debug, Default)]
pub enum Method {
    /// The program is executed again.
    #[default]
    Spawn,
    /// The program is executed again once, makes this call, and forks the workers.
    ForkServer(Option<Arc<Initializer>>),
}

/// Most pools and processes within each other.
pub const DEEPEST: u8 = 10;

/// What a pool is to be.
#[derive(Clone, Debug)]
pub struct Config {
    /// Most worker processes at a time.
    pub workers: usize,
    /// CPUs that this process may use: with more runnable sides than that, nobody spins.
    pub cpus: usize,
    /// How workers are started; their names are this one's with a number.
    pub launch: Launch,
    /// What each worker calls before its first task.
    pub initializer: Option<Arc<Initializer>>,
    /// How workers come into being.
    pub method: Method,
    /// What each worker may use.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            workers: 1,
            cpus: 1,
            launch: Launch::default(),
            initializer: None,
            method: Method::Spawn,
            limits: Limits::default(),
        }
    }
}

/// Why there is no pool.
#[derive(Debug)]
pub enum PoolError {
    /// The program has not called `init`.
    NotReady(NotReady),
    /// There are [`DEEPEST`] processes above this one.
    TooDeep,
    /// The kernel refused something.
    System(io::Error),
}

/// A pool of worker processes. Workers are started when tasks need them.
#[derive(Debug)]
pub struct Pool {
    pub(crate) shared: Arc<Shared>,
    supervisor: Mutex<Option<JoinHandle<()>>>,
}

/// What the pool's threads and futures share.
#[derive(Debug)]
pub struct Shared {
    books: Mutex<Books>,
    /// Tells those who wait for the end of all work.
    idle: Condvar,
    /// Tasks whose receivers have not been told everything yet.
    unresolved: AtomicUsize,
    /// Somebody waits, or will wait, for `unresolved` to become 0.
    closing: AtomicBool,
    /// Wakes the supervisor.
    event: OwnedFd,
    counts: Counts,
    config: Config,
    /// Call the callbacks.
    callers: CallbackThreads,
    /// Decode the large results that the supervisor finds, lest they wait for callbacks.
    decoders: CallbackThreads,
    /// For them.
    me: Weak<Shared>,
}

/// Who tells the receivers of the ends that have been found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tell {
    /// This thread, which waits for a task.
    Here,
    /// This thread, which is the supervisor, as far as that cannot take long; the callers the rest.
    Promptly,
    /// The supervisor: this thread only submits, looks or cancels, and code of the user that belongs
    /// to other tasks must not run in the middle of that.
    Supervisor,
}

/// Stack of the supervisor: it decodes results. Address space, not memory.
const STACK: usize = 32 << 20;

impl Pool {
    /// A pool without workers yet, and its supervisor.
    ///
    /// # Errors
    /// If the program has not called `init`, or the kernel gives no thread or descriptor.
    pub fn new(config: Config) -> Result<Pool, PoolError> {
        let reentry = reentry_point().map_err(PoolError::NotReady)?;
        if crate::worker::role::role().is_some_and(|role| role.depth >= DEEPEST) {
            return Err(PoolError::TooDeep);
        }
        let flags = rustix::event::EventfdFlags::CLOEXEC | rustix::event::EventfdFlags::NONBLOCK;
        let event = rustix::event::eventfd(0, flags).map_err(|e| PoolError::System(e.into()))?;
        let shared = Arc::new_cyclic(|me| Shared {
            books: Mutex::new(Books::new(&config)),
            idle: Condvar::new(),
            unresolved: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
            event,
            counts: Counts::default(),
            config,
            callers: CallbackThreads::default(),
            decoders: CallbackThreads::default(),
            me: me.clone(),
        });
        let supervisor =
            supervisor::Supervisor::new(shared.clone(), reentry).map_err(PoolError::System)?;
        let supervisor = thread::Builder::new()
            .name("hp-supervisor".into())
            .stack_size(STACK)
            .spawn(move || supervisor.run())
            .map_err(PoolError::System)?;
        Ok(Pool { shared, supervisor: Mutex::new(Some(supervisor)) })
    }

    /// What futures hold on to.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The process ids of the workers that live now.
    #[must_use]
    pub fn worker_pids(&self) -> Vec<u32> {
        self.shared.lock().members().map(|(_, member)| member.pid).collect()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shutdown(Shutdown::default());
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Books> {
        // A panic under the lock is a bug in this crate; the supervisor then breaks the pool.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the supervisor.
    fn poke(&self) {
        // It can fail only when the counter is full, and then the supervisor wakes anyway.
        let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
    }

    /// Takes a task over. Whatever becomes of it, its receiver is told, once for each item.
    pub fn submit(&self, task: Task) {
        let mut books = self.lock();
        if let Some(refusal) = books.refusal() {
            drop(books);
            task.fail_all(&refusal);
            return;
        }
        self.accept_one();
        let mut settled = Settled::default();
        if !books.has_idle_member() {
            books.collect_all(&mut settled);
        }
        books.accept(task);
        self.settle(books, settled, Tell::Supervisor);
    }

    /// Counts a task whose receiver is to be told of its end.
    fn accept_one(&self) {
        // Relaxed: ordered by the lock for `shutdown`, which closes under it.
        self.unresolved.fetch_add(1, Ordering::Relaxed);
    }

    /// True if it takes tasks: it is neither shut down nor broken.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.lock().phase, Phase::Open)
    }

    /// Takes a task back that has not begun. True: its receiver will not be told anything more but what
    /// `tell` does, which may call code of the user.
    /// False: it has begun or ended; if it has several items, those not begun are cancelled.
    pub fn cancel(&self, tag: &TaskState, tell: impl FnOnce()) -> bool {
        let mut books = self.lock();
        let mut settled = Settled::default();
        let cancelled = books.cancel(tag, &mut settled);
        self.settle(books, settled, Tell::Supervisor);
        if cancelled {
            self.counts.add(&self.counts.cancelled, 1);
            let _ = crate::wire::panic::catch(|| within(self, tell));
            self.resolved(1);
        }
        cancelled
    }

    /// True if the task has begun and not ended.
    #[must_use]
    pub fn running(&self, tag: &TaskState) -> bool {
        self.lock().running(tag)
    }

    /// True if the task has ended, whether its receiver has been told yet or not.
    #[must_use]
    pub fn ended(&self, tag: &TaskState) -> bool {
        let mut books = self.lock();
        let mut settled = Settled::default();
        books.collect_all(&mut settled);
        let ended = tag.place() == Place::Ended;
        self.settle(books, settled, Tell::Supervisor);
        ended
    }

    /// Asks that the end of this task be noticed although nobody waits for it.
    pub fn watch(&self, tag: &TaskState) {
        let mut books = self.lock();
        books.watch(tag);
        self.settle(books, Settled::default(), Tell::Supervisor);
    }

    /// Ends every change of the books: feeds the lanes, sees to it that the next reply is noticed,
    /// and then, without the lock, tells the receivers, or has the supervisor do so.
    fn settle<'a>(&'a self, mut books: MutexGuard<'a, Books>, mut settled: Settled, tell: Tell) {
        /// Enough for a burst; more is for the next who comes by.
        const MOST: usize = 1024;
        loop {
            // Relaxed: under the lock, and before any of the parts can end.
            self.unresolved.fetch_add(std::mem::take(&mut settled.parts), Ordering::Relaxed);
            while let Some(mut staged) = books.feed(&mut settled) {
                // A large argument is copied into its segment without the lock.
                drop(books);
                staged.fill();
                books = self.lock();
                books.put_staged(staged, &mut settled);
            }
            if !books.arm() {
                break;
            }
            if settled.len() >= MOST {
                self.poke();
                break;
            }
            books.collect_all(&mut settled);
        }
        let mut poke = books.wants_supervisor();
        books.wake_attendants();
        match tell {
            Tell::Here | Tell::Promptly => settled.append(&mut books.deferred),
            Tell::Supervisor => {
                // Whoever made the list longer than nothing has called the supervisor.
                poke |= books.deferred.is_empty() && !settled.is_empty();
                books.deferred.append(&mut settled);
            }
        }
        let events = std::mem::take(&mut books.events);
        drop(books);
        if poke {
            self.poke();
        }
        for event in events {
            // A panic of whoever collects them is not the pool's.
            let _ = crate::wire::panic::catch(|| event.tell());
        }
        if tell == Tell::Promptly {
            for large in settled.take_large() {
                self.have_called(&self.decoders, |shared| shared.tell(large));
            }
        }
        if !settled.is_empty() {
            self.tell(settled);
        }
    }

    fn tell(&self, settled: Settled) {
        let resolved = within(self, || settled.resolve(&self.counts));
        if !resolved.spent.is_empty() {
            self.lock().take_back_segments(resolved.spent);
        }
        for receiver in resolved.to_call {
            // It counts as unresolved until its callbacks were called.
            self.accept_one();
            self.have_called(&self.callers, move |shared| {
                // The last to hold the receiver drops the result, and that may panic.
                let _ = crate::wire::panic::catch(|| {
                    within(shared, || {
                        receiver.call_back();
                        drop(receiver);
                    });
                });
                shared.resolved(1);
            });
        }
        self.resolved(resolved.over);
    }

    /// Has a caller do something that may take long.
    fn have_called(&self, callers: &CallbackThreads, call: impl FnOnce(&Shared) + Send + 'static) {
        let Some(shared) = self.me.upgrade() else { return };
        if let Some(at) = callers.call(Box::new(move || call(&shared))) {
            self.lock().look_after_callers(at);
            self.poke();
        }
    }

    /// Looks after both kinds of callers, and returns when to do so again.
    fn look_after_callers(&self) -> Option<Instant> {
        [&self.callers, &self.decoders].into_iter().filter_map(CallbackThreads::look).min()
    }

    /// True if this thread is there to call callbacks of this pool, and makes a call.
    #[must_use]
    pub fn is_caller(&self) -> bool {
        self.callers.is_here()
    }

    /// A task of the pool has been given a callback.
    pub fn expect_callbacks(&self) {
        self.callers.prepare();
    }

    /// True in a callback of this pool: whoever waits for its end there waits for itself.
    #[must_use]
    pub fn in_callback(&self) -> bool {
        is_inside(self)
    }

    /// Notes that the receivers of so many tasks have been told everything.
    fn resolved(&self, tasks: usize) {
        // SeqCst, here and in `shutdown`: either this sees `closing`, or `shutdown` sees the count.
        if tasks > 0
            && self.unresolved.fetch_sub(tasks, Ordering::SeqCst) == tasks
            && self.closing.load(Ordering::SeqCst)
        {
            let books = self.lock();
            self.idle.notify_all();
            drop(books);
            // The supervisor waits for this too, to let the workers go.
            self.poke();
        }
    }

    /// Fails everything that is in the books, now and from now on.
    fn break_down(&self, reason: &str) {
        let mut books = self.lock();
        let mut settled = Settled::default();
        books.break_down(reason, &mut settled);
        self.settle(books, settled, Tell::Here);
    }

    fn all_resolved(&self) -> bool {
        self.unresolved.load(Ordering::SeqCst) == 0
    }
}

/// What a pool that takes no more tasks says.
impl Books {
    fn refusal(&self) -> Option<Failure> {
        match &self.phase {
            Phase::Open => None,
            Phase::Closing => Some(Failure::Shutdown),
            Phase::Broken(reason) => Some(Failure::Broken(reason.clone())),
        }
    }
}
