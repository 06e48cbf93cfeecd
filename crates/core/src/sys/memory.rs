//! Anonymous shared memory: a sealed memfd, mapped.
//!
//! One of the few files with unsafe code. It guarantees that a [`Memory`] stays mapped, readable
//! and writable, for its whole `len` while it lives, and that the file behind it can never shrink.
//! So an access within `len` cannot fault. It cannot guarantee that no other process writes
//! meanwhile; so it hands out bytes only by copying, and references only to atomics.
#![allow(unsafe_code)]

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::mm::{MapFlags, ProtFlags};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64};

/// Shared memory, mapped into this process until it is dropped.
#[derive(Debug)]
pub(crate) struct Memory {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: `Memory` owns its mapping as a `Box` owns its allocation; it is not tied to a thread.
unsafe impl Send for Memory {}
// SAFETY: through `&Memory`, bytes are only copied by raw pointers or accessed as atomics.
unsafe impl Sync for Memory {}

impl Memory {
    /// Creates zeroed shared memory of `len` bytes, and the descriptor by which another process
    /// maps it. `name` shows in `/proc/PID/maps`. Pages cost memory only once they are touched.
    ///
    /// # Errors
    /// From the kernel, when descriptors, memory or address space run out.
    pub(crate) fn create(name: &str, len: usize) -> io::Result<(Memory, OwnedFd)> {
        // Beyond this limit the kernel would kill the process with SIGXFSZ instead of failing.
        let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize).current;
        if limit.is_some_and(|limit| limit < len as u64) {
            return Err(rustix::io::Errno::FBIG.into());
        }
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = rustix::fs::memfd_create(name, flags)?;
        rustix::fs::ftruncate(&file, len as u64)?;
        rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Ok((Memory::map(&file, len)?, file))
    }

    /// Maps the first `len` bytes of memory that another process created.
    ///
    /// # Errors
    /// If the descriptor is not a memory file that is sealed against shrinking and at least `len`
    /// bytes long (otherwise its sender could make this process fault), or from the kernel.
    pub(crate) fn from_descriptor(file: impl AsFd, len: usize) -> io::Result<Memory> {
        let seals = rustix::fs::fcntl_get_seals(&file)?;
        let size = rustix::fs::fstat(&file)?.st_size;
        if !seals.contains(SealFlags::SHRINK) || u64::try_from(size).unwrap_or(0) < len as u64 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "expected {len} bytes of sealed shared memory, got {size} bytes with seals {seals:?}"
                ),
            ));
        }
        Memory::map(&file, len)
    }

    fn map(file: impl AsFd, len: usize) -> io::Result<Memory> {
        // SAFETY: a new mapping at an address that the kernel chooses does not affect existing
        // ones.
        let base = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                len,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                file,
                0,
            )?
        };
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Memory { base, len })
    }

    /// Length of the mapping in bytes.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // never empty: the kernel refuses empty mappings
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    fn at(&self, offset: usize, len: usize) -> NonNull<u8> {
        let end = offset.checked_add(len);
        assert!(
            end.is_some_and(|end| end <= self.len),
            "{len} bytes at offset {offset} exceed the shared memory of {} bytes",
            self.len
        );
        // SAFETY: `offset <= len`, and one mapping covers all of `len`.
        unsafe { self.base.add(offset) }
    }

    /// Copies `bytes` into the memory at `offset`.
    ///
    /// # Panics
    /// If they do not fit.
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) {
        let target = self.at(offset, bytes.len());
        // SAFETY: `at` has checked that the target is mapped. `bytes` cannot overlap it, because
        // the only references to the mapping as bytes come from the method `bytes`, whose caller
        // promises that nobody writes. If the other process writes here too, the result is a
        // mixture, which is as valid as any other bytes.
        unsafe { target.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }

    /// Copies from the memory at `offset` into `bytes`.
    ///
    /// # Panics
    /// If the memory ends before `bytes` is full.
    pub(crate) fn read(&self, offset: usize, bytes: &mut [u8]) {
        let source = self.at(offset, bytes.len());
        // SAFETY: as in `write`, in the other direction.
        unsafe { source.as_ptr().copy_to_nonoverlapping(bytes.as_mut_ptr(), bytes.len()) };
    }

    /// Copies `len` bytes at `offset` into a new vector, without zeroing it first. `None`: there is
    /// no memory for the vector.
    ///
    /// # Panics
    /// If the memory ends earlier.
    #[must_use]
    pub(crate) fn read_vec(&self, offset: usize, len: usize) -> Option<Vec<u8>> {
        let source = self.at(offset, len);
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).ok()?;
        // SAFETY: as in `read`; the vector has capacity for `len` bytes, all of which are then
        // initialized.
        unsafe {
            source.as_ptr().copy_to_nonoverlapping(bytes.as_mut_ptr(), len);
            bytes.set_len(len);
        }
        Some(bytes)
    }

    /// A view of the memory at `offset` as a `T`.
    pub(crate) fn view<T: Atoms>(&self, offset: usize) -> &T {
        let place = self.at(offset, size_of::<T>()).cast::<T>();
        assert!(place.is_aligned(), "offset {offset} is not aligned");
        // SAFETY: mapped (`at`), aligned (just checked), valid for any bytes and made of atomics
        // only (`Atoms`), and not unmapped before `self` is dropped.
        unsafe { place.as_ref() }
    }

    /// Borrows the bytes themselves.
    ///
    /// # Safety
    /// Nobody, in any process, writes them while the slice is in use.
    pub(crate) unsafe fn bytes(&self, offset: usize, len: usize) -> &[u8] {
        let source = self.at(offset, len);
        // SAFETY: mapped (`at`); unchanged, as the caller promises.
        unsafe { std::slice::from_raw_parts(source.as_ptr(), len) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: only `self` owns the mapping, and every reference into it borrows `self`.
        // Unmapping an existing mapping cannot fail.
        let _ = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), self.len) };
    }
}

