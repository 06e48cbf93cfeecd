//! Step ④, the worker: takes a task from the lane, calls it, and puts the reply in the same slot.
//!
//! Reached from [`crate::worker::init`] in a process that the parent's [`crate::pool`] has started.
//! One thread, the one that called `init`, runs every task. It trusts its parent, which is the same
//! program; the parent trusts nothing that comes from here.

use crate::clock::monotonic_nanos;
use crate::copies::{Maker, end_copy};
use crate::lane::frame::{BLOCK, FRAMED, INLINE as TIER_INLINE, SEGMENT};
use crate::lane::record::{HEADER, Status, header, next_argument};
use crate::lane::ring::{INLINE, Next};
use crate::lane::sleep::Rung;
use crate::lane::{BLOCK_LEN, Lane};
use crate::launch;
use crate::sync::Ordering;
use crate::sys::control::{self, Receive};
use crate::sys::memory::Memory;
use crate::sys::{inherited, notes, signals};
use crate::task::PATIENCE;
use crate::wire::capture::Capturing;
use crate::wire::entry_point::{EntryPoint, Output};
use crate::wire::handshake::{self, Handshake, Note};
use crate::wire::identity::identity;
use crate::wire::panic::PanicReport;
use crate::worker::forkserver;
use crate::worker::idle::Idle;
use crate::worker::line::Line;
use crate::worker::role::{self, Role};
use std::collections::HashMap;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// A task of many items ends early when less than this is free in its reply block, so small results
/// never need a segment.
const ROOM: usize = 4096;

/// Bytes of a reply block that are reserved for the text of a failure.
const SPARE: usize = 256;

/// Serves the parent that started this process; exits when there is no more work.
pub(crate) fn serve() -> ! {
    match Worker::new() {
        Ok(mut worker) => worker.serve(),
        // The parent sees the exit, and has been told the reason if that was possible.
        Err(_) => std::process::exit(1),
    }
}

struct Worker {
    lane: Lane,
    line: Line,
    /// The process id of the parent.
    parent: u32,
    /// Tells this process from copies of it that a task makes.
    maker: Maker,
    /// It runs one task, and its exit status tells the outcome.
    dedicated: bool,
    /// The code with which it exits when told to leave.
    exit_code: i32,
    segments: HashMap<u64, Arc<Memory>>,
    /// The files that receive the output of tasks, by number.
    captures: HashMap<u32, [OwnedFd; 2]>,
    /// The entry point of the last task and its offset: consecutive tasks often call the same
    /// function.
    last_entry: Option<(u64, EntryPoint)>,
}

impl Worker {
    fn new() -> io::Result<Worker> {
        let control = inherited::take_standard_input()?;
        Worker::with(control, Origin::Executed)
    }

