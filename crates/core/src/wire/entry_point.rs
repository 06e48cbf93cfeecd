//! Entry points: how one process names a function to another process of the same program.
//!
//! A task is a function whose type has no size: a plain `fn` item or a closure without captures.
//! Its type alone determines which code to run. So for each such type the compiler can generate a
//! small function that needs no value, and a constant that holds its address: the [`Descriptor`].
//! Between processes, the address of the descriptor differs only by where the program was loaded.
//! So its distance from [`anchor`], a function of the same program, names it in every process of
//! the same build. A descriptor begins with a constant of 128 bits, so an invented distance is
//! refused before anything is called. One of the few files with unsafe code.
#![allow(unsafe_code)]

use crate::lane::record::{HEADER, Status, header};
use crate::wire::identity::{self, BuildId, anchor};
use crate::wire::panic::{self, PanicReport};
use crate::zero_sized::assert_zero_sized;
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where a task leaves its result.
#[derive(Default)]
pub struct Output {
    bytes: Vec<u8>,
    bulk: Option<Box<dyn AsRef<[u8]>>>,
}

impl Output {
    /// The buffer for the encoded result, or for the text of a failure. Empty at the start of each
    /// item.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Makes existing memory the result, instead of encoding it into the buffer.
    pub fn set_bulk(&mut self, bytes: Box<dyn AsRef<[u8]>>) {
        self.bulk = Some(bytes);
    }

    pub(crate) fn result(&self) -> &[u8] {
        self.bulk.as_ref().map_or(&self.bytes, |bulk| (**bulk).as_ref())
    }

    /// Empties it for the next item, and releases the excess memory of an unusually large result.
    pub(crate) fn clear(&mut self) {
        const KEEP: usize = 1 << 20;
        self.bulk = None;
        self.bytes.clear();
        self.bytes.shrink_to(KEEP);
    }
}

/// How to call a function of type `F` with an encoded argument. The typed layer implements it.
pub trait Invoke<F> {
    /// Decodes `argument`, calls `function`, and encodes the result into `output`.
    fn invoke(function: &F, argument: &[u8], output: &mut Output) -> Status;
}

type Entry = fn(&[u8], &mut Output) -> Status;

/// What is known about one task function. Stored in the read-only data of the program.
#[repr(C)]
struct Descriptor {
    magic: [u64; 2],
    call: Entry,
    name: fn() -> &'static str,
}

/// The first 128 bits of a descriptor, chosen at random.
const MAGIC: [u64; 2] = [0x8c1f_5ad0_93b7_e264, 0x47d2_e90b_6f3a_185d];

/// The descriptor of the function type `F`, called through `I`.
struct Described<F, I>(PhantomData<(F, I)>);

impl<F, I: Invoke<F>> Described<F, I> {
    const DESCRIPTOR: &'static Descriptor =
        &Descriptor { magic: MAGIC, call: trampoline::<F, I>, name: std::any::type_name::<F> };
}

/// The code of a task, named so that every process of this program can find it.
///
/// Its encoded form, [`encode`](Self::encode), has 24 bytes: the [`BuildId`] of the program (16
/// bytes), then the distance of the descriptor from an anchor in the same program (8 bytes,
/// little-endian, wrapping). A process of the same build, on this machine or another, turns them
/// back into the entry point of the same function; a process of another build refuses them.
#[derive(Clone, Copy)]
pub struct EntryPoint(&'static Descriptor);

/// Why an encoded entry point does not name a function in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryPointError {
    /// It belongs to another program or another build of this one.
    OtherBuild {
        /// The build that it belongs to.
        theirs: BuildId,
        /// The build of this process.
        ours: BuildId,
    },
    /// The bytes are not an entry point.
    Malformed,
    /// The file of this program cannot be examined, and why.
    Unknown(String),
}