/// Types that may lie in shared memory.
///
/// # Safety
/// Any bytes are a valid value, and every field is an atomic (or an array or struct of atomics), so
/// writes by the other process are not a data race.
pub(crate) unsafe trait Atoms {}

// SAFETY: an atomic integer.
unsafe impl Atoms for AtomicU32 {}
// SAFETY: an atomic integer.
unsafe impl Atoms for AtomicU64 {}
// SAFETY: `Ring` is a `repr(C)` struct of atomics and of arrays and structs of atomics, down to the
// inline payload. A change to it must keep that property.
unsafe impl Atoms for crate::lane::ring::Ring {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn two_mappings_see_each_other() {
        let (ours, file) = Memory::create("horsepower-test", 8192).unwrap();
        let theirs = Memory::from_descriptor(&file, 8192).unwrap();
        ours.write(5000, b"hello");
        assert_eq!(theirs.read_vec(5000, 5).unwrap(), b"hello");
        theirs.view::<AtomicU32>(8).store(7, Ordering::Relaxed);
        assert_eq!(ours.view::<AtomicU32>(8).load(Ordering::Relaxed), 7);
    }

    #[test]
    fn memory_that_could_shrink_is_refused() {
        let file = rustix::fs::memfd_create("x", MemfdFlags::ALLOW_SEALING).unwrap();
        rustix::fs::ftruncate(&file, 4096).unwrap();
        assert!(Memory::from_descriptor(&file, 4096).is_err());
        let (_memory, file) = Memory::create("y", 4096).unwrap();
        assert!(Memory::from_descriptor(&file, 4097).is_err(), "too short");
        assert!(rustix::fs::ftruncate(&file, 1).is_err(), "sealed");
    }

    #[test]
    #[should_panic(expected = "exceed the shared memory")]
    fn reading_past_the_end_panics() {
        let (memory, _file) = Memory::create("z", 4096).unwrap();
        let _ = memory.read_vec(usize::MAX, 2);
    }
}