    /// The worker at this end of a control socket that holds a handshake.
    fn with(control: OwnedFd, origin: Origin) -> io::Result<Worker> {
        let message = control::receive(&control, Receive::Now)?.ok_or(io::ErrorKind::BrokenPipe)?;
        let handshake = Handshake::decode(message.bytes()).ok_or(io::ErrorKind::InvalidData)?;
        die_with(handshake.parent)?;
        if origin == Origin::Executed {
            inherited::close_all_but_standard_streams()?;
            signals::reset();
        }
        if !handshake.has(handshake::DEDICATED) {
            signals::leave_termination_to(handshake.parent);
        }
        let mut descriptors = message.descriptors.into_iter();
        let (Some(notes), Some(lifeline)) = (descriptors.next(), descriptors.next()) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let line = Line::new(control, notes, lifeline)?;
        let refuse = |why: String| {
            let _ = notes::write_now(&line.notes, &Note::Refused(why.clone()).encode());
            io::Error::other(why)
        };
        let lane = if handshake.has(handshake::SERVER) { None } else { descriptors.next() };
        launch::restrict(handshake.nice, &handshake.cpus).map_err(&refuse)?;
        if handshake.has(handshake::STDIN) {
            let input = descriptors.next().ok_or(io::ErrorKind::InvalidData)?;
            rustix::stdio::dup2_stdin(&input)?;
        }
        if handshake.has(handshake::STDOUT) {
            let output = descriptors.next().ok_or(io::ErrorKind::InvalidData)?;
            rustix::stdio::dup2_stdout(&output)?;
        }
        let ours = identity().map_err(&refuse)?;
        if *ours != handshake.identity {
            return Err(refuse(format!(
                "the worker is a different build ({ours:?}) than its parent ({:?})",
                handshake.identity
            )));
        }
        let dedicated = handshake.has(handshake::DEDICATED);
        let role = Role {
            name: handshake.name.clone(),
            parent: handshake.parent,
            parent_name: handshake.parent_name.clone(),
            depth: handshake.depth,
            forked: origin == Origin::Forked,
            dedicated,
        };
        if handshake.has(handshake::SERVER) {
            role::set_server(role);
            let preload = || {
                if !handshake.has(handshake::INITIALIZE) {
                    return Ok(());
                }
                let arrived = notes::write(&line.notes, &Note::Arrived.encode());
                arrived.map_err(|error| error.to_string())?;
                call_first(&line.control, "preload")
            };
            let served = forkserver::serve(&line.control, &line.notes, &handshake, preload);
            let theirs = served.map_err(&refuse)?;
            drop(line); // the server's
            return Worker::with(theirs, Origin::Forked);
        }
        let lane = lane.ok_or(io::ErrorKind::InvalidData)?;
        let lane = Lane::open(lane).map_err(|error| refuse(error.to_string()))?;
        role::set_role(role);
        line.tell_of_the_end();
        if handshake.has(handshake::INITIALIZE) {
            notes::write(&line.notes, &Note::Arrived.encode())?;
            call_first(&line.control, "the initializer").map_err(&refuse)?;
            // It may have changed the user.
            die_with(handshake.parent)?;
        }
        notes::write(&line.notes, &Note::Ready.encode())?;
        let (segments, captures) = (HashMap::new(), HashMap::new());
        Ok(Worker {
            lane,
            line,
            parent: handshake.parent,
            maker: Maker::here(),
            dedicated,
            exit_code: 0,
            segments,
            captures,
            last_entry: None,
        })
    }

    fn serve(&mut self) -> ! {
        let mut cursor = 0;
        let mut output = Output::default();
        let mut rung = Rung::Nobody;
        let mut rest = Idle::default();
        loop {
            match self.lane.ring().next(&mut cursor) {
                Next::Task(position) => rung = self.run(position, &mut output),
                Next::Empty => rest.until_news(self.lane.ring(), cursor, rung, || {
                    // A task may have changed the user, and then the kernel has forgotten this.
                    if die_with(self.parent).is_err() {
                        std::process::exit(1);
                    }
                }),
                Next::Leave => std::process::exit(self.exit_code),
            }
        }
    }

    /// Runs the task at `position`, which is RUNNING, until its reply is published.
    fn run(&mut self, position: u32, output: &mut Output) -> Rung {
        let started = monotonic_nanos();
        let slot = self.lane.ring().slot(position);
        // Relaxed, here and below: the slot's state word guards the frames.
        let forget = slot.request.forget.load(Ordering::Relaxed);
        if forget != 0 {
            self.segments.remove(&forget);
        }
        let capture = slot.request.capture.load(Ordering::Relaxed);
        let capturing = (capture != 0).then(|| self.capture(capture));
        self.run_items(position, output, started);
        // Flush what the task printed before its result is visible.
        let _ = io::stdout().flush();
        drop(capturing);
        let ring = self.lane.ring();
        let nanos = monotonic_nanos().saturating_sub(started);
        ring.slot(position).reply.nanos.store(nanos, Ordering::Relaxed);
        let rung = ring.finish(position);
        if rung == Rung::Supervisor {
            // If the pipe is full of such messages, one more is not needed.
            let _ = notes::write_now(&self.line.notes, &Note::Reply.encode());
        }
        rung
    }

