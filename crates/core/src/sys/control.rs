//! The control socket between the parent and one worker: a pair of connected sockets that preserve
//! message boundaries and can carry descriptors. The handshake and the notes of the parent go through it;
//! what the worker has to say goes through a pipe ([`notes`](super::notes)), and the parent's end cannot
//! receive.

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown, SocketFlags, SocketType,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Longest message in bytes.
pub(crate) const LONGEST: usize = 1024;

/// Most descriptors in one message.
const DESCRIPTORS: usize = 5;

/// A message and the descriptors that came with it.
#[derive(Debug)]
pub(crate) struct Message {
    bytes: [u8; LONGEST],
    len: usize,
    pub(crate) descriptors: Vec<OwnedFd>,
}

impl Message {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Creates a connected pair: the parent's end, which only sends, and the worker's. Neither survives
/// `exec` unless it becomes a standard stream.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?;
    // Whoever receives a descriptor has to close it, which may take as long as its sender likes. So
    // nothing that the worker sends here is even queued.
    rustix::net::shutdown(&ours, Shutdown::Read)?;
    Ok((ours, theirs))
}

/// Sends one message. If the other side has not read its messages and there is no room for another, that
/// is an error, `WouldBlock`.
pub(crate) fn send(
    socket: impl AsFd,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    debug_assert!(bytes.len() <= LONGEST && descriptors.len() <= DESCRIPTORS);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    loop {
        match rustix::net::sendmsg(&socket, &[IoSlice::new(bytes)], &mut ancillary, flags) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// How to receive.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receive {
    /// Wait for a message.
    Wait,
    /// Return `None` if there is none.
    Now,
}

/// Receives one message. `Ok(None)`: there is none now, or the other side is gone for good.
pub(crate) fn receive(socket: impl AsFd, how: Receive) -> io::Result<Option<Message>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut bytes = [0; LONGEST];
    let flags = match how {
        Receive::Wait => RecvFlags::CMSG_CLOEXEC,
        Receive::Now => RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT,
    };
    // The kernel reports a peer that died with unread messages once, before the messages that it
    // sent.
    let mut resets = 0;
    loop {
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut slices = [IoSliceMut::new(&mut bytes)];
        match rustix::net::recvmsg(&socket, &mut slices, &mut ancillary, flags) {
            Ok(received) if received.bytes == 0 => return Ok(None),
            Ok(received) => {
                let mut descriptors = Vec::new();
                for message in ancillary.drain() {
                    if let RecvAncillaryMessage::ScmRights(rights) = message {
                        descriptors.extend(rights);
                    }
                }
                return Ok(Some(Message { bytes, len: received.bytes, descriptors }));
            }
            Err(Errno::INTR) => {}
            Err(Errno::CONNRESET) if resets == 0 => resets += 1,
            Err(Errno::AGAIN | Errno::CONNRESET) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}

/// True if `descriptor` is a control socket whose next message begins with `magic`. Leaves the
/// message in the socket.
pub(crate) fn begins_with(descriptor: BorrowedFd<'_>, magic: &[u8]) -> bool {
    // Only a socket of this kind is read from, even to peek.
    if rustix::net::sockopt::socket_type(descriptor) != Ok(SocketType::SEQPACKET) {
        return false;
    }
    let mut bytes = [0; 64];
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    let peeked = rustix::net::recv(descriptor, &mut bytes[..], flags);
    matches!(peeked, Ok((len, _)) if bytes[..len].starts_with(magic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_their_bounds_and_carry_descriptors() {
        let (a, b) = pair().unwrap();
        send(&a, b"one", &[]).unwrap();
        send(&a, b"two", &[b.as_fd()]).unwrap();
        assert!(begins_with(b.as_fd(), b"on"));
        assert!(!begins_with(b.as_fd(), b"two"));
        assert_eq!(receive(&b, Receive::Wait).unwrap().unwrap().bytes(), b"one");
        let two = receive(&b, Receive::Wait).unwrap().unwrap();
        assert_eq!((two.bytes(), two.descriptors.len()), (&b"two"[..], 1));
        assert!(receive(&b, Receive::Now).unwrap().is_none());
    }

    #[test]
    fn what_was_sent_before_a_death_is_received() {
        let (a, b) = pair().unwrap();
        send(&a, b"last words", &[]).unwrap();
        drop(a);
        assert_eq!(receive(&b, Receive::Now).unwrap().unwrap().bytes(), b"last words");
        assert!(receive(&b, Receive::Now).unwrap().is_none());
        assert!(receive(&b, Receive::Wait).unwrap().is_none());
    }

    #[test]
    fn nothing_can_be_sent_to_the_parent() {
        let (a, b) = pair().unwrap();
        assert!(send(&b, b"note", &[]).is_err());
        assert!(send(&b, b"note", &[b.as_fd()]).is_err());
        send(&a, b"the other way", &[]).unwrap();
    }

    #[test]
    fn a_stream_that_is_no_control_socket_is_left_alone() {
        let (read, write) = rustix::pipe::pipe().unwrap();
        rustix::io::write(&write, b"horsepower").unwrap();
        assert!(!begins_with(read.as_fd(), b"horsepower"));
        let mut bytes = [0; 16];
        assert_eq!(rustix::io::read(&read, &mut bytes).unwrap(), 10, "nothing was taken");
    }
}
