//! The encoded argument or result of a task, in the parent's own memory or in shared memory.

#[cfg(target_os = "linux")]
use crate::sys::memory::Memory;
use smallvec::SmallVec;

/// An encoded argument. Short ones are stored in the value itself, so a million queued tasks do not
/// cost a million allocations.
pub struct Payload(Form);

enum Form {
    Small(SmallVec<[u8; 24]>),
    Bulk(Box<dyn AsRef<[u8]> + Send + Sync>),
}

impl Payload {
    /// A payload of these bytes; copies them if they are few.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Payload {
        Payload(Form::Small(SmallVec::from_vec(bytes)))
    }

    /// A payload that copies these bytes.
    #[must_use]
    pub fn copy(bytes: &[u8]) -> Payload {
        Payload(Form::Small(SmallVec::from_slice(bytes)))
    }

    /// A payload that keeps foreign memory as it is: a `Vec<f64>` travels without being encoded.
    #[must_use]
    pub fn bulk(bytes: Box<dyn AsRef<[u8]> + Send + Sync>) -> Payload {
        Payload(Form::Bulk(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Form::Small(bytes) => bytes,
            Form::Bulk(bytes) => (**bytes).as_ref(),
        }
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Payload({} bytes)", self.bytes().len())
    }
}

/// Encoded bytes to decode: either this process's own, or part of a segment. Segments are only ever
/// copied from, because the worker that wrote one may still be writing.
#[derive(Clone, Copy, Debug)]
pub struct Encoded<'a>(Place<'a>);

#[derive(Clone, Copy, Debug)]
enum Place<'a> {
    Own(&'a [u8]),
    #[cfg(target_os = "linux")]
    Shared {
        memory: &'a Memory,
        offset: usize,
        len: usize,
    },
}

impl<'a> Encoded<'a> {
    /// Bytes that this process owns.
    #[must_use]
    pub fn own(bytes: &'a [u8]) -> Self {
        Encoded(Place::Own(bytes))
    }

    /// Bytes of a segment. `None` if the part is not within the memory.
    #[cfg(target_os = "linux")]
    pub(crate) fn shared(memory: &'a Memory, offset: usize, len: usize) -> Option<Self> {
        let end = offset.checked_add(len)?;
        (end <= memory.len()).then_some(Encoded(Place::Shared { memory, offset, len }))
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.0 {
            Place::Own(bytes) => bytes.len(),
            #[cfg(target_os = "linux")]
            Place::Shared { len, .. } => len,
        }
    }

    /// True if there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies all bytes into `target`.
    ///
    /// # Panics
    /// If `target` has a different length.
    pub fn copy_to(&self, target: &mut [u8]) {
        match self.0 {
            Place::Own(bytes) => target.copy_from_slice(bytes),
            #[cfg(target_os = "linux")]
            Place::Shared { memory, offset, len } => {
                assert_eq!(target.len(), len);
                memory.read(offset, target);
            }
        }
    }

    /// Calls `read` with the bytes; shared bytes are copied first. `None`: there is no memory for the
    /// copy.
    pub fn with<T>(&self, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        match self.0 {
            Place::Own(bytes) => Some(read(bytes)),
            #[cfg(target_os = "linux")]
            Place::Shared { memory, offset, len } => {
                memory.read_vec(offset, len).map(|bytes| read(bytes.as_slice()))
            }
        }
    }

    #[cfg(target_os = "linux")]
    /// The part of `len` bytes from `start`, if it exists.
    pub(crate) fn part(&self, start: usize, len: usize) -> Option<Encoded<'a>> {
        if start.checked_add(len)? > self.len() {
            return None;
        }
        match self.0 {
            Place::Own(bytes) => Some(Encoded::own(&bytes[start..start + len])),
            #[cfg(target_os = "linux")]
            Place::Shared { memory, offset, .. } => {
                Encoded::shared(memory, offset.checked_add(start)?, len)
            }
        }
    }
}