    /// The entry point at this offset, if there is one.
    fn entry_point(&mut self, offset: u64) -> Option<EntryPoint> {
        if let Some((last, entry)) = self.last_entry
            && last == offset
        {
            return Some(entry);
        }
        let entry = EntryPoint::from_offset(offset)?;
        self.last_entry = Some((offset, entry));
        Some(entry)
    }

    fn run_items(&mut self, position: u32, output: &mut Output, started: u64) {
        let entry = self.lane.ring().slot(position).request.entry.load(Ordering::Relaxed);
        let entry = self.entry_point(entry);
        let request = &self.lane.ring().slot(position).request;
        let tier = request.tier.load(Ordering::Relaxed);
        let items = request.items.load(Ordering::Relaxed);
        let length = request.length.load(Ordering::Relaxed) as usize;
        let segment = request.segment.load(Ordering::Relaxed);
        let (framed, tier) = (tier & FRAMED != 0, tier & !FRAMED);
        let memory = match tier {
            SEGMENT => match self.segment(segment) {
                Ok(memory) => Some(memory),
                Err(error) => {
                    let text = format!("cannot receive the segment of the argument: {error}");
                    let replying = &mut Replying::default();
                    self.answer(position, replying, true, Status::NotTaken, text.as_bytes());
                    return;
                }
            },
            _ => None,
        };
        let mut replying = Replying {
            reuse: memory.clone().map(|memory| (segment, memory)),
            ..Default::default()
        };
        let mut taken = 0; // bytes of the argument that earlier items used
        let mut now = started;
        for item in 0..items {
            let slot = self.lane.ring().slot(position);
            if item > 0 {
                now = monotonic_nanos();
                let full = replying.length > BLOCK_LEN - ROOM;
                let long = now - started > PATIENCE.as_nanos() as u64;
                if full || long || slot.request.stop.load(Ordering::Relaxed) != 0 {
                    return;
                }
            }
            // Relaxed: only the parent's timers read it, and they tolerate any number.
            slot.reply.began.store(now, Ordering::Relaxed);
            output.clear();
            let status = {
                let mut rest = &self.argument(position, tier, memory.as_deref(), length)[taken..];
                let argument = if framed { next_argument(&mut rest) } else { Some(rest) };
                match argument {
                    Some(argument) => {
                        taken = length - rest.len();
                        let status = invoke(entry, argument, output);
                        if !self.maker.is_here() {
                            // The task has forked, and has returned in the copy too.
                            end_copy();
                        }
                        status
                    }
                    None => {
                        output.buffer().extend(b"the argument is damaged");
                        Status::NotDecoded
                    }
                }
            };
            if self.dedicated {
                self.exit_code = exit_code(status, output.result());
            }
            let single = !framed;
            if !self.answer(position, &mut replying, single, status, output.result()) {
                return;
            }
        }
    }

