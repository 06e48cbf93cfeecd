//! One worker as the parent sees it: its process, its stage, its lane and what is in the lane.
//!
//! Made by [`start`](super::start), kept in the roster, and changed under the pool's lock. It does to the
//! process what its [`Stage`] decides: every change of the stage comes through here.

use super::helper::Helper;
use super::history::History;
use super::process::ChildProcess;
use super::segments::{Segment, Segments};
use super::stage::{EndedTask, Signal, Stage};
use super::trouble::Trouble;
use super::window::{InLane, Window};
use crate::clock::after;
use crate::lane::Lane;
use crate::lane::ring::Seen;
use crate::pool::task::Task;
use crate::sync::Ordering;
use crate::sys::notes::{NoteReader, Read};
use crate::task::{Failure, TaskState};
use crate::wire::capture::Capture;
use crate::wire::handshake::Note;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most notes that are read at a time; a worker in its right mind leaves far fewer.
const MOST_NOTES: usize = 1024;

/// What a worker is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// For as many tasks as come.
    Pool,
    /// For one task: its lane never holds another.
    Dedicated,
}

/// What this process and a worker, or a fork server, say to each other.
#[derive(Debug)]
pub(crate) struct Line {
    /// For what this process says.
    pub(crate) control: OwnedFd,
    /// For what the worker says.
    pub(crate) notes: NoteReader,
}

/// A worker of the pool.
#[derive(Debug)]
pub(crate) struct WorkerHandle {
    /// Tells this worker from others that had, or will have, its index in the roster.
    pub(crate) serial: u64,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) process: Arc<ChildProcess>,
    pub(crate) line: Line,
    pub(crate) lane: Arc<Lane>,
    stage: Stage,
    pub(crate) window: Window,
    pub(crate) segments: Segments,
    pub(crate) history: History,
    pub(crate) helper: Helper,
    pub(crate) trouble: Trouble,
    /// Why it ends, as it says.
    pub(crate) last_words: Option<Arc<str>>,
}

