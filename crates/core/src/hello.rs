//! What parent and worker say to each other on the control socket.
//!
//! The first message to a worker, the hello, lies in its standard input before it is started: it is
//! how a program that calls `init` knows what it is. No environment variable is needed, so nothing
//! that a task starts can take itself for a worker. Every reader here checks what it reads.

use crate::identity::Identity;

/// How a hello begins.
pub(crate) const MAGIC: &[u8; 24] = b"horsepower worker hello\x01";

/// The parent's first message. With it come the lane and, if `silent`, the real standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) parent: u32,
    /// The worker is started by way of a test harness, which prints; its standard output is put
    /// back only once the harness has been passed.
    pub(crate) silent: bool,
    pub(crate) identity: Identity,
}

impl Hello {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.parent.to_le_bytes());
        bytes.push(self.silent.into());
        bytes.extend(self.identity.inode.to_le_bytes());
        bytes.extend(self.identity.place.to_le_bytes());
        bytes.extend(self.identity.device.as_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Hello> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (parent, rest) = rest.split_first_chunk()?;
        let (&silent, rest) = rest.split_first()?;
        let (inode, rest) = rest.split_first_chunk()?;
        let (place, device) = rest.split_first_chunk()?;
        Some(Hello {
            parent: u32::from_le_bytes(*parent),
            silent: silent != 0,
            identity: Identity {
                device: String::from_utf8(device.to_vec()).ok()?,
                inode: u64::from_le_bytes(*inode),
                place: u64::from_le_bytes(*place),
            },
        })
    }
}

/// What follows the hello, in either direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// Worker: it serves.
    Ready,
    /// Worker: it will not serve, and why.
    Refused(String),
    /// Worker: there is a reply, and the supervisor had asked to be told.
    Reply,
    /// Either: here is a segment of this many bytes. Its descriptor comes with the note.
    Segment { id: u64, len: u64 },
}

impl Note {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Note::Ready => vec![1],
            Note::Refused(why) => {
                let most = crate::sys::control::LONGEST - 1;
                let mut bytes = vec![2];
                bytes.extend(why.bytes().take(most));
                bytes
            }
            Note::Reply => vec![3],
            Note::Segment { id, len } => {
                let mut bytes = vec![4];
                bytes.extend(id.to_le_bytes());
                bytes.extend(len.to_le_bytes());
                bytes
            }
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Note> {
        let (&kind, rest) = bytes.split_first()?;
        match (kind, rest) {
            (1, []) => Some(Note::Ready),
            (2, why) => Some(Note::Refused(String::from_utf8_lossy(why).into_owned())),
            (3, []) => Some(Note::Reply),
            (4, numbers) => {
                let (id, len) = numbers.split_first_chunk()?;
                let len = len.try_into().ok()?;
                Some(Note::Segment { id: u64::from_le_bytes(*id), len: u64::from_le_bytes(len) })
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
        fn a_hello_arrives(parent: u32, silent: bool, inode: u64, place: u64, device in "[0-9a-f]{2}:[0-9a-f]{2}") {
            let hello = Hello { parent, silent, identity: Identity { device, inode, place } };
            prop_assert_eq!(Hello::decode(&hello.encode()), Some(hello));
        }

        #[test]
        fn notes_arrive(id: u64, len: u64, why in ".{0,80}") {
            for note in [Note::Ready, Note::Refused(why.clone()), Note::Reply, Note::Segment { id, len }] {
                prop_assert_eq!(Note::decode(&note.encode()), Some(note));
            }
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Note::decode(&bytes);
            let _ = Hello::decode(&bytes);
            let with_magic = [MAGIC, &bytes[..]].concat();
            let _ = Hello::decode(&with_magic);
        }
    }
}
