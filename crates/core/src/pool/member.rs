//! One worker as the parent sees it: its process, its lane, and what is in the lane.

use super::life::ChildProcess;
use super::task::Task;
use crate::lane::ring::Seen;
use crate::lane::state::{SLOTS, index};
use crate::lane::{BLOCK_LEN, Lane};
use crate::sync::Ordering;
use crate::sys::control::{self, Receive, Send};
use crate::sys::memory::Memory;
use crate::task::{Failure, TaskState};
use crate::wire::capture::Capture;
use crate::wire::handshake::Note;
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

/// Most bytes of idle segments that a member keeps for the next large payload.
const KEPT: usize = 256 << 20;

/// Most tasks with a segment that a lane holds at a time: it bounds what they cost in memory.
pub(super) const LARGE: usize = 2;

/// Most notes that are read at a time; a worker in its right mind leaves far fewer.
const MOST_NOTES: usize = 1024;

/// Shared memory for one large payload: known to the parent and one worker, used by one task at a
/// time.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) id: u64,
    pub(super) memory: Memory,
}

/// A task in the lane.
#[derive(Debug)]
pub(super) struct InLane {
    pub(super) task: Task,
    pub(super) segment: Option<Segment>,
    pub(super) capture: Option<Capture>,
    /// When it was put here.
    pub(super) since: Instant,
    /// When the supervisor is to look whether it is past its deadline; `None`: not before another
    /// task has ended.
    pub(super) strike: Option<Instant>,
    /// Counted in [`Member::watched`].
    pub(super) watched: bool,
}

/// A worker of the pool.
#[derive(Debug)]
pub(super) struct Member {
    /// Tells this worker from others that had or will have its place in the books.
    pub(super) serial: u64,
    pub(super) name: String,
    pub(super) pid: u32,
    pub(super) life: Arc<ChildProcess>,
    /// Started for one task, which is all that its lane will ever hold.
    pub(super) alone: bool,
    pub(super) control: OwnedFd,
    pub(super) lane: Arc<Lane>,
    /// It has said that it serves.
    pub(super) ready: bool,
    /// When it has to have said so; or, once it was told to leave, when it has to be gone. `None`:
    /// later than the clock can say.
    pub(super) deadline: Option<Instant>,
    /// It was told to leave.
    pub(super) leaving: bool,
    /// It was told so because it is no longer wanted; until it is gone it still counts.
    pub(super) retired: bool,
    /// It is to be ended by the pool, and why.
    pub(super) condemned: Option<String>,
    /// The task for which it is ended, if it is for one, and what is said of that.
    pub(super) doom: Option<(u32, Failure)>,
    /// It was asked to end, and when it is to be made to.
    pub(super) grace: Option<Instant>,
    /// Its control socket is closed: its death is about to be seen.
    pub(super) gone: bool,
    /// It was told to end at once.
    pub(super) killed: bool,
    /// It slept when it was last given a task.
    pub(super) slept: bool,
    /// A thread attends the lane.
    pub(super) attended: bool,
    /// That thread has something to see.
    pub(super) wake_attendant: bool,
    /// First position whose task has not been collected, and first one that has not been filled.
    pub(super) head: u32,
    pub(super) tail: u32,
    tasks: Box<[Option<InLane>]>,
    /// How many tasks are in the lane, and how many of them are watched.
    pub(super) in_flight: usize,
    pub(super) watched: usize,
    /// A large task is on its way into the lane.
    pub(super) staging: usize,
    /// Since when it lives, and since when it has nothing to do.
    pub(super) born: Instant,
    pub(super) idle_since: Instant,
    /// Tasks that it was given, tasks that it has replied to, and how long it says they took.
    pub(super) fed: usize,
    pub(super) replies: u64,
    pub(super) busy_nanos: u64,
    /// It matters how long it has nothing to do.
    pub(super) keeps_time: bool,
    /// Its memory was looked at since it was last given a task.
    pub(super) weighed: bool,
    captures: u32,
    /// Segments that no task uses, those that have come from the worker, and those that the worker
    /// is to forget.
    idle_segments: Vec<Segment>,
    arrived: HashMap<u64, (Memory, OwnedFd)>,
    forget: Vec<u64>,
    made: u64,
}

