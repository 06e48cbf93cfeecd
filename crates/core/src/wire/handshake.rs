//! The messages of the parent on the control socket, and those of the worker in the note pipe.
//!
//! The first message to a worker, the handshake, is in its standard input before it is started:
//! from it, a program that calls `init` learns what it is. No environment variable is needed, so
//! nothing that a task starts can mistake itself for a worker. Every reader here checks what it
//! reads.

use crate::wire::identity::Identity;
use crate::wire::panic::shortened;

/// How a handshake begins.
pub(crate) const MAGIC: &[u8; 24] = b"horsepower worker start\x01";

/// The parent's first message. Descriptors come with it: the note pipe, the lifeline, the lane if it is for
/// a worker, then those of the standard streams that the flags name, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handshake {
    pub(crate) parent: u32,
    pub(crate) flags: u8,
    /// How many horsepower processes are above this one.
    pub(crate) depth: u8,
    /// Increment of the nice value.
    pub(crate) nice: i8,
    /// The CPUs that it may use, as a bit mask; empty: those that its parent may use.
    pub(crate) cpus: Vec<u8>,
    pub(crate) name: String,
    pub(crate) parent_name: String,
    pub(crate) identity: Identity,
}

/// A descriptor for standard input comes with the handshake.
pub(crate) const STDIN: u8 = 1;
/// A descriptor for standard output comes with the handshake. The worker is started through a test
/// harness, which prints; its real standard output is connected only after the harness has called
/// the test.
pub(crate) const STDOUT: u8 = 2;
/// The worker runs one task and exits.
pub(crate) const DEDICATED: u8 = 4;
/// A [`Note::Initialize`] follows.
pub(crate) const INITIALIZE: u8 = 8;
/// The process is not a worker but a fork server, and has no lane.
pub(crate) const SERVER: u8 = 16;
/// The worker was forked by a fork server.
pub(crate) const FORKED: u8 = 32;

impl Handshake {
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.parent.to_le_bytes());
        bytes.extend([self.flags, self.depth, self.nice as u8]);
        for part in [&self.cpus, self.name.as_bytes(), self.parent_name.as_bytes()] {
            // `Launch::check` guarantees that no part is longer.
            let len = part.len().min(u8::MAX.into());
            bytes.push(len as u8);
            bytes.extend(&part[..len]);
        }
        bytes.extend(self.identity.inode.to_le_bytes());
        bytes.extend(self.identity.place.to_le_bytes());
        bytes.extend(self.identity.device.as_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Handshake> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (parent, rest) = rest.split_first_chunk()?;
        let (&[flags, depth, nice], mut rest) = rest.split_first_chunk()?;
        let mut part = || {
            let (&len, parts) = rest.split_first()?;
            let (part, others) = parts.split_at_checked(len.into())?;
            rest = others;
            Some(part.to_vec())
        };
        let (cpus, name, parent_name) = (part()?, part()?, part()?);
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let (name, parent_name) = (text(name), text(parent_name));
        let (inode, rest) = rest.split_first_chunk()?;
        let (place, device) = rest.split_first_chunk()?;
        Some(Handshake {
            parent: u32::from_le_bytes(*parent),
            flags,
            depth,
            nice: nice as i8,
            cpus,
            name,
            parent_name,
            identity: Identity {
                device: String::from_utf8(device.to_vec()).ok()?,
                inode: u64::from_le_bytes(*inode),
                place: u64::from_le_bytes(*place),
            },
        })
    }
}

/// What follows the handshake, in either direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// Worker: it has reached `init` and runs the initializer.
    Arrived,
    /// Worker: it serves tasks.
    Ready,
    /// Worker: it will not serve, and why.
    Refused(String),
    /// Worker: it is about to end, and why.
    Dying(String),
    /// Worker: there is a reply, and the supervisor had asked for a message.
    Reply,
    /// Parent: a new segment of this many bytes. Its descriptor comes with the note.
    Segment { id: u64, len: u64 },
    /// Worker: it needs a segment for a reply of this many bytes.
    Need { len: u64 },
    /// Parent: the reply may go into the segment with this number, which the worker knows.
    Grant { id: u64 },
    /// Parent: there is no segment for the reply, and why.
    Denied(String),
    /// Parent: the output of the task with this number goes into the two files that come with the
    /// note.
    Capture { id: u32 },
    /// Parent: fork a worker. The worker's end of its control socket comes with the note.
    Fork,
    /// Fork server: the worker has been forked.
    Forked { pid: u32 },
    /// Fork server: the kernel has refused to fork, for this reason.
    ForkFailed { errno: i32 },
    /// Parent: call this before sending Ready. The argument's descriptor comes with the note.
    Initialize { entry: u64, len: u64 },
}