impl WorkerHandle {
    /// A worker whose process was just started, and has until `start_by` to come to `init`.
    pub(crate) fn new(
        serial: u64,
        name: String,
        kind: Kind,
        process: ChildProcess,
        line: Line,
        lane: Lane,
        start_by: Option<Instant>,
    ) -> WorkerHandle {
        WorkerHandle {
            serial,
            name,
            kind,
            process: Arc::new(process),
            line,
            lane: Arc::new(lane),
            stage: Stage::starting(start_by),
            window: Window::new(),
            segments: Segments::default(),
            history: History::new(Instant::now()),
            helper: Helper::None,
            trouble: Trouble::default(),
            last_words: None,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub(crate) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// True if tasks may be put into its lane.
    pub(crate) fn is_usable(&self) -> bool {
        self.stage.takes_tasks()
            && self.kind == Kind::Pool
            && self.window.has_room()
            && !self.trouble.keeps_tasks_away()
    }

    /// Tasks in the lane or on the way into it.
    pub(crate) fn load(&self) -> usize {
        self.window.load()
    }

    /// True if it serves, also if its note that says so has not been read yet.
    pub(crate) fn serves(&self) -> bool {
        self.stage.is_ready() || self.history.replies > 0 || self.runs()
    }

    /// True if it is to be replaced before it has begun anything.
    pub(crate) fn is_useless(&self) -> bool {
        matches!(self.stage, Stage::Retiring { ready: false, .. }) && self.load() == 0
    }

    /// True if the supervisor is to kill it now.
    pub(crate) fn is_to_be_killed(&self) -> bool {
        match self.stage {
            Stage::Killed { .. } => false,
            Stage::Condemned { .. } => true,
            // Once its task has ended after all, there is nothing to wait for.
            Stage::Terminating { .. } => self.has_news(),
            _ => self.is_useless(),
        }
    }

    /// True if it runs a task at this moment.
    pub(crate) fn runs(&self) -> bool {
        self.window.first().is_some_and(|head| self.lane.ring().look(head) == Seen::Running)
    }

    /// True if the task at `position`, which is in the lane, was seen to run, or says so.
    pub(crate) fn has_begun(&self, position: u32) -> bool {
        // Relaxed: whatever the worker says is doubted.
        let began = self.lane.ring().slot(position).reply.began.load(Ordering::Relaxed);
        began != 0 || self.window.get(position).is_some_and(|entry| entry.ran)
    }

    /// The function of the task that it has begun and not ended, if there is one.
    pub(crate) fn running_task(&self) -> Option<&'static str> {
        let head = self.window.first().filter(|_| self.runs())?;
        self.window.get(head).map(|entry| entry.task.entry.name())
    }

    /// True if it has nothing to do and can take a task.
    pub(crate) fn is_idle(&self) -> bool {
        self.stage.is_ready() && self.load() == 0 && self.is_usable()
    }

    /// True if the next thing to collect has come, or something is wrong with it.
    pub(crate) fn has_news(&self) -> bool {
        let news = |head| !matches!(self.lane.ring().look(head), Seen::Ready | Seen::Running);
        self.window.first().is_some_and(news)
    }

    /// True if no task in the lane is unfinished.
    pub(crate) fn has_finished(&self) -> bool {
        self.window.in_flight() == 0 || self.has_news()
    }

    /// Calls in the lane that have not ended.
    pub(crate) fn calls(&self) -> u64 {
        self.window.iter().map(|entry| u64::from(entry.task.remaining())).sum()
    }

    /// Makes the worker capture what its next task prints. The number goes into the request.
    pub(crate) fn capture(&mut self) -> io::Result<(u32, Capture)> {
        let id = self.window.captures.wrapping_add(1).max(1);
        self.window.captures = id;
        Ok((id, Capture::send(&self.line.control, &Note::Capture { id }.encode())?))
    }

    /// True if what a task prints is captured just now.
    pub(crate) fn captures_now(&self) -> bool {
        self.window.captures > 0 && self.window.iter().any(|entry| entry.capture.is_some())
    }

    /// Frees what was captured of a task's output beyond what will be handed over.
    pub(crate) fn trim_captures(&self) {
        self.window.iter().filter_map(|entry| entry.capture.as_ref()).for_each(Capture::trim);
    }

    /// Notes a task that was put at the tail of the lane.
    pub(crate) fn push(&mut self, entry: InLane) {
        self.window.push(entry);
        self.history.was_given_a_task();
    }

    /// Takes the task at `position` out of the lane.
    pub(crate) fn remove(&mut self, position: u32) -> Option<InLane> {
        let entry = self.window.remove(position)?;
        if self.window.in_flight() == 0 {
            self.history.has_nothing_to_do();
        }
        self.lane.note_change();
        self.helper.note_news();
        Some(entry)
    }

    /// Takes all tasks out of the lane.
    pub(crate) fn take_tasks(&mut self) -> Vec<Task> {
        let mut tasks = Vec::new();
        while let Some(entry) = self.window.first().and_then(|head| self.remove(head)) {
            tasks.push(entry.task);
        }
        tasks
    }

    /// Takes back at most `most` tasks that the worker has not begun, the last one first.
    pub(crate) fn take_back(&mut self, most: usize) -> Vec<Task> {
        // The head moves when the first task is taken, so where to stop is noted before.
        let (first, mut position) = (self.window.head(), self.window.tail());
        let mut taken = Vec::new();
        while taken.len() < most && position != first {
            position = position.wrapping_sub(1);
            if self.window.get(position).is_none() {
                continue;
            }
            // The worker goes the other way: where it has been there is nothing more to take.
            if self.lane.ring().look(position) != Seen::Ready
                || !self.lane.ring().take_back(position)
            {
                break;
            }
            if let Some(entry) = self.remove(position) {
                if let Some(segment) = entry.segment {
                    self.segments.give_back(segment);
                }
                self.history.given -= 1;
                taken.push(entry.task);
            }
        }
        taken
    }

    /// Tells the worker to begin no further item of the task with this state.
    pub(crate) fn stop(&self, state: &TaskState) {
        for slot in self.window.slots_of(state) {
            // Relaxed: the worker will see it soon, and nothing else depends on it.
            self.lane.ring().slot(slot).request.stop.store(1, Ordering::Relaxed);
        }
    }

    /// Tells the worker to begin no further item of any task.
    pub(crate) fn stop_all(&self) {
        for entry in self.window.iter().filter(|entry| entry.task.is_framed()) {
            entry.task.state().set_stopped();
            self.stop(entry.task.state());
        }
    }

    /// An idle or new segment of at least `len` bytes, which the worker knows.
    pub(crate) fn segment(&mut self, len: usize) -> io::Result<Segment> {
        self.segments.take(len, &self.line.control)
    }

    /// Takes the segment that the worker says holds its reply to the task at `position`: the one that
    /// the argument came in, or the one that the worker was granted.
    pub(crate) fn take_segment(
        &mut self,
        position: u32,
        id: u64,
        length: usize,
    ) -> Option<Segment> {
        if let Some(entry) = self.window.get_mut(position)
            && entry.segment.as_ref().is_some_and(|segment| segment.id == id)
        {
            return entry.segment.take();
        }
        self.segments.take_granted(id, length)
    }

    /// Reads what the worker has said in its note pipe, and condemns it if it refuses to serve or says
    /// more than a worker may. True: it has reported ready just now.
    pub(crate) fn read_notes(&mut self) -> bool {
        let mut ready = false;
        if let Err(why) = self.read_each_note(&mut ready) {
            self.condemn(|| why);
        }
        ready
    }

    fn read_each_note(&mut self, ready: &mut bool) -> Result<(), String> {
        for _ in 0..MOST_NOTES {
            let note = match self.line.notes.next() {
                Read::Note(note) => note,
                Read::Nothing => return Ok(()),
                Read::Closed => {
                    self.trouble.is_silent(Instant::now());
                    return Ok(());
                }
                Read::Garbage => return Err("it writes garbage into its note pipe".to_owned()),
            };
            match Note::decode(&note) {
                Some(Note::Arrived) => _ = self.stage.arrived(),
                Some(Note::Ready) => *ready |= self.stage.report_ready(),
                Some(Note::Refused(why)) => return Err(why),
                Some(Note::Dying(why)) => self.last_words = Some(why.into()),
                Some(Note::Need { len }) => {
                    self.segments.grant(len, self.window.in_flight(), &self.line.control)?;
                }
                _ => {}
            }
        }
        Err("it floods its note pipe".to_owned())
    }

    /// Nothing can be sent to the worker any more: it has probably just died.
    pub(crate) fn disconnect(&mut self) {
        self.trouble.is_silent(Instant::now());
        self.stage.disconnect();
    }

    /// Tells the worker to leave when it has done what is in its lane; until it is gone it still counts.
    pub(crate) fn retire(&mut self) {
        if self.stage.retire() {
            self.lane.ring().leave();
        }
    }

    /// True if it is to be replaced, has nothing left to do, and has no time yet to be gone.
    pub(crate) fn may_leave_now(&self) -> bool {
        matches!(self.stage, Stage::Retiring { ready: true, by: None }) && self.load() == 0
    }

    /// A worker that [may leave](Self::may_leave_now) has to be gone at this time.
    pub(crate) fn leave_by(&mut self, at: Instant) {
        self.stage.leave_by(at);
    }

    /// Tells the worker to leave, because there will be no more work.
    pub(crate) fn release(&mut self, by: Instant) {
        if !self.stage.was_told_to_leave() {
            self.lane.ring().leave();
        }
        self.stage.release(by);
    }

    /// Has the supervisor kill the worker, and says why. The first reason stands.
    pub(crate) fn condemn(&mut self, why: impl FnOnce() -> String) {
        self.stage.condemn(why);
    }

    /// Ends the worker because of the task at `position`, which runs: after `grace`, or at once.
    pub(crate) fn end_task(&mut self, position: u32, failure: Failure, grace: Duration) {
        let kill_at = (!grace.is_zero()).then(|| after(Instant::now(), grace));
        match self.stage.end_task(EndedTask { position, failure }, kill_at) {
            Some(Signal::Kill) => self.process.kill(),
            Some(Signal::Terminate) => self.process.terminate(),
            Some(Signal::None) | None => {}
        }
    }

    /// Kills the process, and whatever it has started in its group.
    pub(crate) fn kill(&mut self) {
        if self.stage.kill() {
            self.process.kill();
        }
    }

    /// Wakes the thread that helps with the lane, if somebody else has taken something out of it.
    pub(crate) fn wake_helper(&mut self) {
        if self.helper.take_news() {
            self.lane.ring().bell().wake();
        }
    }
}