impl Member {
    pub(super) fn new(
        serial: u64,
        life: ChildProcess,
        control: OwnedFd,
        lane: Lane,
        deadline: Option<Instant>,
    ) -> Member {
        Member {
            serial,
            name: String::new(),
            pid: life.pid(),
            life: Arc::new(life),
            alone: false,
            control,
            lane: Arc::new(lane),
            ready: false,
            deadline,
            leaving: false,
            retired: false,
            condemned: None,
            doom: None,
            grace: None,
            gone: false,
            killed: false,
            slept: true,
            attended: false,
            wake_attendant: false,
            head: 0,
            tail: 0,
            tasks: (0..SLOTS).map(|_| None).collect(),
            in_flight: 0,
            watched: 0,
            staging: 0,
            born: Instant::now(),
            idle_since: Instant::now(),
            fed: 0,
            replies: 0,
            busy_nanos: 0,
            keeps_time: false,
            weighed: false,
            captures: 0,
            idle_segments: Vec::new(),
            arrived: HashMap::new(),
            forget: Vec::new(),
            made: 0,
        }
    }

    /// True if tasks may be put into its lane.
    pub(super) fn usable(&self) -> bool {
        !self.leaving
            && !self.alone
            && !self.gone
            && self.condemned.is_none()
            && self.tasks[index(self.tail)].is_none()
            && self.in_flight + self.staging < SLOTS as usize
    }

    /// Tasks in the lane or on the way into it.
    pub(super) fn load(&self) -> usize {
        self.in_flight + self.staging
    }

    pub(super) fn task(&self, position: u32) -> Option<&InLane> {
        self.tasks[index(position)].as_ref()
    }

    pub(super) fn task_mut(&mut self, position: u32) -> Option<&mut InLane> {
        self.tasks[index(position)].as_mut()
    }

    pub(super) fn insert(&mut self, position: u32, entry: InLane) {
        self.in_flight += 1;
        self.watched += usize::from(entry.watched);
        self.weighed = false;
        self.tasks[index(position)] = Some(entry);
    }

    /// Has what its next task prints kept; the number goes into the request.
    pub(super) fn capture(&mut self) -> io::Result<(u32, Capture)> {
        self.captures = self.captures.wrapping_add(1).max(1);
        let note = Note::Capture { id: self.captures }.encode();
        Ok((self.captures, Capture::send(&self.control, &note)?))
    }

    /// Notes that somebody wants to know when the task at `position` ends.
    pub(super) fn watch_at(&mut self, position: u32) {
        if let Some(entry) = self.tasks[index(position)].as_mut().filter(|entry| !entry.watched) {
            entry.watched = true;
            self.watched += 1;
        }
    }

    /// The same for all parts of the task with this tag.
    pub(super) fn watch(&mut self, tag: &TaskState) {
        for entry in self.tasks.iter_mut().flatten() {
            if !entry.watched && std::ptr::eq(entry.task.state(), tag) {
                entry.watched = true;
                self.watched += 1;
            }
        }
    }

    /// Tells the worker to begin no further item of the task with this tag.
    pub(super) fn stop(&self, tag: &TaskState) {
        for (slot, entry) in self.tasks.iter().enumerate() {
            if entry.as_ref().is_some_and(|entry| std::ptr::eq(entry.task.state(), tag)) {
                // Relaxed: the worker will see it soon, and nothing else hangs on it.
                let request = &self.lane.ring().slot(slot as u32).request;
                request.stop.store(1, Ordering::Relaxed);
            }
        }
    }

    /// Tells the worker to begin no further item of any task.
    pub(super) fn stop_all(&self) {
        for entry in self.tasks.iter().flatten().filter(|entry| entry.task.is_framed()) {
            entry.task.state().set_stopped();
            self.stop(entry.task.state());
        }
    }