    /// The bytes of the whole argument of the RUNNING task.
    #[allow(unsafe_code)]
    fn argument<'a>(
        &'a self,
        position: u32,
        tier: u32,
        memory: Option<&'a Memory>,
        len: usize,
    ) -> &'a [u8] {
        match memory {
            // SAFETY: a segment belongs to one task at a time, and its parent does not write to it
            // while the task is RUNNING. This worker writes to it only in `answer`, after the last
            // use of the argument.
            Some(memory) => unsafe { memory.bytes(0, len) },
            // SAFETY: the task at `position` is RUNNING. This worker writes to the slot only in
            // `answer`, after the last use of an inline argument; the results of several items go
            // to the reply block, never inline.
            None => unsafe { self.lane.argument(position, tier, len) },
        }
    }

    /// The segment with the parent's `id`, which the parent sent before the task.
    fn segment(&mut self, id: u64) -> io::Result<Arc<Memory>> {
        while !self.segments.contains_key(&id) {
            self.receive()?;
        }
        Ok(self.segments[&id].clone())
    }

    /// Redirects output into the files that the parent sent. If that fails, output goes where it
    /// usually does.
    fn capture(&mut self, id: u32) -> io::Result<Capturing> {
        while !self.captures.contains_key(&id) {
            self.receive()?;
        }
        let [output, errors] = self.captures.remove(&id).ok_or(io::ErrorKind::NotFound)?;
        // Drops files whose tasks were taken back.
        self.captures.clear();
        Capturing::begin(&output, &errors)
    }

    /// Receives a message of the parent. Those that it sends ahead of the task that needs them are kept; the
    /// answer to a [`Note::Need`] is returned.
    fn receive(&mut self) -> io::Result<Option<Result<u64, String>>> {
        let message = control::receive(&self.line.control, Receive::Wait)?
            .ok_or(io::ErrorKind::BrokenPipe)?;
        match Note::decode(message.bytes()) {
            Some(Note::Segment { id, len }) => {
                let file = message.descriptors.first().ok_or(io::ErrorKind::InvalidData)?;
                let len = usize::try_from(len).map_err(|_| io::ErrorKind::InvalidData)?;
                self.segments.insert(id, Arc::new(Memory::from_descriptor(file, len)?));
            }
            Some(Note::Capture { id }) => {
                let files = message.descriptors.try_into();
                self.captures.insert(id, files.map_err(|_| io::ErrorKind::InvalidData)?);
            }
            Some(Note::Grant { id }) => return Ok(Some(Ok(id))),
            Some(Note::Denied(why)) => return Ok(Some(Err(why))),
            _ => {}
        }
        Ok(None)
    }

    /// Adds an item's result to the reply. False: the reply is full, and the remaining items go
    /// back to the parent.
    fn answer(
        &mut self,
        position: u32,
        replying: &mut Replying,
        single: bool,
        status: Status,
        bytes: &[u8],
    ) -> bool {
        let total = HEADER + bytes.len();
        let end = replying.length + total;
        let fits = if single { end <= BLOCK_LEN } else { end <= BLOCK_LEN - SPARE };
        if fits {
            let tier = if single && end <= INLINE { TIER_INLINE } else { BLOCK };
            self.lane.write_reply(position, tier, replying.length, &header(status, bytes.len()));
            self.lane.write_reply(position, tier, replying.length + HEADER, bytes);
            self.commit(position, replying, tier, 0, end);
            return true;
        }
        match self.segment_for(replying, end, single) {
            Ok((id, memory)) => {
                let mut earlier = vec![0; replying.length];
                self.lane.read_own_reply(position, &mut earlier);
                memory.write(0, &earlier);
                memory.write(replying.length, &header(status, bytes.len()));
                memory.write(replying.length + HEADER, bytes);
                self.commit(position, replying, SEGMENT, id, end);
                false
            }
            Err(error) => {
                let text = format!(
                    "cannot allocate shared memory for a result of {} bytes: {error}",
                    bytes.len()
                );
                let text = &text.as_bytes()[..text.len().min(SPARE - HEADER)];
                self.lane.write_reply(
                    position,
                    BLOCK,
                    replying.length,
                    &header(Status::NotEncoded, text.len()),
                );
                self.lane.write_reply(position, BLOCK, replying.length + HEADER, text);
                self.commit(position, replying, BLOCK, 0, replying.length + HEADER + text.len());
                false
            }
        }
    }

    fn commit(
        &self,
        position: u32,
        replying: &mut Replying,
        tier: u32,
        segment: u64,
        length: usize,
    ) {
        let ring = self.lane.ring();
        let reply = &ring.slot(position).reply;
        reply.tier.store(tier, Ordering::Relaxed);
        reply.segment.store(segment, Ordering::Relaxed);
        reply.length.store(length as u64, Ordering::Relaxed);
        replying.length = length;
        replying.items += 1;
        ring.commit(position, replying.items);
    }

    /// A segment of at least `len` bytes: the one that held the argument, if the argument is no longer
    /// needed, or one that the parent grants. All segments are made by the parent, so that it receives
    /// no descriptor.
    fn segment_for(
        &mut self,
        replying: &Replying,
        len: usize,
        single: bool,
    ) -> io::Result<(u64, Arc<Memory>)> {
        if let Some((id, memory)) =
            replying.reuse.as_ref().filter(|(_, memory)| single && memory.len() >= len)
        {
            return Ok((*id, memory.clone()));
        }
        notes::write(&self.line.notes, &Note::Need { len: len as u64 }.encode())?;
        let granted = loop {
            if let Some(answer) = self.receive()? {
                break answer;
            }
        };
        let id = granted.map_err(io::Error::other)?;
        Ok((id, self.segment(id)?))
    }
}