impl fmt::Display for EntryPointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EntryPointError::OtherBuild { theirs, ours } => {
                write!(
                    f,
                    "the entry point belongs to build {theirs}, but this process is build {ours}"
                )
            }
            EntryPointError::Malformed => f.write_str("the bytes are not an entry point"),
            EntryPointError::Unknown(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for EntryPointError {}

impl EntryPoint {
    /// Length of an encoded entry point in bytes.
    pub const ENCODED_LEN: usize = BuildId::LEN + 8;

    /// The entry point of `function`, called through `I`. A function that captures is refused at
    /// compile time. The value, which has no size, is kept forever and never dropped.
    ///
    /// # Errors
    /// If the function's code is not in the program's own file but in another shared object, whose
    /// address in another process is unknown.
    pub fn new<F, I>(function: F) -> Result<EntryPoint, String>
    where
        F: Send + Sync + 'static,
        I: Invoke<F>,
    {
        const { assert_zero_sized::<F>() }
        std::mem::forget(function);
        let entry = EntryPoint(Described::<F, I>::DESCRIPTOR);
        if !identity::program_contains(entry.address()) {
            identity::identity()?; // fails if this program's file cannot be examined
            return Err(format!(
                "the code of {} is not in the executable file of this program",
                entry.name()
            ));
        }
        Ok(entry)
    }

    /// The path of the task's function, for messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        (self.0.name)()
    }

    /// Its name in other processes, on this machine and on others; see the type.
    ///
    /// The first call reads the program's file to determine its build.
    ///
    /// # Errors
    /// If that file cannot be read.
    pub fn encode(&self) -> Result<[u8; Self::ENCODED_LEN], String> {
        let mut bytes = [0; Self::ENCODED_LEN];
        bytes[..BuildId::LEN].copy_from_slice(BuildId::of_this_program()?.as_bytes());
        bytes[BuildId::LEN..].copy_from_slice(&self.offset().to_le_bytes());
        Ok(bytes)
    }

    /// The entry point with this name in this process. The bytes may come from anywhere: whatever
    /// does not name a function of this very build is refused.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn decode(bytes: &[u8]) -> Result<EntryPoint, EntryPointError> {
        let bytes: &[u8; Self::ENCODED_LEN] =
            bytes.try_into().map_err(|_| EntryPointError::Malformed)?;
        let (build, offset) = bytes.split_at(BuildId::LEN);
        let theirs = BuildId::from_slice(build).ok_or(EntryPointError::Malformed)?;
        let ours = BuildId::of_this_program().map_err(EntryPointError::Unknown)?;
        if theirs != ours {
            return Err(EntryPointError::OtherBuild { theirs, ours });
        }
        let offset = offset.try_into().map_err(|_| EntryPointError::Malformed)?;
        EntryPoint::from_offset(u64::from_le_bytes(offset)).ok_or(EntryPointError::Malformed)
    }

    /// Calls the function with one encoded argument and catches panics. The answer is a record: a
    /// status, followed by the encoded result or by what went wrong.
    #[must_use]
    pub fn call(&self, argument: &[u8]) -> Vec<u8> {
        let mut output = Output::default();
        let status = self.invoke(argument, &mut output);
        let result = output.result();
        let mut record = Vec::with_capacity(HEADER + result.len());
        record.extend(header(status, result.len()));
        record.extend(result);
        record
    }

    /// Calls the function with one encoded argument. A panic becomes a status like any other.
    pub(crate) fn invoke(&self, argument: &[u8], output: &mut Output) -> Status {
        let status = panic::catch(|| (self.0.call)(argument, output)).unwrap_or_else(|report| {
            output.clear();
            report.encode(output.buffer());
            Status::Panicked
        });
        if status != Status::Returned {
            output.buffer().truncate(PanicReport::MOST_LEN);
        }
        status
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self.0).addr()
    }

    /// Its distance from the anchor, which names it in every process of the same build.
    pub(crate) fn offset(&self) -> u64 {
        self.address().wrapping_sub(anchor as *const () as usize) as u64
    }

    /// The entry point at this distance from the anchor, if there is one.
    pub(crate) fn from_offset(offset: u64) -> Option<EntryPoint> {
        let address = (anchor as *const () as usize).wrapping_add(offset as usize);
        let end = address.checked_add(size_of::<Descriptor>() - 1)?;
        let ours = identity::program_contains(address) && identity::program_contains(end);
        if !ours || !address.is_multiple_of(align_of::<Descriptor>()) {
            return None;
        }
        let word = |index: usize| {
            let word = std::ptr::with_exposed_provenance::<AtomicU64>(address + 8 * index);
            // SAFETY: eight bytes of a mapping of this program's file, which stays mapped while the
            // program runs and was readable when it was found; aligned, as just checked. The bytes
            // may have any value, and an atomic may change while it is read.
            unsafe { &*word }.load(Ordering::Relaxed) // only compared
        };
        if [word(0), word(1)] != MAGIC {
            return None;
        }
        // SAFETY: within the program's file, aligned, and it begins with the 128 random bits that
        // descriptors begin with and nothing else does. So it is a descriptor, and therefore a
        // constant that exists forever.
        Some(EntryPoint(unsafe { &*std::ptr::with_exposed_provenance::<Descriptor>(address) }))
    }
}