    pub(super) fn remove(&mut self, position: u32) -> Option<InLane> {
        let entry = self.tasks[index(position)].take()?;
        self.in_flight -= 1;
        self.watched -= usize::from(entry.watched);
        if self.in_flight == 0 && self.keeps_time {
            self.idle_since = Instant::now();
        }
        self.lane.note_change();
        self.wake_attendant |= self.attended;
        // `head` never points at a hole: so `tail` is never more than one lap ahead of it.
        self.skip_to_task();
        Some(entry)
    }

    /// Takes all tasks out of the lane.
    pub(super) fn take_tasks(&mut self) -> Vec<Task> {
        let positions = (0..SLOTS).map(|offset| self.head.wrapping_add(offset));
        let positions: Vec<u32> = positions.collect();
        positions.into_iter().filter_map(|at| Some(self.remove(at)?.task)).collect()
    }

    /// True if it serves, whether its word for that has been read yet or not.
    pub(super) fn serves(&self) -> bool {
        self.ready || self.replies > 0 || self.runs()
    }

    /// True if it is to be replaced before it has begun anything.
    pub(super) fn is_useless(&self) -> bool {
        self.retired && !self.ready && self.load() == 0
    }

    /// True if it runs a task at this moment.
    pub(super) fn runs(&self) -> bool {
        self.head != self.tail && self.lane.ring().look(self.head) == Seen::Running
    }

    /// Calls in the lane that have not ended.
    pub(super) fn calls(&self) -> u64 {
        self.tasks.iter().flatten().map(|entry| u64::from(entry.task.remaining())).sum()
    }

    /// True if it has nothing to do, and could.
    pub(super) fn is_idle(&self) -> bool {
        self.ready && self.load() == 0 && self.usable()
    }

    /// Takes at most so many tasks back that the worker has not begun, the last one first.
    pub(super) fn take_back(&mut self, most: usize) -> Vec<Task> {
        // Where it ends: `head` itself moves when the first task is taken.
        let (first, mut position) = (self.head, self.tail);
        let mut taken = Vec::new();
        while taken.len() < most && position != first {
            position = position.wrapping_sub(1);
            if self.task(position).is_none() {
                continue;
            }
            // The worker goes the other way; where it has been there is nothing more to take.
            if self.lane.ring().look(position) != Seen::Ready
                || !self.lane.ring().take_back(position)
            {
                break;
            }
            if let Some(entry) = self.remove(position) {
                if let Some(segment) = entry.segment {
                    self.keep_segment(segment);
                }
                self.fed -= 1;
                taken.push(entry.task);
            }
        }
        taken
    }

    /// Tells the worker to leave when it has done what is in its lane; it still counts as one.
    pub(super) fn retire(&mut self) {
        self.leaving = true;
        self.retired = true;
        self.lane.ring().leave();
    }

    /// Moves `head` to the next position that holds a task, or to `tail`.
    pub(super) fn skip_to_task(&mut self) {
        while self.head != self.tail && self.tasks[index(self.head)].is_none() {
            self.head = self.head.wrapping_add(1);
        }
    }

    /// True if no task in the lane is unfinished.
    pub(super) fn has_finished(&self) -> bool {
        self.in_flight == 0 || self.has_news()
    }

    /// True if what a task prints is kept just now.
    pub(super) fn captures_now(&self) -> bool {
        self.captures > 0 && self.tasks.iter().flatten().any(|entry| entry.capture.is_some())
    }

    /// Gives up what is kept of what a task has printed beyond what will be handed over.
    pub(super) fn trim_captures(&self) {
        for capture in self.tasks.iter().flatten().filter_map(|entry| entry.capture.as_ref()) {
            capture.trim();
        }
    }