/// The progress of the current task's reply.
#[derive(Default)]
struct Replying {
    length: usize,
    items: u32,
    /// The segment that held the argument.
    reuse: Option<(u64, Arc<Memory>)>,
}

/// How this process was created.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Executed,
    Forked,
}

/// Makes the call that the parent wants before anything else.
fn call_first(control: &OwnedFd, what: &str) -> Result<(), String> {
    let message = control::receive(control, Receive::Now).ok().flatten();
    let note = message.as_ref().and_then(|message| Note::decode(message.bytes()));
    let (Some(Note::Initialize { entry, len }), Some(message)) = (note, &message) else {
        return Err(format!("{what} was not received"));
    };
    let file = message.descriptors.first().ok_or_else(|| format!("{what} has no argument"))?;
    let len = usize::try_from(len).map_err(|error| error.to_string())?;
    let memory = Memory::from_descriptor(file, len.max(1)).map_err(|error| error.to_string())?;
    let argument = memory.read_vec(0, len).ok_or_else(|| format!("no memory for {len} bytes"))?;
    let mut output = Output::default();
    let status = invoke(EntryPoint::from_offset(entry), &argument, &mut output);
    let _ = io::stdout().flush();
    match status {
        Status::Returned => Ok(()),
        status => Err(format!("{what} failed: {}", text(status, output.result()))),
    }
}

/// The text for a task that did not return.
fn text(status: Status, output: &[u8]) -> String {
    match status {
        Status::Panicked => {
            PanicReport::decode(output).map_or_else(String::new, |report| report.to_string())
        }
        // The name of a type, and what is wrong with it.
        _ => String::from_utf8_lossy(output).replacen('\n', ": ", 1),
    }
}

/// The exit code of a dedicated process, which runs one task: as for any Rust program, 0, or 101
/// after a panic. It prints what went wrong on its standard error, as is usual for a process.
fn exit_code(status: Status, output: &[u8]) -> i32 {
    if status == Status::Returned {
        return 0;
    }
    let name = role::role().map_or("", |role| &role.name);
    // Standard error may be closed; the parent learns the outcome anyway.
    let _ = writeln!(io::stderr(), "process {name}: {}", text(status, output));
    if status == Status::Panicked { 101 } else { 1 }
}

/// Calls the task's function with one encoded argument.
fn invoke(entry: Option<EntryPoint>, argument: &[u8], output: &mut Output) -> Status {
    match entry {
        Some(entry) => entry.invoke(argument, output),
        // The parent, which is this very program, never writes such an offset.
        None => {
            output.buffer().extend(b"the entry point is damaged");
            Status::NotDecoded
        }
    }
}

/// Makes the kernel kill this process when the parent's supervisor thread ends, however it ends.
fn die_with(parent: u32) -> io::Result<()> {
    let signal = rustix::process::Signal::KILL;
    rustix::process::set_parent_process_death_signal(Some(signal))?;
    // If the parent died before that took effect, another process has adopted this one.
    let alive =
        rustix::process::getppid().is_some_and(|pid| pid.as_raw_nonzero().get() as u32 == parent);
    if alive { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
}
