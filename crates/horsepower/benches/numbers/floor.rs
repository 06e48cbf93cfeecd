//! The floor of a round trip: two processes hand a word back and forth, each asleep on a futex while it is
//! the other's turn.
//!
//! The other process is a worker of a pool whose one task plays this game until it is over.

use horsepower::{Error, Executor as _, ProcessPoolExecutor};
use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::thread::futex::{self, Flags};
use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicU32, Ordering};

/// Whose turn it is.
const MINE: u32 = 0;
const YOURS: u32 = 1;
const OVER: u32 = 2;

const LEN: usize = 4096;

pub(crate) struct PingPong {
    word: SharedWord,
    _file: File,
    pool: ProcessPoolExecutor,
}

impl PingPong {
    pub(crate) fn new() -> Result<PingPong, Error> {
        let file = memfd_create("horsepower-floor", MemfdFlags::CLOEXEC).expect("shared memory");
        ftruncate(&file, LEN as u64).expect("shared memory");
        let file = File::from(file);
        let word = SharedWord::map(&file);
        let pool = ProcessPoolExecutor::with_workers(1)?;
        let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
        drop(pool.submit(answer, path));
        Ok(PingPong { word, _file: file, pool })
    }

    /// The process on the other side.
    pub(crate) fn worker_pids(&self) -> Vec<u32> {
        self.pool.worker_pids()
    }

    pub(crate) fn round_trip(&self) {
        self.word.hand_over(YOURS);
        self.word.wait_while(YOURS);
    }
}

impl Drop for PingPong {
    fn drop(&mut self) {
        self.word.hand_over(OVER);
    }
}

fn answer(path: String) {
    let file = File::options().read(true).write(true).open(path).expect("the floor's memory");
    let word = SharedWord::map(&file);
    while word.wait_while(MINE) != OVER {
        word.hand_over(MINE);
    }
}

/// A word that two processes share.
struct SharedWord(MmapRaw);

impl SharedWord {
    fn map(file: &File) -> SharedWord {
        SharedWord(MmapOptions::new().len(LEN).map_raw(file).expect("shared memory"))
    }

    fn word(&self) -> &AtomicU32 {
        // SAFETY: the mapping is a page, so it is aligned and long enough; it lives as long as `self`; and
        // every process that has it touches this word as an atomic alone.
        unsafe { AtomicU32::from_ptr(self.0.as_mut_ptr().cast()) }
    }

    fn hand_over(&self, to: u32) {
        self.word().store(to, Ordering::Release);
        let _ = futex::wake(self.word(), Flags::empty(), 1);
    }

    fn wait_while(&self, turn: u32) -> u32 {
        loop {
            match self.word().load(Ordering::Acquire) {
                // An error means that the word has changed, or that a signal came: look again.
                same if same == turn => drop(futex::wait(self.word(), Flags::empty(), turn, None)),
                other => return other,
            }
        }
    }
}