    /// Bytes of memory that the process has for itself; `None` if it has ended.
    pub(super) fn memory(&self) -> Option<u64> {
        // Pages: total, resident, shared, …
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.pid)).ok()?;
        let mut pages = statm.split_ascii_whitespace().skip(1).map_while(|n| n.parse::<u64>().ok());
        let own = pages.next()?.saturating_sub(pages.next()?);
        Some(own * rustix::param::page_size() as u64)
    }

    /// True if the next thing to collect has come, or something is wrong with it.
    pub(super) fn has_news(&self) -> bool {
        self.head != self.tail
            && !matches!(self.lane.ring().look(self.head), Seen::Ready | Seen::Running)
    }

    /// An idle or new segment of at least `len` bytes, which the worker will know.
    pub(super) fn segment(&mut self, len: usize) -> io::Result<Segment> {
        let fitting = self.idle_segments.iter().enumerate().filter(|(_, s)| s.memory.len() >= len);
        if let Some((best, _)) = fitting.min_by_key(|(_, segment)| segment.memory.len()) {
            return Ok(self.idle_segments.swap_remove(best));
        }
        let len = len.next_multiple_of(BLOCK_LEN);
        let (memory, file) = Memory::create("horsepower-segment", len)?;
        self.made += 1;
        let note = Note::Segment { id: self.made, len: len as u64 };
        control::send(&self.control, &note.encode(), &[file.as_fd()], Send::Now)?;
        Ok(Segment { id: self.made, memory })
    }

    /// Takes back a segment that no task uses any more.
    pub(super) fn keep_segment(&mut self, segment: Segment) {
        self.idle_segments.push(segment);
        let mut bytes: usize = self.idle_segments.iter().map(|segment| segment.memory.len()).sum();
        while bytes > KEPT || self.idle_segments.len() > LARGE {
            let oldest = self.idle_segments.remove(0);
            bytes -= oldest.memory.len();
            self.forget.push(oldest.id);
        }
    }

    /// A segment for the worker to forget, or 0.
    pub(super) fn next_forgotten(&mut self) -> u64 {
        self.forget.pop().unwrap_or(0)
    }

    /// Takes the segment that the worker says holds its reply to the task at `position`: the one that
    /// the argument came in, or one that the worker has made.
    pub(super) fn take_segment(
        &mut self,
        position: u32,
        id: u64,
        length: usize,
    ) -> Option<Segment> {
        if let Some(entry) = self.tasks[index(position)].as_mut()
            && entry.segment.as_ref().is_some_and(|segment| segment.id == id)
        {
            return entry.segment.take();
        }
        if !self.arrived.contains_key(&id)
            && let Some(why) = self.read_notes()
        {
            self.condemned.get_or_insert(why);
        }
        let (memory, file) = self.arrived.remove(&id)?;
        // What it says it has written must be there: a file of holes is as long as one likes.
        let written = rustix::fs::fstat(&file).ok()?.st_blocks;
        let written = usize::try_from(written).ok()?.saturating_mul(512);
        (written >= length).then_some(Segment { id, memory })
    }

    /// Reads what the worker has said on its control socket. Returns why it is to be ended, if it
    /// refused to serve or says more than a worker may.
    pub(super) fn read_notes(&mut self) -> Option<String> {
        for _ in 0..MOST_NOTES {
            let Ok(Some(message)) = control::receive(&self.control, Receive::Now) else {
                return None;
            };
            match Note::decode(message.bytes()) {
                Some(Note::Arrived) => self.arrived_in_time(),
                Some(Note::Ready) => {
                    self.ready = true;
                    self.arrived_in_time();
                }
                Some(Note::Refused(why)) => return Some(why),
                Some(Note::Segment { id, len }) => {
                    let Some(file) = message.descriptors.into_iter().next() else { continue };
                    let len = usize::try_from(len).unwrap_or(usize::MAX);
                    if let Ok(memory) = Memory::from_descriptor(&file, len) {
                        self.arrived.insert(id, (memory, file));
                    }
                    if self.arrived.len() > SLOTS as usize {
                        return Some("it sends more segments than its tasks can use".to_owned());
                    }
                }
                _ => {}
            }
        }
        Some("it floods its control socket".to_owned())
    }

    /// It has come to `init`.
    fn arrived_in_time(&mut self) {
        if !self.leaving || self.retired {
            self.deadline = None;
        }
    }

    /// Ends the process, and whatever it has started in its group, at once.
    pub(super) fn kill(&mut self) {
        self.killed = true;
        self.life.kill();
    }
}