/// A note that consists of two numbers.
fn numbers(kind: u8, first: u64, second: u64) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(first.to_le_bytes());
    bytes.extend(second.to_le_bytes());
    bytes
}

/// A note that consists of a text, of which the beginning is sent.
fn text(kind: u8, text: &str) -> Vec<u8> {
    let most = crate::sys::control::LONGEST - 1;
    [&[kind][..], shortened(text, most).as_bytes()].concat()
}

impl Note {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Note::Ready => vec![1],
            Note::Refused(why) => text(2, why),
            Note::Dying(why) => text(14, why),
            Note::Reply => vec![3],
            Note::Segment { id, len } => numbers(4, *id, *len),
            Note::Arrived => vec![5],
            Note::Fork => vec![8],
            Note::Forked { pid } => [&[9][..], &pid.to_le_bytes()].concat(),
            Note::Capture { id } => [&[7][..], &id.to_le_bytes()].concat(),
            Note::Initialize { entry, len } => numbers(6, *entry, *len),
            Note::Need { len } => [&[10][..], &len.to_le_bytes()].concat(),
            Note::Grant { id } => [&[11][..], &id.to_le_bytes()].concat(),
            Note::Denied(why) => text(12, why),
            Note::ForkFailed { errno } => [&[13][..], &errno.to_le_bytes()].concat(),
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Note> {
        let (&kind, rest) = bytes.split_first()?;
        match (kind, rest) {
            (1, []) => Some(Note::Ready),
            (2, why) => Some(Note::Refused(String::from_utf8_lossy(why).into_owned())),
            (3, []) => Some(Note::Reply),
            (5, []) => Some(Note::Arrived),
            (8, []) => Some(Note::Fork),
            (9, pid) => Some(Note::Forked { pid: u32::from_le_bytes(pid.try_into().ok()?) }),
            (7, id) => Some(Note::Capture { id: u32::from_le_bytes(id.try_into().ok()?) }),
            (10, len) => Some(Note::Need { len: u64::from_le_bytes(len.try_into().ok()?) }),
            (11, id) => Some(Note::Grant { id: u64::from_le_bytes(id.try_into().ok()?) }),
            (13, errno) => {
                Some(Note::ForkFailed { errno: i32::from_le_bytes(errno.try_into().ok()?) })
            }
            (14, why) => Some(Note::Dying(String::from_utf8_lossy(why).into_owned())),
            (12, why) => Some(Note::Denied(String::from_utf8_lossy(why).into_owned())),
            (4 | 6, numbers) => {
                let (first, second) = numbers.split_first_chunk()?;
                let first = u64::from_le_bytes(*first);
                let len = u64::from_le_bytes(second.try_into().ok()?);
                Some(match kind {
                    4 => Note::Segment { id: first, len },
                    _ => Note::Initialize { entry: first, len },
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_handshake_arrives(
            parent: u32,
            flags: u8,
            depth: u8,
            nice: i8,
            cpus in proptest::collection::vec(any::<u8>(), 0..40),
            name in ".{0,60}",
            parent_name in ".{0,60}",
            inode: u64,
            place: u64,
            device in "[0-9a-f]{2}:[0-9a-f]{2}",
        ) {
            let identity = Identity { device, inode, place };
            let handshake = Handshake { parent, flags, depth, nice, cpus, name, parent_name, identity };
            prop_assert_eq!(Handshake::decode(&handshake.encode()), Some(handshake));
        }

        #[test]
        fn notes_arrive(id: u64, len: u64, why in ".{0,80}") {
            for note in [
                Note::Arrived,
                Note::Ready,
                Note::Refused(why.clone()),
                Note::Reply,
                Note::Segment { id, len },
                Note::Initialize { entry: id, len },
                Note::Capture { id: id as u32 },
                Note::Fork,
                Note::Forked { pid: id as u32 },
                Note::Need { len },
                Note::Grant { id },
                Note::Denied(why.clone()),
                Note::Dying(why.clone()),
                Note::ForkFailed { errno: id as i32 },
            ] {
                prop_assert_eq!(Note::decode(&note.encode()), Some(note));
            }
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Note::decode(&bytes);
            let _ = Handshake::decode(&bytes);
            let with_magic = [MAGIC, &bytes[..]].concat();
            let _ = Handshake::decode(&with_magic);
        }
    }
}