impl fmt::Debug for EntryPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryPoint({})", self.name())
    }
}

impl PartialEq for EntryPoint {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Eq for EntryPoint {}

fn trampoline<F, I: Invoke<F>>(argument: &[u8], output: &mut Output) -> Status {
    const { assert_zero_sized::<F>() }
    // SAFETY: `F` has no size, so any aligned address holds a value of it. That a value exists was
    // shown by the one given to `EntryPoint::new`: it was forgotten, so it exists forever, which
    // `F: 'static` allows; and `F: Sync`, so any thread may borrow it. A worker is the same
    // program, so it has the same type; that a value made in the parent stands for one in the
    // worker is what sending a task to another process means.
    let function = unsafe { NonNull::<F>::dangling().as_ref() };
    I::invoke(function, argument, output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct AddOne;
    impl<F: Fn(u8) -> u8> Invoke<F> for AddOne {
        fn invoke(function: &F, argument: &[u8], output: &mut Output) -> Status {
            output.buffer().push(function(argument[0]));
            Status::Returned
        }
    }

    #[test]
    fn an_entry_point_is_found_again_by_its_offset() {
        let entry = EntryPoint::new::<_, AddOne>(|n: u8| n + 1).unwrap();
        let found = EntryPoint::from_offset(entry.offset()).unwrap();
        let mut output = Output::default();
        let status = found.invoke(&[41], &mut output);
        assert_eq!((status, output.result()), (Status::Returned, &[42][..]));
        assert!(found.name().contains("an_entry_point_is_found_again"));
        assert_eq!(found, entry);
    }

    #[test]
    fn an_entry_point_travels_as_bytes() {
        let entry = EntryPoint::new::<_, AddOne>(|n: u8| n + 2).unwrap();
        let mut bytes = entry.encode().unwrap();
        let record = EntryPoint::decode(&bytes).unwrap().call(&[40]);
        assert_eq!(record, [header(Status::Returned, 1).as_slice(), &[42]].concat());
        let panicked = EntryPoint::decode(&bytes).unwrap().call(&[]);
        assert_eq!(panicked[0], Status::Panicked as u8);

        assert_eq!(EntryPoint::decode(&bytes[1..]).unwrap_err(), EntryPointError::Malformed);
        bytes[0] ^= 1;
        let other = EntryPoint::decode(&bytes).unwrap_err();
        assert!(matches!(other, EntryPointError::OtherBuild { .. }), "{other}");
    }

    proptest! {
        #[test]
        fn a_made_up_offset_names_nothing(offset in any::<u64>(), near in -0x20_0000i64..0x20_0000) {
            let entry = EntryPoint::new::<_, AddOne>(|n: u8| n + 3).unwrap();
            for offset in [offset, entry.offset().wrapping_add_signed(near)] {
                // This program has few enough descriptors to list them by name.
                if let Some(found) = EntryPoint::from_offset(offset) {
                    prop_assert!(!found.name().is_empty());
                }
            }
        }
    }

    #[test]
    fn nothing_next_to_a_descriptor_is_one() {
        let entry = EntryPoint::new::<_, AddOne>(|n: u8| n + 4).unwrap();
        for shift in (-16..=16).filter(|&shift| shift != 0) {
            let offset = entry.offset().wrapping_add_signed(shift);
            assert!(EntryPoint::from_offset(offset).is_none(), "{shift}");
        }
    }
}
